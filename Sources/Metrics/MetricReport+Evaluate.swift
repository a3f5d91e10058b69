extension MetricReport {
  /// Scores a binary task; the decision is yes where the probability exceeds the threshold, which is 0.5 unless given.
  ///
  /// Macro and weighted means run over both classes, as scikit-learn's do; `f1` is the positive class's.
  ///
  /// - Parameters:
  ///   - truth: whether each meme carries the label. [N]
  ///   - probabilities: the predicted probability that it does. [N]
  ///   - label: the positive class's name.
  ///   - threshold: what the calibration error does not depend on.
  /// - Throws: ``MetricError`` for no memes, unequal counts, or a probability outside 0…1 or NaN.
  public static func evaluate(
    truth: [Bool], probabilities: [Double], label: String, threshold: Double = DecisionThreshold.usual
  ) throws(MetricError) -> MetricReport {
    try checkCounts(truth: truth.count, probabilities: probabilities.count)
    try checkLabels([label], atLeast: 1)
    for (row, p) in probabilities.enumerated() { try checkProbability(p, row: row, label: label) }

    let counts = ConfusionCounts(truth: truth, predicted: probabilities.lazy.map { $0 > threshold })
    let entry = LabelScores(name: label, truth: truth, probabilities: probabilities, counts: counts)
    var calibration = Calibration()
    for (isTrue, p) in zip(truth, probabilities) { calibration.addBinary(isTrue: isTrue, probability: p) }

    let decisions = DecisionCounts(
      kind: .binary, labels: [label], tables: [counts], memeCount: truth.count,
      rightCount: counts.truePositives + counts.trueNegatives)
    var scores = calibration.scores.merging(decisions.scores) { $1 }
    scores[.auroc] = entry.auroc
    scores[.aurocBatched] = BatchedAUROC.score(truth: truth, probabilities: probabilities)
    scores[.averagePrecision] = entry.averagePrecision
    return MetricReport(
      kind: .binary, labels: [label], count: truth.count, scores: scores, perLabel: [entry],
      confusionMatrix: counts.matrix)
  }

  /// Scores a multi-class task; the decision is the most probable class, the first among equals.
  ///
  /// AUROC and average precision are unweighted means of one class against the rest.
  ///
  /// - Parameters:
  ///   - truth: each meme's class. [N]
  ///   - probabilities: the predicted probability of each class, adding up to 1 within 0.01. [N, K]
  ///   - labels: the classes' names. [K]
  /// - Throws: ``MetricError`` for no memes, unequal counts, an unknown class, or rows that are no distributions.
  public static func evaluate(
    truth: [Int], probabilities: [[Double]], labels: [String]
  ) throws(MetricError) -> MetricReport {
    try checkClasses(truth: truth, probabilities: probabilities, labels: labels)
    return try classReport(
      truth: truth, probabilities: probabilities, predicted: probabilities.map(mostProbable), labels: labels)
  }

  static func checkClasses(truth: [Int], probabilities: [[Double]], labels: [String]) throws(MetricError) {
    try checkRows(truthCount: truth.count, probabilities: probabilities, labels: labels, atLeast: 2)
    for (row, index) in truth.enumerated() where !labels.indices.contains(index) {
      throw .unknownClass(row: row, index: index, classCount: labels.count)
    }
    for (row, values) in probabilities.enumerated() {
      let sum = values.reduce(0, +)
      guard abs(sum - 1) <= 0.01 else { throw .unnormalized(row: row, sum: sum) }
    }
  }

  /// The first of the most probable classes.
  static func mostProbable(_ values: [Double]) -> Int { values.indices.reduce(0) { values[$1] > values[$0] ? $1 : $0 } }

  /// The report of a multi-class task whose rows are checked.
  static func classReport(
    truth: [Int], probabilities: [[Double]], predicted: [Int], labels: [String]
  ) throws(MetricError) -> MetricReport {
    try checkLabels(labels, atLeast: 2)
    let entries = labels.indices.map { index in
      LabelScores(
        name: labels[index], truth: truth.map { $0 == index }, probabilities: probabilities.map { $0[index] },
        counts: ConfusionCounts(truth: truth.lazy.map { $0 == index }, predicted: predicted.lazy.map { $0 == index }))
    }
    var calibration = Calibration()
    var matrix = [[Int]](repeating: [Int](repeating: 0, count: labels.count), count: labels.count)
    for row in truth.indices {
      matrix[truth[row]][predicted[row]] += 1
      calibration.addMulticlass(truth: truth[row], predicted: predicted[row], probabilities: probabilities[row])
    }

    let decisions = DecisionCounts(
      kind: .multiclass, labels: labels, tables: entries.map(\.counts), memeCount: truth.count,
      rightCount: zip(truth, predicted).count { $0 == $1 })
    var scores = calibration.scores.merging(decisions.scores) { $1 }
    scores[.auroc] = .mean(of: entries.map { ($0.name, $0.auroc) })
    scores[.averagePrecision] = .mean(of: entries.map { ($0.name, $0.averagePrecision) })
    return MetricReport(
      kind: .multiclass, labels: labels, count: truth.count, scores: scores, perLabel: entries,
      confusionMatrix: matrix)
  }

  /// Scores a multi-label task; a label is predicted where its probability exceeds its threshold, which is 0.5 unless
  /// given.
  ///
  /// Accuracy is the share of memes whose every label is right. AUROC, average precision, Brier score, calibration
  /// error and log loss are unweighted means over the labels. `mami_b` leaves a label named `misogynous` out, which
  /// gives `mami_a` instead.
  ///
  /// - Parameters:
  ///   - truth: whether each meme carries each label. [N, L]
  ///   - probabilities: the predicted probability that it does. [N, L]
  ///   - labels: the labels' names. [L]
  ///   - thresholds: what the calibration error does not depend on. [L]
  /// - Throws: ``MetricError`` for no memes, unequal counts, or a probability outside 0…1 or NaN.
  public static func evaluate(
    truth: [[Bool]], probabilities: [[Double]], labels: [String], thresholds: [Double]? = nil
  ) throws(MetricError) -> MetricReport {
    try checkRows(truthCount: truth.count, probabilities: probabilities, labels: labels, atLeast: 1)
    let thresholds = thresholds ?? labels.map { _ in DecisionThreshold.usual }
    precondition(thresholds.count == labels.count, "\(thresholds.count) thresholds for \(labels.count) labels")
    for (row, values) in truth.enumerated() where values.count != labels.count {
      throw .widthMismatch(row: row, expected: labels.count, found: values.count)
    }

    let columns = labels.indices.map { index in
      (truth: truth.map { $0[index] }, probabilities: probabilities.map { $0[index] }, threshold: thresholds[index])
    }
    let entries = zip(labels, columns).map { name, column in
      LabelScores(
        name: name, truth: column.truth, probabilities: column.probabilities,
        counts: ConfusionCounts(truth: column.truth, predicted: column.probabilities.lazy.map { $0 > column.threshold })
      )
    }
    let calibrations = columns.map { column in
      var calibration = Calibration()
      for (isTrue, p) in zip(column.truth, column.probabilities) {
        calibration.addBinary(isTrue: isTrue, probability: p)
      }
      return calibration.scores
    }
    let exact = zip(truth, probabilities).count { row, values in
      zip(row, zip(values, thresholds)).allSatisfy { $0 == ($1.0 > $1.1) }
    }

    var scores = DecisionCounts(
      kind: .multilabel, labels: labels, tables: entries.map(\.counts), memeCount: truth.count, rightCount: exact
    ).scores
    for metric in [Metric.brier, .ece, .logLoss] {
      scores[metric] = .mean(
        of: zip(labels, calibrations).compactMap { name, values in values[metric].map { (name, $0) } })
    }
    scores[.auroc] = .mean(of: entries.map { ($0.name, $0.auroc) })
    scores[.averagePrecision] = .mean(of: entries.map { ($0.name, $0.averagePrecision) })
    return MetricReport(
      kind: .multilabel, labels: labels, count: truth.count, scores: scores, perLabel: entries, confusionMatrix: nil)
  }
}

extension Calibration {
  fileprivate var scores: [Metric: Score] {
    [.brier: .defined(brier), .ece: .defined(expectedCalibrationError), .logLoss: .defined(logLoss)]
  }
}
