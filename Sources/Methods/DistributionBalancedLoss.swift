import Torch

/// The distribution-balanced loss for long-tailed multi-label data (Wu et al., ECCV 2020), as SemiMemes uses it.
///
/// Source: reference file 15. Each row's labels are re-balanced by class frequency, logits are shifted by class prior,
/// and negatives count less. It changes training only: probabilities come from the bare logits.
public struct DistributionBalancedLoss {
  /// The loss's constants; the defaults are SemiMemes'.
  public struct Constants: Codable, Sendable, Equatable {
    /// Lower end of the re-balancing weight.
    public var alpha = 10.0
    /// Steepness of the weight's smoothing.
    public var beta = 0.2
    /// Midpoint of the weight's smoothing.
    public var mu = 0.1
    /// Scale of negative logits (λ); their loss is divided by it.
    public var negativeScale = 5.0
    /// Strength of the prior in the logits' shift (κ).
    public var priorStrength = 0.1
    /// Focal weighting `balance · (1 − p)^gamma`, off in SemiMemes.
    public var isFocal = false
    public var focalGamma = 2.0
    public var focalBalance = 2.0

    public init() {}

    enum CodingKeys: String, CodingKey {
      case alpha, beta, mu
      case negativeScale = "negative_scale"
      case priorStrength = "prior_strength"
      case isFocal = "focal"
      case focalGamma = "focal_gamma"
      case focalBalance = "focal_balance"
    }
  }

  let constants: Constants
  private let inverseCounts: Tensor  // [C]
  private let shift: Tensor  // [C]

  /// - Parameters:
  ///   - positiveCounts: training examples in which each label is positive. A label that is never positive counts as
  ///     half an example, and one that always is as half an example less in its prior, whose logarithm has no value.
  ///   - exampleCount: all training examples.
  public init(
    _ constants: Constants, positiveCounts: [Double], exampleCount: Int, dtype: DType = .float32,
    device: Device = .cpu
  ) {
    self.constants = constants
    let total = Double(exampleCount)
    inverseCounts = Tensor(positiveCounts.map { 1 / max($0, 0.5) }, device: device).to(dtype)
    let counts = positiveCounts.map { min(max($0, 0.5), total - 0.5) }
    // The published code divides the shift by λ as well; the paper does not (reference 15, step 3).
    let strength = constants.priorStrength / constants.negativeScale
    shift = (Tensor(counts, device: device).to(dtype) * (1 / total)).priorLogit * -strength
  }

  /// The weight of every element, the same for all labels of a row that are equally rare.
  func weights(of targets: Tensor) -> Tensor {
    // A row without positives divides by zero: infinity is right, its sigmoid is one.
    let ratio = inverseCounts / (targets * inverseCounts).sum(along: 1, keepingRank: true)
    return ((ratio - constants.mu) * constants.beta).sigmoid() + constants.alpha
  }

  /// The mean over all elements of `logits` and `targets` (0 or 1), both [B, C].
  public func callAsFunction(logits: Tensor, targets: Tensor) -> Tensor {
    let shifted = logits + shift
    let sign = 1 - targets * 2  // −1 for positives, 1 for negatives
    let isPositive = targets .> 0.5
    let scaled = shifted.selected(where: isPositive, otherwise: shifted * constants.negativeScale)
    let weight = weights(of: targets)
    let balanced = weight.selected(where: isPositive, otherwise: weight / constants.negativeScale)
    let entropy = (scaled * sign).softplus()
    let loss = balanced * entropy
    guard constants.isFocal else { return loss.mean() }
    let focus = (1 - (-entropy).exp()).raised(to: constants.focalGamma)
    return (loss * focus).mean() * constants.focalBalance
  }
}

extension Tensor {
  /// `log(1 / p − 1)` of probabilities.
  fileprivate var priorLogit: Tensor { (raised(to: -1) - 1).log() }
}
