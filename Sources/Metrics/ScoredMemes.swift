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

  /// What belongs to one label: to itself of several labels, to a class against the rest of several classes.
  public struct Column: Sendable {
    public let name: String
    /// [N]
    public let truth: [Bool]
    /// [N]
    public let probabilities: [Double]

    /// - Throws: ``MetricError`` where a probability is not finite.
    public func ranked() throws(MetricError) -> RankedScores { try RankedScores(truth: truth, scores: probabilities) }
  }

  /// [L]
  public var columns: [Column] {
    labels.enumerated().map { index, name in
      Column(name: name, truth: truth.map { $0[index] }, probabilities: probabilities.map { $0[index] })
    }
  }

  /// How often decisions of each confidence are right: one a label, which are decided one by one, but one alone for classes, of
  /// which each meme is given the most probable.
  public var reliabilities: [Reliability] {
    guard kind != .multiclass else {
      var reliability = Reliability()
      for (row, truth) in zip(probabilities, truth) {
        let chosen = MetricReport.mostProbable(row)
        reliability.add(confidence: row[chosen], isCorrect: truth[chosen])
      }
      return [reliability]
    }
    return columns.map { column in
      var reliability = Reliability()
      for (isTrue, p) in zip(column.truth, column.probabilities) {
        reliability.add(confidence: max(p, 1 - p), isCorrect: isTrue == (p > DecisionThreshold.usual))
      }
      return reliability
    }
  }
}
