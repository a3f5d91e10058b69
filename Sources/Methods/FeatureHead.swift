import Torch
import TorchNN

/// One hidden layer for each view of a meme, joined and mapped to logits: RAW-N-COOK's shape for any number of views.
///
/// Source: reference file 01 §3. Every branch is Linear → ReLU → Dropout.
public struct FeatureHead {
  /// Widths and rates of a head.
  public struct Configuration: Codable, Sendable, Equatable {
    public var hidden = 256
    public var dropoutRate = 0.2

    public init() {}

    enum CodingKeys: String, CodingKey {
      case hidden
      case dropoutRate = "dropout_rate"
    }
  }

  private let branches: [Linear]
  private let output: Linear
  private let dropout: Dropout

  public init(inputs: [Int], outputs: Int, configuration: Configuration, in scope: Scope) {
    branches = inputs.enumerated().map { index, width in
      Linear(inputs: width, outputs: configuration.hidden, in: scope["branches"][index])
    }
    output = Linear(inputs: configuration.hidden * inputs.count, outputs: outputs, in: scope["output"])
    dropout = Dropout(rate: configuration.dropoutRate)
  }

  /// What training changes.
  public var parameters: [Tensor] { (branches + [output]).flatMap { [$0.weight, $0.bias!] } }

  /// Logits [N, C] of views [N, D] in the order of `inputs`; `generator` is given while training.
  public func callAsFunction(_ views: [Tensor], using generator: Generator? = nil) -> Tensor {
    let hidden = zip(branches, views).map { branch, view in dropout(branch(view).relu(), using: generator) }
    return output(hidden.count == 1 ? hidden[0] : .concatenated(hidden, along: 1)).to(.float32)
  }
}

/// What a head is trained with.
public enum HeadLoss: String, Codable, Sendable, CaseIterable {
  /// ``DistributionBalancedLoss``; exclusive classes are trained as one-hot labels.
  case distributionBalanced = "distribution_balanced"
  /// Binary cross-entropy, or the softmax cross-entropy of exclusive classes.
  case crossEntropy = "cross_entropy"

  /// The loss as a function of logits and the rows of `targets` they belong to.
  func function(
    targets: Targets, constants: DistributionBalancedLoss.Constants
  ) -> (_ logits: Tensor, _ rows: Tensor) -> Tensor {
    switch self {
    case .distributionBalanced:
      let loss = DistributionBalancedLoss(
        constants, positiveCounts: targets.positiveCounts, exampleCount: targets.indicators.shape[0],
        device: targets.device)
      return { loss(logits: $0, targets: targets.indicators.gathered($1)) }
    case .crossEntropy: return targets.crossEntropy
    }
  }

  /// Probabilities of logits trained with this loss. Exclusive classes sum to one.
  func probabilities(_ logits: Tensor, isExclusive: Bool) -> Tensor {
    guard isExclusive else { return logits.sigmoid() }
    switch self {
    case .crossEntropy: return logits.softmax()
    case .distributionBalanced:
      // The quotient of sigmoids by their sum, without dividing zero by zero where all of them vanish.
      return logits.logSigmoid().softmax()
    }
  }
}
