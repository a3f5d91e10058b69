import Encoders
import MemeData
import Methods
import Metrics
import Torch

/// Which epoch of a training is kept: the one with the best score on the validation split.
///
/// Only the last stage of a method is chosen from, such as the head of SemiMemes; its auto-encoders train to their end.
public struct EpochSelection: Codable, Sendable, Equatable {
  /// Which of several epochs with the best score is kept.
  public enum Ties: String, Codable, Sendable, CaseIterable {
    case earliest, latest
  }

  public var metric: Metric
  public var ties: Ties

  public init(metric: Metric, ties: Ties = .earliest) {
    self.metric = metric
    self.ties = ties
  }

  /// Whether an epoch of score `later` is kept rather than an earlier one of score `earlier`.
  func prefers(_ later: Double, over earlier: Double) -> Bool {
    later == earlier ? ties == .latest : (later > earlier) == metric.isHigherBetter
  }

  /// The epoch of a log that was kept; `nil` where none has a score.
  func chosen(from epochs: [TrainingLog.Epoch]) -> TrainingLog.Epoch? {
    epochs.filter { $0.score != nil }.reduce(nil) { best, epoch in
      guard let best else { return epoch }
      return prefers(epoch.score!, over: best.score!) ? epoch : best
    }
  }
}

/// Scores a classifier on the validation split, as a selection asks for it.
struct EpochScorer: @unchecked Sendable {  // what it holds is only read
  let selection: EpochSelection
  /// The score; a higher one may be worse, see ``EpochSelection/prefers(_:over:)``.
  let score: (any Classifier) throws -> Double

  init(_ selection: EpochSelection, score: @escaping (any Classifier) throws -> Double) {
    self.selection = selection
    self.score = score
  }

  /// A scorer on a corpus, by the mean of its tasks' scores; `nil` where the validation split cannot tell epochs apart, of
  /// which `observer` is warned: no meme there is labelled, or the metric has no value for the labels there are, as AUROC
  /// for one class.
  ///
  /// - Throws: ``TrainingError/invalid(_:)`` where tasks of this kind have no such metric.
  init?(
    _ selection: EpochSelection, on corpus: Corpus, tasks: [LabelTask], observer: any ProgressObserver
  ) throws {
    let metric = selection.metric
    let blind = try TrainingRun.score(Uninformed(tasks: tasks), on: corpus, split: .validation, tasks: tasks)
    if blind.isEmpty {
      let names = tasks.map(\.name).joined(separator: ", ")
      observer.observe(.warning("no meme of the validation split is labelled for '\(names)': the last epoch is kept"))
      return nil
    }
    for set in blind {
      guard let reason = try Self.score(metric, of: set).reason else { continue }
      observer.observe(
        .warning("\(metric.rawValue) has no value on the validation split (\(reason)): the last epoch is kept"))
      return nil
    }
    self.init(selection) { classifier in
      let sets = try TrainingRun.score(classifier, on: corpus, split: .validation, tasks: tasks)
      return try sets.reduce(0) { $0 + (try Self.score(metric, of: $1).value!) } / Double(sets.count)
    }
  }

  private static func score(_ metric: Metric, of set: PredictionSet) throws -> Score {
    let report = try set.metrics()
    do {
      return try report.score(metric)
    } catch {
      throw TrainingError.invalid(
        "the recipe chooses epochs by a score of '\(set.task.name)', and \(error): --set selection.metric= one of them, or "
          + "--set selection=null for the last epoch")
    }
  }
}

/// Says the same of every meme: what a metric makes of it tells whether labels allow the metric at all.
struct Uninformed: Classifier {
  let tasks: [LabelTask]

  func probabilities(of features: FeatureTable) -> Tensor {
    let each = tasks.map { Tensor.full([features.count, $0.outputCount], 1 / Double($0.outputCount)) }
    return .concatenated(each, along: 1)
  }
}
