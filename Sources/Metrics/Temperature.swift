import Foundation

/// A temperature that makes probabilities as sure as they are right (Guo et al. 2017, "On Calibration of Modern Neural
/// Networks", section 4.2).
///
/// A label's probability p becomes σ(log(p / (1 − p)) / T), those of exclusive classes softmax(log p / T). The order of
/// memes, and of the classes of a meme, stays as it is; T > 1 makes less sure, T < 1 surer.
enum Temperature {
  /// Where a temperature is looked for. On few memes that a model tells apart without a mistake, ever colder ones are
  /// ever better; nobody believes that.
  static let range = 0.05...20.0

  /// Probabilities nearer to 0 or 1 count as this far away: half of what a float32 near 1 can tell.
  static let margin = 0x1p-24

  /// The probability of a label at a temperature; 1 changes nothing, not even what lies within ``margin``.
  static func scaled(_ p: Double, by temperature: Double) -> Double {
    temperature == 1 ? p : sigmoid(logit(p) / temperature)
  }

  /// The probabilities of exclusive classes at a temperature. [K]
  static func scaled(_ row: [Double], by temperature: Double) -> [Double] {
    temperature == 1 ? row : softmax(row.map { logarithm($0) / temperature })
  }

  /// The temperature of the least log loss of a label.
  ///
  /// - Parameters:
  ///   - truth: whether each meme carries the label. [N]
  ///   - probabilities: that it does. [N]
  static func fitted(truth: [Bool], probabilities: [Double]) -> Double {
    let scores = zip(truth, probabilities).map { $0 ? logit($1) : -logit($1) }
    return fitted { inverse in
      // Of log(1 + exp(−βs)), s being the logit of what is true.
      scores.reduce(into: (slope: 0.0, curvature: 0.0)) { sums, score in
        let miss = sigmoid(-inverse * score)
        sums.slope -= score * miss
        sums.curvature += score * score * miss * (1 - miss)
      }
    }
  }

  /// The temperature of the least log loss of exclusive classes.
  ///
  /// - Parameters:
  ///   - truth: each meme's class. [N]
  ///   - probabilities: of each class. [N, K]
  static func fitted(truth: [Int], probabilities: [[Double]]) -> Double {
    let scores = probabilities.map { $0.map(logarithm) }
    return fitted { inverse in
      zip(truth, scores).reduce(into: (slope: 0.0, curvature: 0.0)) { sums, row in
        let (truth, scores) = row
        let weights = softmax(scores.map { inverse * $0 })
        let mean = zip(weights, scores).reduce(0) { $0 + $1.0 * $1.1 }
        sums.slope += mean - scores[truth]
        sums.curvature += zip(weights, scores).reduce(0) { $0 + $1.0 * ($1.1 - mean) * ($1.1 - mean) }
      }
    }
  }

  /// Newton's method for the zero of an increasing slope, within a bracket that halves where a step would leave it.
  ///
  /// The log loss is convex in the inverse temperature, which is therefore what is searched.
  ///
  /// - Parameter derivatives: the first and second one of the log loss at an inverse temperature.
  private static func fitted(_ derivatives: (_ inverse: Double) -> (slope: Double, curvature: Double)) -> Double {
    var (lower, upper) = (1 / range.upperBound, 1 / range.lowerBound)
    if derivatives(upper).slope < 0 { return range.lowerBound }
    if derivatives(lower).slope > 0 { return range.upperBound }
    var inverse = 1.0
    for _ in 0..<100 {
      let (slope, curvature) = derivatives(inverse)
      if slope == 0 { break }
      if slope > 0 { upper = inverse } else { lower = inverse }
      var next = inverse - slope / curvature
      if !(lower...upper).contains(next) { next = (lower + upper) / 2 }
      let step = abs(next - inverse)
      inverse = next
      if step <= 1e-13 * inverse { break }
    }
    return 1 / inverse
  }

  // MARK: Arithmetic

  private static func logarithm(_ p: Double) -> Double { log(max(p, margin)) }

  private static func logit(_ p: Double) -> Double {
    let inside = min(max(p, margin), 1 - margin)
    return log(inside / (1 - inside))
  }

  private static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  private static func softmax(_ row: [Double]) -> [Double] {
    let top = row.max() ?? 0
    let exponentials = row.map { exp($0 - top) }
    let sum = exponentials.reduce(0, +)
    return exponentials.map { $0 / sum }
  }
}
