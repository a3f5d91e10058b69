extension MetricReport {
  static func checkCounts(truth: Int, probabilities: Int) throws(MetricError) {
    guard truth == probabilities else { throw .countMismatch(truth: truth, probabilities: probabilities) }
    guard truth > 0 else { throw .empty }
  }

  static func checkLabels(_ labels: [String], atLeast minimum: Int) throws(MetricError) {
    guard labels.count >= minimum else {
      throw .invalidLabels(reason: "expected at least \(minimum) label names but found \(labels.count)")
    }
    var seen: Set<String> = []
    for label in labels where !seen.insert(label).inserted {
      throw .invalidLabels(reason: "the label name '\(label)' occurs twice; give each label its own name")
    }
  }

  static func checkProbability(_ p: Double, row: Int, label: String) throws(MetricError) {
    // NaN fails the comparison too.
    guard p >= 0 && p <= 1 else { throw .invalidProbability(row: row, label: label, value: p) }
  }

  static func checkRows(
    truthCount: Int, probabilities: [[Double]], labels: [String], atLeast minimum: Int
  ) throws(MetricError) {
    try checkCounts(truth: truthCount, probabilities: probabilities.count)
    try checkLabels(labels, atLeast: minimum)
    for (row, values) in probabilities.enumerated() {
      guard values.count == labels.count else {
        throw .widthMismatch(row: row, expected: labels.count, found: values.count)
      }
      for (label, p) in zip(labels, values) { try checkProbability(p, row: row, label: label) }
    }
  }
}
