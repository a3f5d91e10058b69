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
  /// 1 where the label is predicted: above one half, or the likeliest of exclusive classes.
  public var labels: [String: Int]
  /// The predicted class of a multi-class task.
  public var label: String?
  /// What a model of several tasks says for the others, by their names.
  public var tasks: [String: Prediction]?

  /// Reads one row of a classifier's output.
  public init(id: String, probabilities row: [Double], task: LabelTask) {
    self.id = id
    let names = task.labels
    probabilities = Dictionary(uniqueKeysWithValues: zip(names, row))
    switch task.kind {
    case .binary, .multilabel:
      labels = probabilities.mapValues { $0 > 0.5 ? 1 : 0 }
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
  /// - Parameter merges: Classes of a multi-class task that are reported as one.
  public func metrics(merging merges: [MergedClass] = []) throws(MetricError) -> MetricReport {
    let labelled = memes.indices.filter { memes[$0].labels[task.name] != nil }
    let rows = labelled.map { probabilities[$0] }
    let labels = labelled.map { memes[$0].labels[task.name]! }
    switch task.kind {
    case .binary:
      return try .evaluate(
        truth: labels.map { $0 == .binary(true) }, probabilities: rows.map { $0[0] }, label: task.labels[0])
    case .multiclass:
      let classes: [Int] = labels.map { if case .multiclass(let index) = $0 { index } else { -1 } }
      return try .evaluate(truth: classes, probabilities: rows, labels: task.labels, merging: merges)
    case .multilabel:
      let flags: [[Bool]] = labels.map { if case .multilabel(let flags) = $0 { flags } else { [] } }
      return try .evaluate(truth: flags, probabilities: rows, labels: task.labels)
    }
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
