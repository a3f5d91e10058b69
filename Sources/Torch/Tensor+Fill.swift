private enum Op {
  static let zerosLike = Operator("aten::zeros_like")
}

/// Tensors of one value.
extension Tensor {
  /// Zeros of this tensor's shape, type, device and order in memory.
  public var zerosAlike: Tensor { Op.zerosLike(.tensor(self)) }

  public static func zeros(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu) -> Tensor {
    full(shape, 0, dtype: dtype, device: device)
  }

  public static func ones(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu) -> Tensor {
    full(shape, 1, dtype: dtype, device: device)
  }

  public static func full(
    _ shape: [Int], _ value: Double, dtype: DType = .float32, device: Device = .cpu
  ) -> Tensor {
    let result = Tensor(empty: shape, dtype: dtype, device: device)
    result.fill(with: value)
    return result
  }
}
