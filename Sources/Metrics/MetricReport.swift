/// Every score of one set of predictions, with the reason wherever a score does not exist.
///
/// Where scikit-learn gives a number, so does this, and the same one: precision, recall and F1 count an empty
/// denominator as 0, and macro and weighted means of binary and multi-class tasks run over the classes that occur in
/// the truth or the predictions. AUROC without both classes and average precision without a positive are undefined,
/// and so are their means over labels.
public struct MetricReport: Equatable, Sendable {
  public let kind: TaskKind
  /// The label names in column order; one for a binary task.
  public let labels: [String]
  /// The number of memes scored.
  public let count: Int
  /// The scores this kind of task has; ``subscript(_:)`` reads them.
  public let scores: [Metric: Score]
  /// Each label against the rest, in the order of ``labels``.
  public let perLabel: [LabelScores]
  /// Rows are the truth, columns the prediction: `[[tn, fp], [fn, tp]]` for binary tasks, [K, K] for multi-class ones,
  /// `nil` for multi-label ones, whose tables stand with each label.
  public let confusionMatrix: [[Int]]?

  /// A score by name, or `nil` where this kind of task has none of that name.
  public subscript(metric: Metric) -> Score? { scores[metric] }

  /// A score by name.
  ///
  /// - Throws: ``MetricError/metricUnavailable(_:kind:known:)`` where this kind of task has none of that name.
  public func score(_ metric: Metric) throws(MetricError) -> Score {
    guard let score = scores[metric] else {
      throw .metricUnavailable(metric, kind: kind, known: Metric.allCases.filter { scores[$0] != nil })
    }
    return score
  }
}

/// The scores of one label against the rest.
public struct LabelScores: Equatable, Sendable {
  public let name: String
  public let auroc: Score
  public let averagePrecision: Score
  public let counts: ConfusionCounts

  init(name: String, truth: [Bool], probabilities: [Double], counts: ConfusionCounts) {
    let ranked = RankedScores(checkedTruth: truth, scores: probabilities)
    self.name = name
    self.auroc = ranked.auroc
    self.averagePrecision = ranked.averagePrecision
    self.counts = counts
  }
}
