import Torch
import TorchNN

/// An affine map that is not trained, with what follows it fused in where the processor can.
struct FrozenLinear: @unchecked Sendable {  // its tensors are never written
  private enum Kernel {
    case fused(FusedLinear)
    case plain(weight: Tensor, bias: Tensor?)
  }

  private let kernel: Kernel
  private let activation: FusedActivation

  /// - Parameters:
  ///   - weightScale: What weights are multiplied by.
  ///   - biasScale: What biases are multiplied by.
  ///   - scopes: Where weights and biases lie; several maps of one input become one of all their outputs.
  init(
    inputs: Int, outputs: Int, usesBias: Bool = true, activation: FusedActivation = .none, weightScale: Double = 1,
    biasScale: Double = 1, _ computation: Computation, in scopes: Scope...
  ) {
    func joined(_ tensors: [Tensor], scale: Double) -> Tensor {
      let tensor = tensors.count == 1 ? tensors[0] : withoutGrad { Tensor.concatenated(tensors, along: 0) }
      return scale == 1 ? tensor : withoutGrad { tensor.to(.float32) * scale }
    }
    let weights = scopes.map { $0.parameter("weight", [outputs, inputs], .constant(0)) }
    let biases = usesBias ? scopes.map { $0.parameter("bias", [outputs], .constant(0)) } : []
    self.init(
      weight: joined(weights, scale: weightScale), bias: biases.isEmpty ? nil : joined(biases, scale: biasScale),
      activation: activation, computation)
  }

  /// - Parameters:
  ///   - weight: [O, I]
  ///   - bias: [O]
  init(weight: Tensor, bias: Tensor?, activation: FusedActivation = .none, _ computation: Computation) {
    self.activation = activation
    kernel =
      computation.isFused
      ? .fused(FusedLinear(weight: weight, bias: bias, activation: activation, dtype: computation.dtype))
      : .plain(
        weight: weight.to(computation.device).to(computation.dtype),
        bias: bias?.to(computation.device).to(computation.dtype))
  }

  func callAsFunction(_ x: Tensor, adding other: Tensor? = nil) -> Tensor {
    switch kernel {
    case .fused(let linear): return other.map { linear(x, adding: $0) } ?? linear(x)
    case .plain(let weight, let bias):
      let activated = x.linear(weight: weight, bias: bias).activated(by: activation)
      return other.map { activated + $0 } ?? activated
    }
  }
}

extension Tensor {
  func activated(by activation: FusedActivation) -> Tensor {
    switch activation {
    case .none: self
    case .relu: relu()
    case .relu6: clamped(min: 0, max: 6)
    case .gelu: gelu()
    case .tanhGELU: tanhGELU()
    case .swish: swish()
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
