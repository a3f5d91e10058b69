import Foundation

/// How well probabilities match what happens: sums over memes, read out as means.
///
/// The multi-label values are unweighted means over the labels' binary values.
struct Calibration {
  /// The machine epsilon scikit-learn clips probabilities by, so that a sure mistake costs 36 nats, not infinity.
  static let epsilon = Double.ulpOfOne

  private var count = 0
  private var squaredError = 0.0
  private var negativeLogLikelihood = 0.0
  private var reliability = Reliability()

  /// Adds a yes-or-no decision, `p` being the probability of yes.
  ///
  /// The decision is yes where p > 0.5, its confidence max(p, 1 − p).
  mutating func addBinary(isTrue: Bool, probability p: Double) {
    let error = (isTrue ? 1 : 0) - p
    add(
      squaredError: error * error, likelihood: isTrue ? p : 1 - p, confidence: max(p, 1 - p),
      isCorrect: isTrue == (p > 0.5))
  }

  /// Adds a choice among classes; the decision is `predicted`, its confidence that class's probability.
  mutating func addMulticlass(truth: Int, predicted: Int, probabilities: [Double]) {
    var squaredError = 0.0
    for (index, p) in probabilities.enumerated() {
      let error = (index == truth ? 1 : 0) - p
      squaredError += error * error
    }
    // Over two classes the one error counts twice; scikit-learn halves it so that it equals the binary score.
    if probabilities.count == 2 { squaredError /= 2 }
    add(
      squaredError: squaredError, likelihood: probabilities[truth], confidence: probabilities[predicted],
      isCorrect: truth == predicted)
  }

  private mutating func add(squaredError: Double, likelihood: Double, confidence: Double, isCorrect: Bool) {
    count += 1
    self.squaredError += squaredError
    negativeLogLikelihood -= log(min(max(likelihood, Self.epsilon), 1 - Self.epsilon))
    reliability.add(confidence: confidence, isCorrect: isCorrect)
  }

  /// The mean squared distance of the probabilities from the truth: 0…1 for a label or two classes, 0…2 over
  /// more, as scikit-learn's `brier_score_loss` counts them.
  var brier: Double { squaredError / Double(count) }

  /// The mean negative logarithm of the probability given to the truth, in nats.
  var logLoss: Double { negativeLogLikelihood / Double(count) }

  /// As ``Reliability`` has it.
  var expectedCalibrationError: Double { reliability.expectedCalibrationError }
}
