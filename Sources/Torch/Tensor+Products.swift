import CTorch

private enum Op {
  static let matmul = Operator("aten::matmul")
  static let embedding = Operator("aten::embedding")
  static let attention = Operator("aten::scaled_dot_product_attention")
  static let addBatchProducts = Operator("aten::baddbmm")
  static let layerNorm = Operator("aten::layer_norm")
  static let convolution = Operator("aten::conv2d")
  static let averagePool = Operator("aten::avg_pool2d")
  static let prelu = Operator("aten::prelu")
  static let lstm = Operator("aten::lstm", "input")
  static let resize = Operator("aten::_upsample_bicubic2d_aa")
  static let bicubic = Operator("aten::upsample_bicubic2d")
  static let bilinear = Operator("aten::upsample_bilinear2d")
  static let batchNorm = Operator("aten::batch_norm")
  static let maxPool = Operator("aten::max_pool2d")
}

/// Products of matrices and the operations built on them.
extension Tensor {
  /// The matrix product of the last two dimensions; the others broadcast.
  public func matmul(_ other: Tensor) -> Tensor { Op.matmul(.tensor(self), .tensor(other)) }

  /// `self · weightᵀ + bias` for `self` [..., I], `weight` [O, I] and `bias` [O].
  public func linear(weight: Tensor, bias: Tensor?) -> Tensor {
    var result: OpaquePointer?
    withExtendedLifetime((self, weight, bias)) {
      check(
        ct_linear(pointer, weight.pointer, bias?.pointer, &result), "a linear map of \(self) by \(weight)")
    }
    return Tensor(owning: result!)
  }

  /// Rows of `table` [V, D] by number; `self` holds int64 indices.
  ///
  /// - Parameter frozenRow: A row that gets no gradient; -1 for none.
  public func embedded(in table: Tensor, frozenRow: Int = -1) -> Tensor {
    Op.embedding(.tensor(table), .tensor(self), .int(frozenRow))
  }

  /// Scaled dot-product attention of queries `self` [N, H, T, D]; `mask` is added to the scores, or chooses them.
  ///
  /// - Parameter isCausal: Whether each query sees the keys up to its own place alone; instead of a mask.
  public func attention(keys: Tensor, values: Tensor, mask: Tensor? = nil, isCausal: Bool = false) -> Tensor {
    Op.attention(.tensor(self), .tensor(keys), .tensor(values), .optional(mask), 0.0, .bool(isCausal))
  }

  /// The weights [N, H, T, K] with which queries `self` [N, H, T, D] look at keys [N, H, K, D]; `mask` [N, 1, 1, K] is
  /// added to the scores. Products of these with values are ``attention(keys:values:mask:isCausal:)``.
  public func attentionWeights(keys: Tensor, mask: Tensor? = nil) -> Tensor {
    let (count, headCount, length, width) = (shape[0], shape[1], shape[2], shape[3])
    // Queries are fewer numbers than scores are, and the mask goes in with the product: scores are passed over once.
    let queries = self * (1 / Double(width).squareRoot())
    guard let mask else { return queries.matmul(keys.transposed()).softmax() }
    func flattened(_ heads: Tensor) -> Tensor {
      heads.reshaped(to: [count * headCount, heads.shape[2], heads.shape[3]])
    }
    let masks = flattened(mask.to(dtype).broadcast(to: [count, headCount, 1, keys.shape[2]]))
    let scores = Op.addBatchProducts(
      .tensor(masks), .tensor(flattened(queries)), .tensor(flattened(keys).transposed()))
    return scores.softmax().reshaped(to: [count, headCount, length, keys.shape[2]])
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

  /// Every channel of `self` [N, C, H, W] normalised, by the batch's own statistics while training, which the running
  /// ones then follow in place, and by the running ones otherwise.
  public func batchNormalized(
    weight: Tensor, bias: Tensor, runningMean: Tensor, runningVariance: Tensor, isTraining: Bool, momentum: Double,
    epsilon: Double
  ) -> Tensor {
    Op.batchNorm(
      .tensor(self), .tensor(weight), .tensor(bias), .tensor(runningMean), .tensor(runningVariance), .bool(isTraining),
      .double(momentum), .double(epsilon), true)
  }

  /// The largest element of every window of `self` [N, C, H, W].
  public func maxPooled(window: Int, stride: Int, padding: Int) -> Tensor {
    Op.maxPool(.tensor(self), .ints([window, window]), .ints([stride, stride]), .ints([padding, padding]))
  }

  /// The means of squares of `side` × `side` elements of `self` [N, C, H, W], which lie side by side; what is left of rows
  /// and columns at the end is dropped.
  public func averagePooled(side: Int) -> Tensor {
    Op.averagePool(.tensor(self), .ints([side, side]), .ints([side, side]), [0, 0], false, true, nil)
  }

  /// Negative elements times the slope of their channel (dimension 1).
  public func parametricReLU(slopes: Tensor) -> Tensor { Op.prelu(.tensor(self), .tensor(slopes)) }

  /// The hidden states [N, L, H] after each step of an LSTM of one layer, without biases and from zeros, that reads
  /// `self` [N, L, I].
  ///
  /// - Parameters:
  ///   - inputWeights: [4H, I], the input, forget, cell and output gates one below the other.
  ///   - stateWeights: [4H, H], likewise.
  public func lstm(inputWeights: Tensor, stateWeights: Tensor) -> Tensor {
    let start = Tensor.zeros([1, shape[0], stateWeights.shape[1]], dtype: dtype, device: device)
    // With one layer and without dropout, training differs in nothing but that cuDNN keeps what its gradient needs.
    return Op.lstm(
      .tensor(self), .tensors([start, start]), .tensors([inputWeights, stateWeights]), false, 1, 0.0,
      .bool(ct_grad_is_enabled()), false, true)
  }

  /// Images [N, C, H, W] at another size by antialiased bicubic interpolation, which on uint8 is Pillow's within 1.
  public func resizedBicubic(height: Int, width: Int) -> Tensor {
    Op.resize(.tensor(self), .ints([height, width]), false)
  }

  /// Maps [N, C, H, W] at another size by bicubic interpolation without antialiasing, as PyTorch's `interpolate` does.
  public func interpolatedBicubic(height: Int, width: Int) -> Tensor {
    Op.bicubic(.tensor(self), .ints([height, width]), false)
  }

  /// Maps [N, C, H, W] at another size by bilinear interpolation that keeps the corners, without antialiasing.
  public func interpolatedBilinear(height: Int, width: Int) -> Tensor {
    Op.bilinear(.tensor(self), .ints([height, width]), true)
  }
}
