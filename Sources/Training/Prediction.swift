import Foundation
import MemeData
import Methods
import Metrics
import Torch

/// What a model says of one meme; one line of `predictions-<split>.jsonl`.
public struct Prediction: Codable, Sendable, Equatable {
  public var id: String
  /// By label name; a binary task has one, its positive class.
  public var probabilities: [String: Double]
  /// 1 where the label is predicted: above its threshold, which is one half unless calibrated, or the likeliest of
  /// exclusive classes.
  public var labels: [String: Int]
  /// The predicted class of a multi-class task.
  public var label: String?
  /// Whether probabilities are at the temperatures and labels at the thresholds that validation memes chose; absent
  /// where they are not.
  public var calibrated: Bool?
  /// What a model of several tasks says for the others, by their names.
  public var tasks: [String: Prediction]?

  /// Reads one row of a classifier's output.
  public init(id: String, probabilities raw: [Double], task: LabelTask, calibration: TaskCalibration? = nil) {
    self.id = id
    let names = task.labels
    let row = calibration?.scaled(raw) ?? raw
    calibrated = calibration.map { _ in true }
    probabilities = Dictionary(uniqueKeysWithValues: zip(names, row))
    switch task.kind {
    case .binary, .multilabel:
      let thresholds = calibration?.thresholds ?? names.map { _ in DecisionThreshold.usual }
      labels = Dictionary(
        uniqueKeysWithValues: names.indices.map { (names[$0], row[$0] > thresholds[$0] ? 1 : 0) })
      label = nil
    case .multiclass:
      // The first of equals, as the metrics count.
      let winner = row.indices.max { row[$0] < row[$1] || (row[$0] == row[$1] && $0 > $1) }!
      labels = Dictionary(uniqueKeysWithValues: names.indices.map { (names[$0], $0 == winner ? 1 : 0) })
      label = names[winner]
    }
  }
}

/// Probabilities for a list of memes, with the truth where it is known.
public struct PredictionSet: Sendable {
  public var task: LabelTask
  public var split: Split
  public var memes: [Meme]
  /// One row a meme, one column a label.
  public var probabilities: [[Double]]

  public init(task: LabelTask, split: Split, memes: [Meme], probabilities: Tensor) {
    self.task = task
    self.split = split
    self.memes = memes
    self.probabilities = probabilities.rows
  }

  public var predictions: [Prediction] {
    zip(memes, probabilities).map { Prediction(id: $0.id, probabilities: $1, task: task) }
  }

  /// The scores over the memes that are labelled for the task.
  ///
  /// - Parameters:
  ///   - calibration: temperatures and thresholds to score at; `nil` for probabilities as they are and one half.
  ///   - merges: classes of a multi-class task that are reported as one.
  public func metrics(
    _ calibration: TaskCalibration? = nil, merging merges: [MergedClass] = []
  ) throws(MetricError) -> MetricReport {
    let (truth, raw) = labelled
    let rows = calibration.map { raw.map($0.scaled) } ?? raw
    switch truth {
    case .binary(let flags):
      return try .evaluate(
        truth: flags, probabilities: rows.map { $0[0] }, label: task.labels[0],
        threshold: calibration?.thresholds?[0] ?? DecisionThreshold.usual)
    case .multiclass(let classes):
      return try .evaluate(truth: classes, probabilities: rows, labels: task.labels, merging: merges)
    case .multilabel(let flags):
      return try .evaluate(
        truth: flags, probabilities: rows, labels: task.labels, thresholds: calibration?.thresholds)
    }
  }

  /// Temperatures and thresholds chosen on the memes that are labelled for the task.
  func calibration(_ settings: TaskCalibration.Settings) -> TaskCalibration {
    let (truth, rows) = labelled
    switch truth {
    case .binary(let flags):
      return TaskCalibration(
        truth: flags, probabilities: rows.map { $0[0] }, label: task.labels[0], settings: settings)
    case .multiclass(let classes):
      return TaskCalibration(truth: classes, probabilities: rows, labels: task.labels, settings: settings)
    case .multilabel(let flags):
      return TaskCalibration(truth: flags, probabilities: rows, labels: task.labels, settings: settings)
    }
  }

  /// What memes are labelled with, as the metrics take it. [N]
  private enum Truth {
    case binary([Bool])
    case multiclass([Int])
    case multilabel([[Bool]])
  }

  /// The memes that are labelled for the task: truth and probabilities. [N], [N, L]
  private var labelled: (truth: Truth, probabilities: [[Double]]) {
    let labelled = labelledRows
    let labels = labelled.map { memes[$0].labels[task.name]! }
    let truth: Truth =
      switch task.kind {
      case .binary: .binary(labels.map { $0 == .binary(true) })
      case .multiclass: .multiclass(labels.map { if case .multiclass(let index) = $0 { index } else { -1 } })
      case .multilabel: .multilabel(labels.map { if case .multilabel(let flags) = $0 { flags } else { [] } })
      }
    return (truth, labelled.map { probabilities[$0] })
  }

  /// Rows of the memes that are labelled for the task.
  public var labelledRows: [Int] { memes.indices.filter { memes[$0].labels[task.name] != nil } }

  /// The memes that are labelled for the task, with truth and probability of each label.
  public var scored: ScoredMemes {
    let rows = labelledRows
    return ScoredMemes(
      kind: task.kind.metricKind, labels: task.labels,
      truth: rows.map { row in
        switch memes[row].labels[task.name]! {
        case .binary(let flag): [flag]
        case .multiclass(let index): task.labels.indices.map { $0 == index }
        case .multilabel(let flags): flags
        }
      }, probabilities: rows.map { probabilities[$0] })
  }

  /// One JSON line a meme.
  public func jsonLines() throws -> Data {
    try predictions.reduce(into: Data()) { try $0.append(JSON.line($1)) }
  }
}

extension Tensor {
  /// The columns of a classifier's probabilities that belong to each of its tasks.
  func columns(of tasks: [LabelTask]) -> [Tensor] {
    var start = 0
    return tasks.map { task in
      defer { start += task.outputCount }
      return sliced(start..<start + task.outputCount, along: 1)
    }
  }

  /// The rows of a matrix [N, D].
  var rows: [[Double]] {
    let (values, width) = (doubles, shape[1])
    return (0..<shape[0]).map { Array(values[$0 * width..<($0 + 1) * width]) }
  }
}
