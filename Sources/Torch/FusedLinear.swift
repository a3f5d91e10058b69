private enum Op {
  static let reorder = Operator("mkldnn::_reorder_linear_weight")
  static let multiply = Operator("mkldnn::_linear_pointwise")
  static let multiplyAndAdd = Operator("mkldnn::_linear_pointwise", "binary")
}

/// An affine map of the last dimension for inference on the CPU: oneDNN's kernel with an activation or a sum fused in.
///
/// The weight is laid out once as the kernel wants it. Values never change, so that threads may share it.
public struct FusedLinear: @unchecked Sendable {
  private let weight: Tensor
  private let bias: Tensor?
  private let activation: FusedActivation

  /// - Parameters:
  ///   - weight: [O, I]
  ///   - bias: [O], or none
  ///   - dtype: Of weights, inputs and results: float32, or bfloat16 where the processor has at least AVX-512.
  public init(weight: Tensor, bias: Tensor?, activation: FusedActivation = .none, dtype: DType) {
    self.weight = Op.reorder(.tensor(weight.to(dtype).contiguous()))
    self.bias = bias?.to(dtype)
    self.activation = activation
  }

  /// `x · Wᵀ + b` through the activation, for `x` [..., I].
  public func callAsFunction(_ x: Tensor) -> Tensor {
    Op.multiply(
      .tensor(x), .tensor(weight), .optional(bias), .string(activation.name), .doubles(activation.bounds),
      .string(activation.algorithm))
  }

  /// `x · Wᵀ + b + other`.
  public func callAsFunction(_ x: Tensor, adding other: Tensor) -> Tensor {
    precondition(activation == .none, "a linear map with a sum fused in has no activation")
    return Op.multiplyAndAdd(.tensor(x), .tensor(other), .tensor(weight), .optional(bias), "add")
  }
}
