import Torch
import TorchNN

/// A convolution that is not trained, with what follows it fused in where the processor can.
struct FrozenConvolution: @unchecked Sendable {  // its tensors are never written
  private enum Kernel {
    case fused(FusedConvolution)
    case plain(weight: Tensor, bias: Tensor)
  }

  private let kernel: Kernel
  private let stride: Int
  private let padding: Int
  private let groups: Int
  private let activation: FusedActivation
  private let dtype: DType

  /// - Parameters:
  ///   - weight: [O, C / groups, h, w]
  ///   - bias: [O]
  ///   - input: The shape [N, C, H, W] it will mostly see; others work and may be slower.
  ///   - dtype: What it computes in.
  init(
    weight: Tensor, bias: Tensor, stride: Int, padding: Int, groups: Int = 1, activation: FusedActivation, input: [Int],
    dtype: DType, _ computation: Computation
  ) {
    (self.stride, self.padding, self.groups) = (stride, padding, groups)
    (self.activation, self.dtype) = (activation, dtype)
    kernel =
      computation.isFused
      ? .fused(
        FusedConvolution(
          weight: weight, bias: bias, stride: stride, padding: padding, groups: groups, activation: activation,
          input: input, dtype: dtype))
      : .plain(weight: weight.to(computation.device).to(dtype), bias: bias.to(computation.device).to(dtype))
  }

  /// The convolution of `x` [N, C, H, W], activated, plus `other` of the result's shape where given.
  func callAsFunction(_ x: Tensor, adding other: Tensor? = nil) -> Tensor {
    let x = x.to(dtype)
    switch kernel {
    case .fused(let convolution): return convolution(x, adding: other)
    case .plain(let weight, let bias):
      let activated = x.convolved(weight: weight, bias: bias, stride: stride, padding: padding, groups: groups)
        .activated(by: activation)
      return other.map { activated + $0 } ?? activated
    }
  }
}

/// A batch normalisation that is not trained, to be folded into the convolution before it. All [C], float64.
struct FrozenBatchNorm {
  let gain: Tensor
  let offset: Tensor
  /// What each channel is multiplied by.
  let scale: Tensor
  /// What is added to it then.
  let bias: Tensor

  init(width: Int, epsilon: Double, in scope: Scope) {
    gain = scope.parameter("weight", [width], .constant(1)).to(.float64)
    offset = scope.parameter("bias", [width], .constant(0)).to(.float64)
    let mean = scope.buffer("running_mean", [width]).to(.float64)
    let variance = scope.buffer("running_var", [width], .constant(1)).to(.float64)
    // Counts batches while training; known, so that validation does not name it.
    _ = scope.buffer("num_batches_tracked", [])
    let (gain, offset) = (gain, offset)
    let scale = withoutGrad { gain / (variance + epsilon).squareRoot() }
    self.scale = scale
    bias = withoutGrad { offset - mean * scale }
  }

  /// Weights [C, …], float64, that give what the normalisation would make of the convolution's result, but for ``bias``.
  func folded(into weight: Tensor, scaledBy factor: Double = 1) -> Tensor {
    withoutGrad { weight.to(.float64) * (scale * factor).reshaped(to: [scale.shape[0], 1, 1, 1]) }
  }
}
