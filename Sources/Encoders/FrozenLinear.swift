import Torch
import TorchNN

/// An affine map that is not trained, with what follows it fused in where the processor can.
struct FrozenLinear: @unchecked Sendable {  // its tensors are never written
  private enum Kernel {
    case fused(FusedLinear)
    case plain(weight: Tensor, bias: Tensor)
  }

  private let kernel: Kernel
  private let activation: FusedActivation

  /// - Parameter scopes: Where weights and biases lie; several maps of one input become one of all their outputs.
  init(
    inputs: Int, outputs: Int, activation: FusedActivation = .none, _ computation: Computation, in scopes: Scope...
  ) {
    let weights = scopes.map { $0.parameter("weight", [outputs, inputs], .constant(0)) }
    let biases = scopes.map { $0.parameter("bias", [outputs], .constant(0)) }
    let weight = weights.count == 1 ? weights[0] : withoutGrad { Tensor.concatenated(weights, along: 0) }
    let bias = biases.count == 1 ? biases[0] : withoutGrad { Tensor.concatenated(biases, along: 0) }
    self.activation = activation
    kernel =
      computation.isFused
      ? .fused(FusedLinear(weight: weight, bias: bias, activation: activation, dtype: computation.dtype))
      : .plain(
        weight: weight.to(computation.device).to(computation.dtype),
        bias: bias.to(computation.device).to(computation.dtype))
  }

  func callAsFunction(_ x: Tensor, adding other: Tensor? = nil) -> Tensor {
    switch kernel {
    case .fused(let linear): return other.map { linear(x, adding: $0) } ?? linear(x)
    case .plain(let weight, let bias):
      let product = x.linear(weight: weight, bias: bias)
      let activated = activation == .gelu ? product.gelu() : product
      return other.map { activated + $0 } ?? activated
    }
  }
}

/// A layer normalisation that is not trained.
struct FrozenLayerNorm: @unchecked Sendable {  // its tensors are never written
  private let weight: Tensor
  private let bias: Tensor
  private let epsilon: Double

  init(width: Int, epsilon: Double, dtype: DType, device: Device, in scope: Scope) {
    weight = scope.parameter("weight", [width], .constant(1)).to(dtype).to(device)
    bias = scope.parameter("bias", [width], .constant(0)).to(dtype).to(device)
    self.epsilon = epsilon
  }

  func callAsFunction(_ x: Tensor) -> Tensor { x.layerNormalized(weight: weight, bias: bias, epsilon: epsilon) }
}
