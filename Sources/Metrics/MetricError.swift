/// Why scores cannot be computed from the given arrays. Rows count from 0.
public enum MetricError: Error, Equatable, Sendable {
  case empty
  case countMismatch(truth: Int, probabilities: Int)
  case widthMismatch(row: Int, expected: Int, found: Int)
  case invalidProbability(row: Int, label: String, value: Double)
  case unnormalized(row: Int, sum: Double)
  case unknownClass(row: Int, index: Int, classCount: Int)
  case invalidLabels(reason: String)
  case notFinite(row: Int, value: Double)
  case unknownMetric(String)
  case metricUnavailable(Metric, kind: TaskKind, known: [Metric])

  /// The row at fault, or `nil` where no single row is.
  public var row: Int? {
    switch self {
    case .widthMismatch(let row, _, _), .invalidProbability(let row, _, _), .unnormalized(let row, _),
      .unknownClass(let row, _, _), .notFinite(let row, _):
      row
    case .empty, .countMismatch, .invalidLabels, .unknownMetric, .metricUnavailable: nil
    }
  }

  /// What is wrong and what was expected, without saying where.
  var problem: String {
    switch self {
    case .empty:
      "there are no memes to score; give at least one"
    case .countMismatch(let truth, let probabilities):
      "truth has \(truth) memes but the predictions have \(probabilities); give one prediction for each meme"
    case .widthMismatch(_, let expected, let found):
      "expected \(expected) values, one for each label, but found \(found)"
    case .invalidProbability(_, let label, let value):
      "the probability of '\(label)' is \(value); expected a number from 0 to 1"
    case .unnormalized(_, let sum):
      "the class probabilities add up to \(sum); expected 1 (give softmax outputs, or use the task kind multilabel)"
    case .unknownClass(_, let index, let classCount):
      "class \(index) does not exist; expected 0 to \(classCount - 1)"
    case .invalidLabels(let reason):
      reason
    case .notFinite(_, let value):
      "the score is \(value); expected a finite number"
    case .unknownMetric(let name):
      "there is no metric '\(name)'; choose one of \(Metric.allCases.map(\.rawValue).joined(separator: ", "))"
    case .metricUnavailable(let metric, let kind, let known):
      "\(metric.rawValue) is not defined for \(kind.rawValue) tasks with these labels; there are "
        + known.map(\.rawValue).joined(separator: ", ")
    }
  }
}

extension MetricError: CustomStringConvertible {
  public var description: String {
    if let row { "row \(row): \(problem)" } else { problem }
  }
}
