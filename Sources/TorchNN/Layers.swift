import Torch

/// An affine map of the last dimension, `x · Wᵀ + b`.
public struct Linear {
  public let weight: Tensor  // [O, I]
  public let bias: Tensor?  // [O]

  public init(inputs: Int, outputs: Int, usesBias: Bool = true, in scope: Scope) {
    weight = scope.parameter("weight", [outputs, inputs], .fanIn(inputs))
    bias = usesBias ? scope.parameter("bias", [outputs], .fanIn(inputs)) : nil
  }

  /// A layer initialised as transformers are: weights of deviation 0.02, no bias at first.
  public static func transformer(inputs: Int, outputs: Int, in scope: Scope) -> Linear {
    Linear(
      weight: scope.parameter("weight", [outputs, inputs], .normal(mean: 0, deviation: 0.02)),
      bias: scope.parameter("bias", [outputs], .constant(0)))
  }

  private init(weight: Tensor, bias: Tensor?) {
    self.weight = weight
    self.bias = bias
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { x.linear(weight: weight, bias: bias) }
}

/// A rectifier with a trained slope for negative values of each channel.
public struct PReLU {
  public let slopes: Tensor  // [C]

  public init(channels: Int, in scope: Scope) {
    slopes = scope.parameter("weight", [channels], .constant(0.25))
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { x.parametricReLU(slopes: slopes) }
}

/// Normalises the last dimension to mean 0 and variance 1, then scales and shifts.
public struct LayerNorm {
  public let weight: Tensor  // [D]
  public let bias: Tensor  // [D]
  public let epsilon: Double

  public init(width: Int, epsilon: Double = 1e-5, in scope: Scope) {
    weight = scope.parameter("weight", [width], .constant(1))
    bias = scope.parameter("bias", [width], .constant(0))
    self.epsilon = epsilon
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.layerNormalized(weight: weight, bias: bias, epsilon: epsilon)
  }
}

/// Zeroes elements at random while training and scales the others up, so that the expected value stays.
public struct Dropout: Sendable {
  public let rate: Double

  public init(rate: Double) {
    precondition((0..<1).contains(rate), "a dropout rate lies in 0..<1, not \(rate)")
    self.rate = rate
  }

  /// Drops with numbers from `generator`; without one (evaluation) `x` passes unchanged.
  public func callAsFunction(_ x: Tensor, using generator: Generator?) -> Tensor {
    guard let generator, rate > 0 else { return x }
    let mask = Tensor(empty: x.shape, dtype: x.dtype, device: x.device)
    mask.fillBernoulli(probability: 1 - rate, using: generator)
    withoutGrad { mask.scale(by: 1 / (1 - rate)) }
    return x * mask
  }
}
