private enum Op {
  static let reorder = Operator("mkldnn::_reorder_convolution_weight")
  static let convolve = Operator("mkldnn::_convolution_pointwise")
  static let convolveAndAdd = Operator("mkldnn::_convolution_pointwise", "binary")
  static let contiguous = Operator("aten::contiguous")
}

/// What follows a convolution or a matrix product in the same pass over memory.
public enum FusedActivation: Sendable, Equatable {
  case none
  /// Negative values set to 0.
  case relu
  /// Values clamped to 0…6.
  case relu6
  /// The exact Gaussian error linear unit.
  case gelu
  /// The Gaussian error linear unit by its approximation with the hyperbolic tangent.
  case tanhGELU
  /// `x · σ(x)`.
  case swish

  var name: String {
    switch self {
    case .none: "none"
    case .relu: "relu"
    case .relu6: "hardtanh"
    case .gelu, .tanhGELU: "gelu"
    case .swish: "swish"
    }
  }

  var bounds: [Double] { self == .relu6 ? [0, 6] : [] }
  var algorithm: String {
    switch self {
    case .gelu: "none"
    case .tanhGELU: "tanh"
    case .none, .relu, .relu6, .swish: ""
    }
  }
}

/// A two-dimensional convolution for inference on the CPU: oneDNN's kernel with bias, activation or a sum fused in.
///
/// The weight is laid out once as the kernel wants it. Values never change, so that threads may share it.
public struct FusedConvolution: @unchecked Sendable {
  private let weight: Tensor
  private let bias: Tensor
  private let stride: Int
  private let padding: Int
  private let groups: Int
  private let activation: FusedActivation

  /// - Parameters:
  ///   - weight: [O, C / groups, h, w]
  ///   - bias: [O], float32
  ///   - input: The shape [N, C, H, W] it will mostly see; others work and may be slower.
  ///   - dtype: Of weights, inputs and results: float32, or bfloat16 where the processor has at least AVX-512.
  public init(
    weight: Tensor, bias: Tensor, stride: Int, padding: Int, groups: Int, activation: FusedActivation, input: [Int],
    dtype: DType
  ) {
    self.weight = Op.reorder(
      .tensor(weight.to(dtype).channelsLast), .ints([padding, padding]), .ints([stride, stride]), [1, 1], .int(groups),
      .ints(input))
    self.bias = bias  // in float32: it costs nothing, and its rounding would shift every result
    self.stride = stride
    self.padding = padding
    self.groups = groups
    self.activation = activation
  }

  /// The convolution of `x` [N, C, H, W], channels last, plus `other` of the result's shape where given.
  public func callAsFunction(_ x: Tensor, adding other: Tensor? = nil) -> Tensor {
    let geometry: (Argument, Argument, Argument) = (
      .ints([padding, padding]), .ints([stride, stride]), .int(groups)
    )
    precondition(other == nil || activation == .none, "a convolution with a sum fused in has no activation")
    // The kernel that adds wants a bias of the inputs' type; a sum of its own costs less than the bias's rounding.
    guard let other, bias.dtype == x.dtype else {
      let result = Op.convolve(
        .tensor(x), .tensor(weight), .tensor(bias), geometry.0, geometry.1, [1, 1], geometry.2,
        .string(activation.name), .doubles(activation.bounds), .string(activation.algorithm))
      if let other { result.add(other) }
      return result
    }
    return Op.convolveAndAdd(
      .tensor(x), .tensor(other), .tensor(weight), .tensor(bias), geometry.0, geometry.1, [1, 1], geometry.2, "add",
      1.0, nil, [], nil)
  }
}

extension Tensor {
  /// The same [N, C, H, W] values with channels innermost and without gaps, such as a part of a larger image leaves.
  public func contiguousChannelsLast() -> Tensor {
    let channelsLast = 2  // libtorch's MemoryFormat
    return Op.contiguous(.tensor(self), .int(channelsLast))
  }
}
