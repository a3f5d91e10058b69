import Torch

/// A convolution of pictures with square kernels.
public struct Convolution {
  public let weight: Tensor  // [O, C / groups, k, k]
  public let bias: Tensor?  // [O]
  public let stride: Int
  public let padding: Int
  public let groups: Int

  /// - Parameter initializer: Of the weights; PyTorch's default where `nil`.
  public init(
    inputs: Int, outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0, groups: Int = 1, usesBias: Bool = true,
    initializer: Initializer? = nil, in scope: Scope
  ) {
    let fanIn = inputs / groups * kernel * kernel
    weight = scope.parameter(
      "weight", [outputs, inputs / groups, kernel, kernel], initializer ?? .fanIn(fanIn), channelsLast: true)
    bias = usesBias ? scope.parameter("bias", [outputs], .fanIn(fanIn)) : nil
    self.stride = stride
    self.padding = padding
    self.groups = groups
  }

  /// Maps [N, O, H', W'] of `x` [N, C, H, W].
  public func callAsFunction(_ x: Tensor) -> Tensor {
    guard isThinnedFirst else {
      return x.convolved(weight: weight, bias: bias, stride: stride, padding: padding, groups: groups)
    }
    return x.thinned(by: stride, along: 2).thinned(by: stride, along: 3)
      .convolved(weight: weight, bias: bias, groups: groups)
  }

  /// Whether only the pixels that the kernel meets are handed over: oneDNN's gradient of the weights of a 1 × 1 convolution
  /// with a stride writes past its workspace where inputs are fewer than the channels of a block, 8 or 16 by the processor
  /// (uxlfoundation/oneDNN#6035).
  private var isThinnedFirst: Bool {
    weight.shape[2] == 1 && stride > 1 && padding == 0 && weight.shape[1] < 16
  }
}

/// Normalises every channel to mean 0 and variance 1 over the batch and the picture, then scales and shifts.
///
/// While training, the statistics are the batch's and the running ones follow them; otherwise the running ones serve.
public struct BatchNorm {
  public let weight: Tensor  // [C]
  public let bias: Tensor  // [C]
  public let runningMean: Tensor  // [C]
  public let runningVariance: Tensor  // [C]
  public let epsilon: Double
  /// How far running statistics move to those of a batch.
  public let momentum: Double

  public init(channels: Int, epsilon: Double = 1e-5, momentum: Double = 0.1, in scope: Scope) {
    weight = scope.parameter("weight", [channels], .constant(1))
    bias = scope.parameter("bias", [channels], .constant(0))
    runningMean = scope.buffer("running_mean", [channels])
    runningVariance = scope.buffer("running_var", [channels], .constant(1))
    self.epsilon = epsilon
    self.momentum = momentum
  }

  /// - Parameter isTraining: Whether statistics are those of the batch. One value a channel, such as a single picture's last
  ///   map of one pixel, has no variance, and PyTorch refuses it: it is normalised by the running statistics, which stay.
  public func callAsFunction(_ x: Tensor, isTraining: Bool) -> Tensor {
    x.batchNormalized(
      weight: weight, bias: bias, runningMean: runningMean, runningVariance: runningVariance,
      isTraining: isTraining && x.elementCount > x.shape[1], momentum: momentum, epsilon: epsilon)
  }
}
