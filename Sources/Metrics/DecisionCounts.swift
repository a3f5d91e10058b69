/// Hard decisions on some memes, counted: all that accuracy, precision, recall, F1 and MAMI's scores depend on.
struct DecisionCounts {
  let kind: TaskKind
  let labels: [String]  // [L]
  /// Each label or class against the rest. [L]
  var tables: [ConfusionCounts]
  var memeCount: Int
  /// Memes of which every label, or the class, is right.
  var rightCount: Int

  /// A score of this kind of task; `nil` where it has none of that name, or one that decisions alone do not tell.
  func score(_ metric: Metric) -> Score? {
    switch metric {
    case .accuracy: .defined(ratio(rightCount, memeCount))
    case .f1: ofTheOneLabel(\.f1)
    case .f1Macro: .defined(averages(\.f1).macro)
    case .f1Micro: .defined(averages(\.f1).micro)
    case .f1Weighted: .defined(averages(\.f1).weighted)
    case .precision: ofTheOneLabel(\.precision)
    case .precisionMacro: .defined(averages(\.precision).macro)
    case .precisionMicro: .defined(averages(\.precision).micro)
    case .precisionWeighted: .defined(averages(\.precision).weighted)
    case .recall: ofTheOneLabel(\.recall)
    case .recallMacro: .defined(averages(\.recall).macro)
    case .recallMicro: .defined(averages(\.recall).micro)
    case .recallWeighted: .defined(averages(\.recall).weighted)
    case .mamiA: taskA
    case .mamiB: taskB
    case .auroc, .aurocBatched, .averagePrecision, .brier, .ece, .logLoss: nil
    }
  }

  /// Every score that follows from the decisions.
  var scores: [Metric: Score] {
    Dictionary(uniqueKeysWithValues: Metric.allCases.compactMap { metric in score(metric).map { (metric, $0) } })
  }

  private func ofTheOneLabel(_ measure: (ConfusionCounts) -> Double) -> Score? {
    kind == .binary ? .defined(measure(tables[0])) : nil
  }

  /// Over both classes of a binary task, over all labels, or over the classes of several that occur.
  private func averages(_ measure: (ConfusionCounts) -> Double) -> Averages {
    switch kind {
    case .binary: Averages(of: measure, over: [tables[0].complement, tables[0]].filter(\.occurs))
    case .multiclass: Averages(of: measure, over: tables.filter(\.occurs))
    case .multilabel: Averages(of: measure, over: tables)
    }
  }

  private var taskA: Score? {
    switch kind {
    case .binary: .defined(MAMI.taskA(tables[0]))
    case .multiclass: nil
    case .multilabel: labels.firstIndex(of: MAMI.taskALabel).map { .defined(MAMI.taskA(tables[$0])) }
    }
  }

  private var taskB: Score? {
    guard kind == .multilabel else { return nil }
    return MAMI.taskB(zip(labels, tables).filter { $0.0 != MAMI.taskALabel }.map(\.1))
  }
}

extension DecisionCounts {
  /// Of no meme yet.
  init(kind: TaskKind, labels: [String]) {
    self.init(
      kind: kind, labels: labels, tables: [ConfusionCounts](repeating: ConfusionCounts(), count: labels.count),
      memeCount: 0, rightCount: 0)
  }

  /// Counts a meme several times.
  ///
  /// - Parameters:
  ///   - truth: whether it carries each label, or has that class. [L]
  ///   - predicted: whether that was decided. [L]
  mutating func add(truth: [Bool], predicted: [Bool], times: Int) {
    for label in tables.indices {
      tables[label].add(isTrue: truth[label], isPredicted: predicted[label], times: times)
    }
    memeCount += times
    if truth == predicted { rightCount += times }
  }
}
