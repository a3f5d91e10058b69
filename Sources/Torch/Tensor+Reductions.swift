private enum Op {
  static let sum = Operator("aten::sum")
  static let sumAlong = Operator("aten::sum", "dim_IntList")
  static let mean = Operator("aten::mean")
  static let meanAlong = Operator("aten::mean", "dim")
  static let deviation = Operator("aten::std", "correction")
  static let norm = Operator("aten::linalg_vector_norm")
  static let softmax = Operator("aten::softmax", "int")
  static let logSoftmax = Operator("aten::log_softmax", "int")
  static let isFinite = Operator("aten::isfinite")
  static let all = Operator("aten::all")
}

/// Numbers that summarise others.
extension Tensor {
  public func sum() -> Tensor { Op.sum(.tensor(self)) }
  public func sum(along axes: Int..., keepingRank: Bool = false) -> Tensor {
    Op.sumAlong(.tensor(self), .ints(axes), .bool(keepingRank))
  }
  public func mean() -> Tensor { Op.mean(.tensor(self)) }
  public func mean(along axes: Int..., keepingRank: Bool = false) -> Tensor {
    Op.meanAlong(.tensor(self), .ints(axes), .bool(keepingRank))
  }
  /// The standard deviation; `correction` is taken from the count of elements (0 for the population's).
  public func standardDeviation(along axis: Int, correction: Int) -> Tensor {
    Op.deviation(.tensor(self), .ints([axis]), .int(correction))
  }
  /// The Euclidean norm of all elements.
  public func norm() -> Tensor { Op.norm(.tensor(self)) }
  public func softmax(along axis: Int = -1) -> Tensor { Op.softmax(.tensor(self), .int(axis)) }
  public func logSoftmax(along axis: Int = -1) -> Tensor { Op.logSoftmax(.tensor(self), .int(axis)) }

  /// Scaled to Euclidean length one along `axis`, as PyTorch's `normalize`: lengths below 1e-12 count as 1e-12.
  public func normalized(along axis: Int = -1) -> Tensor {
    let length = Op.norm(.tensor(self), .int(2), .ints([axis]), true)
    return self / length.clamped(min: 1e-12)
  }

  /// Whether no element is infinite or not a number.
  public var isFinite: Bool { Op.all(.tensor(Op.isFinite(.tensor(self)))).item != 0 }
}
