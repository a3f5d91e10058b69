/// Binary truth ordered by score, highest first, with equal scores merged: the basis of AUROC, average precision and
/// the ROC curve. One sort, O(n log n); everything after it is linear.
public struct RankedScores: Sendable {
  /// The distinct scores, highest first. [T]
  public let thresholds: [Double]
  /// How many positives score at least the threshold. [T]
  public let truePositives: [Int]
  /// How many negatives score at least the threshold. [T]
  public let falsePositives: [Int]

  /// Sorts `scores`, which may be any finite numbers.
  ///
  /// - Throws: ``MetricError`` where the counts differ or a score is NaN or infinite.
  public init(truth: [Bool], scores: [Double]) throws(MetricError) {
    guard truth.count == scores.count else {
      throw .countMismatch(truth: truth.count, probabilities: scores.count)
    }
    if let row = scores.firstIndex(where: { !$0.isFinite }) { throw .notFinite(row: row, value: scores[row]) }
    self.init(checkedTruth: truth, scores: scores)
  }

  /// Sorts scores already known to be finite and as many as `truth`.
  init(checkedTruth truth: [Bool], scores: [Double]) {
    var thresholds: [Double] = []
    var truePositives: [Int] = []
    var falsePositives: [Int] = []
    var (positives, negatives) = (0, 0)
    for (score, isTrue) in zip(scores, truth).sorted(by: { $0.0 > $1.0 }) {
      if thresholds.last != score {
        thresholds.append(score)
        truePositives.append(positives)
        falsePositives.append(negatives)
      }
      if isTrue { positives += 1 } else { negatives += 1 }
      truePositives[truePositives.count - 1] = positives
      falsePositives[falsePositives.count - 1] = negatives
    }
    self.thresholds = thresholds
    self.truePositives = truePositives
    self.falsePositives = falsePositives
  }

  /// The number of positives.
  public var positiveCount: Int { truePositives.last ?? 0 }

  /// The number of negatives.
  public var negativeCount: Int { falsePositives.last ?? 0 }

  /// The chance that a random positive scores above a random negative, ties counting half (midranks).
  ///
  /// Undefined unless both classes occur.
  public var auroc: Score {
    guard positiveCount > 0 else { return .undefined(reason: "no positive meme in the truth") }
    guard negativeCount > 0 else { return .undefined(reason: "no negative meme in the truth") }
    var doubledWins = 0
    var (positivesAbove, negativesAbove) = (0, 0)
    for (positives, negatives) in zip(truePositives, falsePositives) {
      doubledWins += (negatives - negativesAbove) * (positivesAbove + positives)
      (positivesAbove, negativesAbove) = (positives, negatives)
    }
    return .defined(Double(doubledWins) / 2 / (Double(positiveCount) * Double(negativeCount)))
  }

  /// Σ (Rᵢ − Rᵢ₋₁)·Pᵢ over the distinct thresholds, without interpolation: scikit-learn's definition.
  ///
  /// Undefined without a positive.
  public var averagePrecision: Score {
    guard positiveCount > 0 else { return .undefined(reason: "no positive meme in the truth") }
    var sum = 0.0
    var positivesAbove = 0
    for (positives, negatives) in zip(truePositives, falsePositives) {
      sum += Double(positives - positivesAbove) * (Double(positives) / Double(positives + negatives))
      positivesAbove = positives
    }
    return .defined(sum / Double(positiveCount))
  }

  /// The ROC curve from (0, 0) to (1, 1), one point a threshold; empty where the AUROC is undefined.
  public var rocCurve: [ROCPoint] {
    guard positiveCount > 0, negativeCount > 0 else { return [] }
    let points = zip(falsePositives, truePositives).map { negatives, positives in
      ROCPoint(
        falsePositiveRate: Double(negatives) / Double(negativeCount),
        truePositiveRate: Double(positives) / Double(positiveCount))
    }
    return [ROCPoint(falsePositiveRate: 0, truePositiveRate: 0)] + points
  }
}

extension RankedScores {
  /// Recall and precision from the strictest threshold to the loosest, after the point (0, 1) that has no threshold;
  /// empty without a positive.
  public var precisionRecallCurve: [PrecisionRecallPoint] {
    guard positiveCount > 0 else { return [] }
    let points = zip(truePositives, falsePositives).map { positives, negatives in
      PrecisionRecallPoint(
        recall: Double(positives) / Double(positiveCount), precision: Double(positives) / Double(positives + negatives))
    }
    return [PrecisionRecallPoint(recall: 0, precision: 1)] + points
  }
}

/// One point of a precision-recall curve; both lie in 0…1.
public struct PrecisionRecallPoint: Equatable, Sendable {
  public let recall: Double
  public let precision: Double

  public init(recall: Double, precision: Double) {
    self.recall = recall
    self.precision = precision
  }
}

/// One point of a ROC curve; both rates lie in 0…1.
public struct ROCPoint: Equatable, Sendable {
  public let falsePositiveRate: Double
  public let truePositiveRate: Double

  public init(falsePositiveRate: Double, truePositiveRate: Double) {
    self.falsePositiveRate = falsePositiveRate
    self.truePositiveRate = truePositiveRate
  }
}
