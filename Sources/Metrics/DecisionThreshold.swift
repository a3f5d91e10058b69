/// The probability above which a label counts as predicted, chosen so that a metric is highest.
public enum DecisionThreshold {
  /// Where nothing was chosen.
  public static let usual = 0.5

  /// The metrics that a threshold can be chosen by: those that follow from one label's decisions.
  public static let metrics: [Metric] = [.f1, .f1Macro, .mamiA, .accuracy]

  /// A metric of one label's decisions.
  ///
  /// - Precondition: it is one of ``metrics``.
  static func value(_ metric: Metric, of counts: ConfusionCounts) -> Double {
    switch metric {
    case .f1: counts.f1
    case .f1Macro, .mamiA: MAMI.taskA(counts)
    case .accuracy:
      ratio(
        counts.truePositives + counts.trueNegatives,
        counts.truePositives + counts.falsePositives + counts.falseNegatives + counts.trueNegatives)
    default: preconditionFailure("no threshold is chosen by \(metric.rawValue)")
    }
  }

  /// The best threshold on some memes.
  ///
  /// Thresholds between the same two neighbouring probabilities decide alike: the middle stands for them, or one half
  /// where it is among them. Equal probabilities are never told apart. Of thresholds equally good the one nearest to one
  /// half is taken, and of two equally near the lower.
  ///
  /// - Parameters:
  ///   - truth: whether each meme carries the label. [N]
  ///   - probabilities: that it does, 0…1. [N]
  static func best(truth: [Bool], probabilities: [Double], by metric: Metric) -> Double {
    let order = probabilities.indices.sorted { probabilities[$0] > probabilities[$1] }
    var counts = ConfusionCounts(truth: truth, predicted: repeatElement(false, count: truth.count))
    var best = (threshold: usual, value: -Double.infinity)
    func consider(from lower: Double, to upper: Double) {
      // `upper` is predicted and `lower` is not; of neighbouring floating-point numbers the middle may be `upper`.
      let middle = (lower + upper) / 2
      let threshold = lower <= usual && usual < upper ? usual : middle < upper ? middle : lower
      let value = value(metric, of: counts)
      let (distance, bestDistance) = (abs(threshold - usual), abs(best.threshold - usual))
      let isNearer = distance < bestDistance || (distance == bestDistance && threshold < best.threshold)
      if value > best.value || (value == best.value && isNearer) { best = (threshold, value) }
    }
    var above = 1.0
    var next = 0
    while next < order.count {
      let p = probabilities[order[next]]
      consider(from: p, to: above)
      while next < order.count, probabilities[order[next]] == p {
        if truth[order[next]] {
          counts.truePositives += 1
          counts.falseNegatives -= 1
        } else {
          counts.falsePositives += 1
          counts.trueNegatives -= 1
        }
        next += 1
      }
      above = p
    }
    // All are predicted by a threshold below the lowest probability, if that is not 0.
    if above > 0 { consider(from: 0, to: above) }
    return best.threshold
  }
}
