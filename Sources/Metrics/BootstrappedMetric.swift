/// A metric of one model on its memes and on resamples of them.
///
/// All is as ``MetricReport`` has it, of memes that each count several times or not at all.
public struct BootstrappedMetric: Sendable {
  public let metric: Metric
  let truth: [[Bool]]
  let resampling: Resampling
  /// On all memes; `nil` where it has no value, such as an AUROC without both classes, or is none of this kind of task.
  public let observed: Double?
  /// On each resample.
  let distribution: [Double?]

  /// - Precondition: ``Metric/canBeBootstrapped``.
  public init(_ scored: ScoredMemes, metric: Metric = .auroc, resampling: Resampling = Resampling()) {
    precondition(metric.canBeBootstrapped, "\(metric.rawValue) cannot be computed on resamples")
    let value: ([Int]) -> Double? =
      if metric == .auroc { MeanAUROC(scored).value } else { CountedDecisions(scored, metric: metric).value }
    var distribution: [Double?] = []
    resampling.forEach(size: scored.truth.count) { distribution.append(value($0)) }
    self.metric = metric
    truth = scored.truth
    self.resampling = resampling
    self.distribution = distribution
    observed = value([Int](repeating: 1, count: scored.truth.count))
  }
}

extension Metric {
  /// Whether it can be computed on thousands of resamples: the AUROC, and all that follows from hard decisions.
  public var canBeBootstrapped: Bool {
    switch self {
    case .aurocBatched, .averagePrecision, .brier, .ece, .logLoss: false
    default: true
    }
  }
}

/// The mean AUROC over labels: sorted once, then linear.
private struct MeanAUROC {
  private struct Column {
    /// Rows from the highest score down.
    let rows: [Int]
    /// Whether a row's score equals that of the row before it in the order.
    let isTied: [Bool]
    let truth: [Bool]  // [N], in the order of ``rows``
  }

  private let columns: [Column]

  init(_ scored: ScoredMemes) {
    columns = scored.labels.indices.map { label in
      let scores = scored.probabilities.map { $0[label] }
      let rows = scores.indices.sorted { scores[$0] > scores[$1] }
      return Column(
        rows: rows, isTied: rows.indices.map { $0 > 0 && scores[rows[$0]] == scores[rows[$0 - 1]] },
        truth: rows.map { scored.truth[$0][label] })
    }
  }

  /// - Returns: `nil` where a label has only positives or only negatives.
  func value(_ multiplicities: [Int]) -> Double? {
    var sum = 0.0
    for column in columns {
      guard let auroc = Self.auroc(column, multiplicities) else { return nil }
      sum += auroc
    }
    return columns.isEmpty ? nil : sum / Double(columns.count)
  }

  /// As ``RankedScores/auroc``: pairs that the positive wins, ties counting half.
  private static func auroc(_ column: Column, _ multiplicities: [Int]) -> Double? {
    var (doubledWins, positivesAbove, positives, tied, negatives) = (0, 0, 0, 0, 0)
    for (position, row) in column.rows.enumerated() {
      if !column.isTied[position] {
        doubledWins += tied * (positivesAbove + positives)
        (positivesAbove, tied) = (positives, 0)
      }
      if column.truth[position] {
        positives += multiplicities[row]
      } else {
        tied += multiplicities[row]
        negatives += multiplicities[row]
      }
    }
    doubledWins += tied * (positivesAbove + positives)
    guard positives > 0, negatives > 0 else { return nil }
    return Double(doubledWins) / 2 / (Double(positives) * Double(negatives))
  }
}

/// A metric of hard decisions. Memes of the same truth and decision differ in nothing, so that a resample is counted in one
/// pass and the tables are made of the few kinds of memes that there are.
private struct CountedDecisions {
  private struct Kind: Hashable {
    let truth: [Bool]
    let predicted: [Bool]
  }

  private let metric: Metric
  private let empty: DecisionCounts
  private let kinds: [Kind]
  /// The kind of each meme. [N]
  private let kindOfMeme: [Int]

  init(_ scored: ScoredMemes, metric: Metric) {
    var places: [Kind: Int] = [:]
    var kinds: [Kind] = []
    var kindOfMeme: [Int] = []
    for (truth, predicted) in zip(scored.truth, scored.decisions) {
      let kind = Kind(truth: truth, predicted: predicted)
      let place = places[kind] ?? kinds.count
      if place == kinds.count {
        places[kind] = place
        kinds.append(kind)
      }
      kindOfMeme.append(place)
    }
    self.metric = metric
    empty = DecisionCounts(kind: scored.kind, labels: scored.labels)
    self.kinds = kinds
    self.kindOfMeme = kindOfMeme
  }

  /// - Returns: `nil` where it has no value.
  func value(_ multiplicities: [Int]) -> Double? {
    var times = [Int](repeating: 0, count: kinds.count)
    for (kind, multiplicity) in zip(kindOfMeme, multiplicities) { times[kind] += multiplicity }
    var counts = empty
    for (kind, times) in zip(kinds, times) where times > 0 {
      counts.add(truth: kind.truth, predicted: kind.predicted, times: times)
    }
    return counts.score(metric)?.value
  }
}
