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

  /// A scorer on a corpus; `nil` where its validation split cannot tell epochs apart, of which `observer` is warned:
  /// no meme there is labelled for the task, or the metric has no value for such labels, as AUROC for one class.
  ///
  /// - Throws: ``TrainingError/invalid(_:)`` where tasks of this kind have no such metric.
  init?(_ selection: EpochSelection, on corpus: Corpus, task: LabelTask, observer: any ProgressObserver) throws {
    let metric = selection.metric
    guard let blind = try TrainingRun.score(Uninformed(task: task), on: corpus, split: .validation, task: task) else {
      observer.observe(
        .warning("no meme of the validation split is labelled for '\(task.name)': the last epoch is kept"))
      return nil
    }
    let report = try blind.metrics()
    guard let score = report[metric] else {
      let known = Metric.allCases.filter { report[$0] != nil }.map(\.rawValue)
      throw TrainingError.invalid(
        "the recipe chooses epochs by \(metric.rawValue), which a \(task.kind.rawValue) task like '\(task.name)' does not "
          + "have: --set selection.metric= one of \(known.joined(separator: ", ")), or --set selection=null for the last "
          + "epoch")
    }
    if let reason = score.reason {
      observer.observe(
        .warning("\(metric.rawValue) has no value on the validation split (\(reason)): the last epoch is kept"))
      return nil
    }
    self.init(selection) { classifier in
      let scored = try TrainingRun.score(classifier, on: corpus, split: .validation, task: task)!
      return try scored.metrics().score(metric).value!
    }
  }
}

/// Says the same of every meme: what a metric makes of it tells whether labels allow the metric at all.
private struct Uninformed: Classifier {
  let task: LabelTask

  func probabilities(of features: FeatureTable) -> Tensor {
    .full([features.count, task.labels.count], 1 / Double(task.labels.count))
  }
}
