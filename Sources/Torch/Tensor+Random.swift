private enum Op {
  static let uniform = Operator("aten::uniform_")
  static let normal = Operator("aten::normal_")
  static let bernoulli = Operator("aten::bernoulli_", "float")
  static let permutation = Operator("aten::randperm", "generator")
}

/// Random values, always from a generator the caller names.
extension Tensor {
  public func fillUniform(from low: Double, to high: Double, using generator: Generator) {
    withoutGrad { Op.uniform.run(.tensor(self), .double(low), .double(high), .generator(generator)) }
  }

  public func fillNormal(mean: Double = 0, deviation: Double = 1, using generator: Generator) {
    withoutGrad { Op.normal.run(.tensor(self), .double(mean), .double(deviation), .generator(generator)) }
  }

  /// Ones with the given probability, zeros otherwise.
  public func fillBernoulli(probability: Double, using generator: Generator) {
    withoutGrad { Op.bernoulli.run(.tensor(self), .double(probability), .generator(generator)) }
  }

  /// The numbers below `count` (int64) in random order.
  public static func permutation(of count: Int, using generator: Generator) -> Tensor {
    Op.permutation(.int(count), .generator(generator), .dtype(.int64))
  }
}
