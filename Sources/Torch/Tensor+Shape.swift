private enum Op {
  static let reshape = Operator("aten::reshape")
  static let permute = Operator("aten::permute")
  static let transpose = Operator("aten::transpose", "int")
  static let unsqueeze = Operator("aten::unsqueeze")
  static let expand = Operator("aten::expand")
  static let contiguous = Operator("aten::contiguous")
  static let detach = Operator("aten::detach")
  static let clone = Operator("aten::clone")
  static let cat = Operator("aten::cat")
  static let stack = Operator("aten::stack")
  static let slice = Operator("aten::slice", "Tensor")
  static let select = Operator("aten::select", "int")
  static let indexSelect = Operator("aten::index_select")
  static let indexCopyInPlace = Operator("aten::index_copy_")
}

/// Views and copies of the same elements in another arrangement.
extension Tensor {
  /// The elements in row-major order under another shape; one dimension may be -1, which the others determine.
  public func reshaped(to shape: [Int]) -> Tensor { Op.reshape(.tensor(self), .ints(shape)) }

  /// The dimensions in another order.
  public func permuted(to order: [Int]) -> Tensor { Op.permute(.tensor(self), .ints(order)) }

  /// Two dimensions exchanged.
  public func transposed(_ first: Int = -1, _ second: Int = -2) -> Tensor {
    Op.transpose(.tensor(self), .int(first), .int(second))
  }

  /// A dimension of size one put in before `axis`.
  public func expanded(at axis: Int) -> Tensor { Op.unsqueeze(.tensor(self), .int(axis)) }

  /// A view whose dimensions of size one are repeated to `shape`.
  public func broadcast(to shape: [Int]) -> Tensor { Op.expand(.tensor(self), .ints(shape)) }

  /// The same elements in row-major memory.
  public func contiguous() -> Tensor { Op.contiguous(.tensor(self)) }

  /// The same values without the way they were computed.
  public func detached() -> Tensor { Op.detach(.tensor(self)) }

  /// The same values in storage of their own.
  public func copied() -> Tensor { Op.clone(.tensor(self)) }

  /// Tensors joined along an existing dimension.
  public static func concatenated(_ tensors: [Tensor], along axis: Int) -> Tensor {
    Op.cat(.tensors(tensors), .int(axis))
  }

  /// Tensors of one shape joined along a new dimension.
  public static func stacked(_ tensors: [Tensor], along axis: Int = 0) -> Tensor {
    Op.stack(.tensors(tensors), .int(axis))
  }

  /// The part of dimension `axis` that `range` covers.
  public func sliced(_ range: Range<Int>, along axis: Int = 0) -> Tensor {
    Op.slice(.tensor(self), .int(axis), .int(range.lowerBound), .int(range.upperBound))
  }

  /// Every `step`th element of dimension `axis`, the first among them.
  public func thinned(by step: Int, along axis: Int) -> Tensor {
    Op.slice(.tensor(self), .int(axis), 0, .int(shape[axis]), .int(step))
  }

  /// The element `index` of dimension `axis`, which goes away.
  public func selected(_ index: Int, along axis: Int = 0) -> Tensor {
    Op.select(.tensor(self), .int(axis), .int(index))
  }

  /// Rows in the order `indices` (int64, on any device) names, of dimension `axis`.
  public func gathered(_ indices: Tensor, along axis: Int = 0) -> Tensor {
    Op.indexSelect(.tensor(self), .int(axis), .tensor(indices.to(device)))
  }

  /// Writes `rows` to the places that `indices` (int64) names of the first dimension.
  public func replaceRows(at indices: Tensor, with rows: Tensor) {
    Op.indexCopyInPlace.run(.tensor(self), 0, .tensor(indices), .tensor(rows))
  }
}
