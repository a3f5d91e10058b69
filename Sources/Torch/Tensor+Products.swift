private enum Op {
  static let matmul = Operator("aten::matmul")
  static let linear = Operator("aten::linear")
  static let embedding = Operator("aten::embedding")
  static let attention = Operator("aten::scaled_dot_product_attention")
  static let layerNorm = Operator("aten::layer_norm")
  static let convolution = Operator("aten::conv2d")
  static let averagePool = Operator("aten::avg_pool2d")
  static let prelu = Operator("aten::prelu")
  static let resize = Operator("aten::_upsample_bicubic2d_aa")
}

/// Products of matrices and the operations built on them.
extension Tensor {
  /// The matrix product of the last two dimensions; the others broadcast.
  public func matmul(_ other: Tensor) -> Tensor { Op.matmul(.tensor(self), .tensor(other)) }

  /// `self · weightᵀ + bias` for `self` [..., I], `weight` [O, I] and `bias` [O].
  public func linear(weight: Tensor, bias: Tensor?) -> Tensor {
    Op.linear(.tensor(self), .tensor(weight), .optional(bias))
  }

  /// Rows of `table` [V, D] by number; `self` holds int64 indices.
  public func embedded(in table: Tensor) -> Tensor { Op.embedding(.tensor(table), .tensor(self)) }

  /// Scaled dot-product attention of queries `self` [N, H, T, D]; `mask` is added to the scores, or chooses them.
  ///
  /// - Parameter isCausal: Whether each query sees the keys up to its own place alone; instead of a mask.
  public func attention(keys: Tensor, values: Tensor, mask: Tensor? = nil, isCausal: Bool = false) -> Tensor {
    Op.attention(.tensor(self), .tensor(keys), .tensor(values), .optional(mask), 0.0, .bool(isCausal))
  }

  /// Normalises the last dimension to mean 0 and variance 1, then scales and shifts.
  public func layerNormalized(weight: Tensor, bias: Tensor, epsilon: Double) -> Tensor {
    Op.layerNorm(.tensor(self), .ints(weight.shape), .tensor(weight), .tensor(bias), .double(epsilon))
  }

  /// A two-dimensional convolution of `self` [N, C, H, W] with `weight` [O, C / groups, h, w].
  public func convolved(weight: Tensor, bias: Tensor?, stride: Int = 1, padding: Int = 0, groups: Int = 1) -> Tensor {
    Op.convolution(
      .tensor(self), .tensor(weight), .optional(bias), .ints([stride, stride]), .ints([padding, padding]), [1, 1],
      .int(groups))
  }

  /// The means of squares of `side` × `side` elements of `self` [N, C, H, W], which lie side by side; what is left of rows
  /// and columns at the end is dropped.
  public func averagePooled(side: Int) -> Tensor {
    Op.averagePool(.tensor(self), .ints([side, side]), .ints([side, side]), [0, 0], false, true, nil)
  }

  /// Negative elements times the slope of their channel (dimension 1).
  public func parametricReLU(slopes: Tensor) -> Tensor { Op.prelu(.tensor(self), .tensor(slopes)) }

  /// Images [N, C, H, W] at another size by antialiased bicubic interpolation, which on uint8 is Pillow's within 1.
  public func resizedBicubic(height: Int, width: Int) -> Tensor {
    Op.resize(.tensor(self), .ints([height, width]), false)
  }
}
