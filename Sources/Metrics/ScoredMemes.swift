/// One model's answers on a list of labelled memes.
public struct ScoredMemes: Sendable {
  public let kind: TaskKind
  /// The label names in column order; one for a binary task. [L]
  public let labels: [String]
  /// Whether each meme carries each label, or has that class. [N, L]
  public let truth: [[Bool]]
  /// The probability of that. [N, L]
  public let probabilities: [[Double]]

  /// - Precondition: truth and probabilities have as many rows, all as wide as there are labels.
  public init(kind: TaskKind, labels: [String], truth: [[Bool]], probabilities: [[Double]]) {
    precondition(truth.count == probabilities.count, "\(truth.count) memes with \(probabilities.count) answers")
    precondition((truth.map(\.count) + probabilities.map(\.count)).allSatisfy { $0 == labels.count }, "ragged answers")
    self.kind = kind
    self.labels = labels
    self.truth = truth
    self.probabilities = probabilities
  }

  /// Whether each label, or class, is decided for, as ``MetricReport`` decides: labels of more than half the probability,
  /// the first of the most probable classes. [N, L]
  var decisions: [[Bool]] {
    switch kind {
    case .binary, .multilabel: probabilities.map { row in row.map { $0 > DecisionThreshold.usual } }
    case .multiclass:
      probabilities.map { row in
        let chosen = MetricReport.mostProbable(row)
        return row.indices.map { $0 == chosen }
      }
    }
  }

  /// How often decisions of each confidence are right; `nil` for several labels, which are decided one by one.
  public var reliability: Reliability? {
    guard kind != .multilabel else { return nil }
    var reliability = Reliability()
    for (row, truth) in zip(probabilities, truth) {
      switch kind {
      case .binary, .multilabel:
        reliability.add(
          confidence: max(row[0], 1 - row[0]), isCorrect: truth[0] == (row[0] > DecisionThreshold.usual))
      case .multiclass:
        let chosen = MetricReport.mostProbable(row)
        reliability.add(confidence: row[chosen], isCorrect: truth[chosen])
      }
    }
    return reliability
  }
}
