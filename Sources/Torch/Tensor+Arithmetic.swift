private enum Op {
  static let add = Operator("aten::add", "Tensor")
  static let addScalar = Operator("aten::add", "Scalar")
  static let sub = Operator("aten::sub", "Tensor")
  static let rsub = Operator("aten::rsub", "Scalar")
  static let mul = Operator("aten::mul", "Tensor")
  static let mulScalar = Operator("aten::mul", "Scalar")
  static let div = Operator("aten::div", "Tensor")
  static let addInPlace = Operator("aten::add_", "Tensor")
  static let mulInPlace = Operator("aten::mul_", "Scalar")
  static let copyInPlace = Operator("aten::copy_")
  static let fillInPlace = Operator("aten::fill_", "Scalar")
  static let neg = Operator("aten::neg")
  static let abs = Operator("aten::abs")
  static let exp = Operator("aten::exp")
  static let log = Operator("aten::log")
  static let sqrt = Operator("aten::sqrt")
  static let pow = Operator("aten::pow", "Tensor_Scalar")
  static let clamp = Operator("aten::clamp")
  static let maximum = Operator("aten::maximum")
  static let tanh = Operator("aten::tanh")
  static let sigmoid = Operator("aten::sigmoid")
  static let relu = Operator("aten::relu")
  static let gelu = Operator("aten::gelu")
  static let silu = Operator("aten::silu")
  static let softplus = Operator("aten::softplus")
  static let logSigmoid = Operator("aten::log_sigmoid")
  static let whereSelf = Operator("aten::where", "self")
  static let gt = Operator("aten::gt", "Scalar")
}

/// Elementwise operations; shapes broadcast as in NumPy.
extension Tensor {
  public static func + (a: Tensor, b: Tensor) -> Tensor { Op.add(.tensor(a), .tensor(b)) }
  public static func + (a: Tensor, b: Double) -> Tensor { Op.addScalar(.tensor(a), .double(b)) }
  public static func + (a: Double, b: Tensor) -> Tensor { b + a }
  public static func - (a: Tensor, b: Tensor) -> Tensor { Op.sub(.tensor(a), .tensor(b)) }
  public static func - (a: Tensor, b: Double) -> Tensor { a + (-b) }
  public static func - (a: Double, b: Tensor) -> Tensor { Op.rsub(.tensor(b), .double(a)) }
  public static prefix func - (a: Tensor) -> Tensor { Op.neg(.tensor(a)) }
  public static func * (a: Tensor, b: Tensor) -> Tensor { Op.mul(.tensor(a), .tensor(b)) }
  public static func * (a: Tensor, b: Double) -> Tensor { Op.mulScalar(.tensor(a), .double(b)) }
  public static func * (a: Double, b: Tensor) -> Tensor { b * a }
  public static func / (a: Tensor, b: Tensor) -> Tensor { Op.div(.tensor(a), .tensor(b)) }
  public static func / (a: Tensor, b: Double) -> Tensor { a * (1 / b) }

  /// A truth value for each element.
  public static func .> (a: Tensor, b: Double) -> Tensor { Op.gt(.tensor(a), .double(b)) }

  public func absolute() -> Tensor { Op.abs(.tensor(self)) }
  public func exp() -> Tensor { Op.exp(.tensor(self)) }
  /// The natural logarithm.
  public func log() -> Tensor { Op.log(.tensor(self)) }
  public func squareRoot() -> Tensor { Op.sqrt(.tensor(self)) }
  public func raised(to exponent: Double) -> Tensor { Op.pow(.tensor(self), .double(exponent)) }
  /// Elements outside the bounds moved to the nearest one.
  public func clamped(min: Double?, max: Double? = nil) -> Tensor {
    Op.clamp(.tensor(self), min.map(Argument.double) ?? .none, max.map(Argument.double) ?? .none)
  }
  /// The larger of either element.
  public func maximum(_ other: Tensor) -> Tensor { Op.maximum(.tensor(self), .tensor(other)) }
  public func sigmoid() -> Tensor { Op.sigmoid(.tensor(self)) }
  /// `log(sigmoid(x))` without overflow.
  public func logSigmoid() -> Tensor { Op.logSigmoid(.tensor(self)) }
  /// `log(1 + exp(x))` without overflow.
  public func softplus() -> Tensor { Op.softplus(.tensor(self)) }
  public func tanh() -> Tensor { Op.tanh(.tensor(self)) }
  public func relu() -> Tensor { Op.relu(.tensor(self)) }
  /// The Gaussian error linear unit, by the error function.
  public func gelu() -> Tensor { Op.gelu(.tensor(self)) }
  /// The Gaussian error linear unit by its approximation with the hyperbolic tangent.
  public func tanhGELU() -> Tensor { Op.gelu(.tensor(self), "tanh") }
  /// `x · σ(x)`.
  public func swish() -> Tensor { Op.silu(.tensor(self)) }

  /// Elements of `self` where `condition` holds, of `other` elsewhere.
  public func selected(where condition: Tensor, otherwise other: Tensor) -> Tensor {
    Op.whereSelf(.tensor(condition), .tensor(self), .tensor(other))
  }
}

infix operator .> : ComparisonPrecedence

/// Changes in place, outside any graph or of a leaf that needs no gradient.
extension Tensor {
  public func add(_ other: Tensor, scaledBy factor: Double = 1) {
    Op.addInPlace.run(.tensor(self), .tensor(other), .double(factor))
  }
  public func scale(by factor: Double) { Op.mulInPlace.run(.tensor(self), .double(factor)) }
  /// Takes the values of `other`, converted to this tensor's type and device.
  public func copy(from other: Tensor) { Op.copyInPlace.run(.tensor(self), .tensor(other)) }
  public func fill(with value: Double) { Op.fillInPlace.run(.tensor(self), .double(value)) }
}
