/// One model's answers on a list of labelled memes.
public struct ScoredMemes: Sendable {
  /// Whether each meme carries each label, or has that class. [N, L]
  public let truth: [[Bool]]
  /// The probability of that. [N, L]
  public let probabilities: [[Double]]

  /// - Precondition: both have as many rows, all of one width.
  public init(truth: [[Bool]], probabilities: [[Double]]) {
    precondition(truth.count == probabilities.count, "\(truth.count) memes with \(probabilities.count) answers")
    self.truth = truth
    self.probabilities = probabilities
  }

  var labelCount: Int { truth.first?.count ?? 0 }
}

/// The AUROC of one model on its memes and on resamples of them.
///
/// The AUROC of several labels is their unweighted mean, as in ``MetricReport``.
public struct BootstrappedAUROC: Sendable {
  let truth: [[Bool]]
  let resampling: Resampling
  /// On all memes; `nil` where a label has only positives or only negatives.
  public let observed: Double?
  /// On each resample.
  let distribution: [Double?]

  public init(_ scored: ScoredMemes, resampling: Resampling = Resampling()) {
    let ranking = MeanAUROC(scored)
    var distribution: [Double?] = []
    resampling.forEach(size: scored.truth.count) { distribution.append(ranking.value($0)) }
    truth = scored.truth
    self.resampling = resampling
    self.distribution = distribution
    observed = ranking.value([Int](repeating: 1, count: scored.truth.count))
  }
}

/// How much better one method is than another by AUROC, and how sure that is.
///
/// Both are trained with the same seeds and asked of the same memes. The interval over memes keeps the trained models
/// and draws the test memes anew: would other memes of this kind say the same? The interval over seeds keeps the memes
/// and draws the seeds anew: would other trainings say the same? With five seeds the second one is coarse. Neither is
/// corrected for the number of comparisons made.
public struct PairedComparison: Equatable, Sendable, Codable {
  /// The mean over seeds of the first's AUROC less the second's.
  public let difference: Double
  /// Over test memes.
  public let memes: BootstrapInterval?
  /// Over seeds; `nil` for a single one.
  public let seeds: BootstrapInterval?

  /// Compares models of the same seeds, in the same order, on the same memes.
  ///
  /// - Returns: `nil` where the AUROC of a model is undefined, or there is no seed.
  /// - Precondition: as many models of either method, all on the same resamples of the same memes.
  public init?(_ first: [BootstrappedAUROC], _ second: [BootstrappedAUROC]) {
    precondition(first.count == second.count, "\(first.count) seeds of one method and \(second.count) of the other")
    guard let model = first.first else { return nil }
    precondition((first + second).allSatisfy { $0.resampling == model.resampling }, "resamples of two kinds")
    // Methods may be scored on other memes by split files of their own.
    guard (first + second).allSatisfy({ $0.truth == model.truth }) else { return nil }
    var differences: [Double] = []
    for (one, other) in zip(first, second) {
      guard let one = one.observed, let other = other.observed else { return nil }
      differences.append(one - other)
    }
    difference = differences.reduce(0, +) / Double(differences.count)
    memes = BootstrapInterval(
      (0..<model.resampling.count).map { resample in
        var sum = 0.0
        for (one, other) in zip(first, second) {
          guard let one = one.distribution[resample], let other = other.distribution[resample] else { return nil }
          sum += one - other
        }
        return sum / Double(first.count)
      })
    seeds = first.count > 1 ? Self.overSeeds(differences, model.resampling) : nil
  }

  /// The bootstrap of the mean of paired differences.
  static func overSeeds(_ differences: [Double], _ resampling: Resampling) -> BootstrapInterval? {
    var distribution: [Double?] = []
    resampling.forEach(size: differences.count) { multiplicities in
      let sum = zip(differences, multiplicities).reduce(0) { $0 + $1.0 * Double($1.1) }
      distribution.append(sum / Double(differences.count))
    }
    return BootstrapInterval(distribution)
  }
}

/// The mean AUROC over labels of memes that each count several times or not at all: sorted once, then linear.
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
    columns = (0..<scored.labelCount).map { label in
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
