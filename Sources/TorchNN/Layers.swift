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

  /// A layer initialised as Glorot and Bengio do (2010): weights uniform within ±√(6 / (inputs + outputs)), no bias at first.
  public static func glorot(inputs: Int, outputs: Int, usesBias: Bool = true, in scope: Scope) -> Linear {
    let bound = (6 / Double(inputs + outputs)).squareRoot()
    return Linear(
      weight: scope.parameter("weight", [outputs, inputs], .uniform(bound)),
      bias: usesBias ? scope.parameter("bias", [outputs], .constant(0)) : nil)
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
    x.dropping(rate, shape: x.shape, using: generator)
  }
}

extension Tensor {
  /// Zeroed at random at `rate` and scaled up by what that takes away, by a mask of `shape` that is broadcast; unchanged
  /// without a generator.
  func dropping(_ rate: Double, shape: [Int], using generator: Generator?) -> Tensor {
    guard let generator, rate > 0 else { return self }
    let mask = Tensor(empty: shape, dtype: dtype, device: device)
    mask.fillBernoulli(probability: 1 - rate, using: generator)
    withoutGrad { mask.scale(by: 1 / (1 - rate)) }
    return self * mask
  }
}

/// A long short-term memory of one layer without biases that reads a sequence forward.
public struct LSTM {
  public let inputWeights: Tensor  // [4H, I]
  public let stateWeights: Tensor  // [4H, H]

  public init(inputs: Int, hidden: Int, in scope: Scope) {
    // PyTorch's default: all of it within ±1/√H.
    inputWeights = scope.parameter("weight_ih", [4 * hidden, inputs], .fanIn(hidden))
    stateWeights = scope.parameter("weight_hh", [4 * hidden, hidden], .fanIn(hidden))
  }

  /// The hidden state [N, H] after the last step of each sequence of `x` [N, L, I].
  ///
  /// - Parameter lengths: Steps of each sequence, 1 to L; what follows them changes nothing.
  public func lastState(_ x: Tensor, lengths: [Int]) -> Tensor {
    let longest = x.shape[1]
    precondition(lengths.count == x.shape[0] && lengths.allSatisfy { (1...longest).contains($0) })
    // Training in mixed precision keeps matrices in another type, to which libtorch converts no sequence.
    let states = x.to(inputWeights.dtype).lstm(inputWeights: inputWeights, stateWeights: stateWeights)
    let last = Tensor(lengths.enumerated().map { $0 * longest + $1 - 1 }, device: x.device)
    return states.reshaped(to: [-1, states.shape[2]]).gathered(last)
  }
}
