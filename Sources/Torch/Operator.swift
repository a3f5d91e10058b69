import CTorch

/// One operator of libtorch's dispatcher, such as `aten::add.Tensor`.
///
/// A call goes through the boxed dispatcher: autograd, device and dtype are chosen there, as in Python.
/// Arguments are positional, in the order of the operator's schema; missing trailing ones take its defaults.
public struct Operator: @unchecked Sendable {  // the handle is immutable and lives as long as the process
  let name: String
  private let handle: OpaquePointer

  /// Finds an operator by its qualified name and overload. Traps when libtorch has none of that name.
  public init(_ name: String, _ overload: String = "") {
    _ = Runtime.isPrepared
    var found: OpaquePointer?
    check(ct_operator_find(name, overload, &found), "no operator \(name).\(overload)")
    self.name = overload.isEmpty ? name : "\(name).\(overload)"
    handle = found!
  }

  /// Calls an operator of one tensor result.
  public func callAsFunction(_ arguments: Argument...) -> Tensor {
    guard let tensor = call(arguments).first else { fatalError("\(name) returned no tensor") }
    return tensor
  }

  /// Calls an operator for its effect on its arguments.
  public func run(_ arguments: Argument...) {
    _ = call(arguments)
  }

  private func call(_ arguments: [Argument]) -> [Tensor] {
    var packed = PackedArguments(arguments)
    let capacity = max(8, packed.tensors.count)
    return withUnsafeTemporaryAllocation(of: ct_value.self, capacity: capacity) { values in
      withUnsafeTemporaryAllocation(of: OpaquePointer?.self, capacity: capacity) { handles in
        var count: Int32 = 0
        let status = packed.withPools { arguments, pools in
          ct_operator_call(
            handle, arguments.baseAddress, Int32(arguments.count), pools, values.baseAddress, handles.baseAddress,
            Int32(capacity), &count)
        }
        // The pools hold bare handles: the tensors they came from must outlive the call.
        withExtendedLifetime(arguments) {}
        check(status, "\(name)(\(arguments.map(\.summary).joined(separator: ", ")))")
        return (0..<Int(count)).compactMap { handles[$0].map(Tensor.init(owning:)) }
      }
    }
  }
}

/// An argument of an operator.
public enum Argument: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByStringLiteral
{
  case none
  case tensor(Tensor)
  case tensors([Tensor?])
  case int(Int)
  case ints([Int])
  case double(Double)
  case doubles([Double])
  case bool(Bool)
  case string(String)
  case dtype(DType)
  case device(Device)
  case generator(Generator)

  public init(integerLiteral value: Int) { self = .int(value) }
  public init(floatLiteral value: Double) { self = .double(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(nilLiteral: ()) { self = .none }
  public init(arrayLiteral elements: Int...) { self = .ints(elements) }
  public init(stringLiteral value: String) { self = .string(value) }

  /// A tensor that may be absent.
  public static func optional(_ tensor: Tensor?) -> Argument { tensor.map(Argument.tensor) ?? .none }

  /// What a failure's message says of it.
  var summary: String {
    switch self {
    case .none: "nil"
    case .tensor(let tensor): "\(tensor.dtype)\(tensor.shape)"
    case .tensors(let tensors): "[\(tensors.count) tensors]"
    case .int(let value): "\(value)"
    case .ints(let values): "\(values)"
    case .double(let value): "\(value)"
    case .doubles(let values): "\(values)"
    case .bool(let value): "\(value)"
    case .string(let value): "\"\(value)\""
    case .dtype(let value): "\(value)"
    case .device(let value): "\(value)"
    case .generator: "generator"
    }
  }
}

/// Arguments laid out for C: scalars inside the values, everything else in pools that the values point into.
private struct PackedArguments {
  private var values: [ct_value] = []
  private var integers: [Int64] = []
  private var reals: [Double] = []
  private(set) var tensors: [OpaquePointer?] = []
  private var generators: [OpaquePointer?] = []
  private var characters: [CChar] = []

  init(_ arguments: [Argument]) {
    values.reserveCapacity(arguments.count)
    for argument in arguments { append(argument) }
  }

  private mutating func append(_ argument: Argument) {
    switch argument {
    case .none: add(CT_NONE, 0)
    case .tensor(let tensor):
      add(CT_TENSOR, Int64(tensors.count))
      tensors.append(tensor.pointer)
    case .tensors(let list):
      add(CT_TENSORS, Int64(tensors.count), count: list.count)
      tensors.append(contentsOf: list.map { $0?.pointer })
    case .int(let value): add(CT_INT, Int64(value))
    case .ints(let list):
      add(CT_INTS, Int64(integers.count), count: list.count)
      integers.append(contentsOf: list.lazy.map(Int64.init))
    case .double(let value): add(CT_DOUBLE, 0, real: value)
    case .doubles(let list):
      add(CT_DOUBLES, Int64(reals.count), count: list.count)
      reals.append(contentsOf: list)
    case .bool(let value): add(CT_BOOL, value ? 1 : 0)
    case .string(let value):
      let bytes = value.utf8.map { CChar(bitPattern: $0) }
      add(CT_STRING, Int64(characters.count), count: bytes.count)
      characters.append(contentsOf: bytes)
    case .dtype(let dtype): add(CT_INT, Int64(dtype.rawValue))
    case .device(let device): add(CT_DEVICE, Int64(device.index))
    case .generator(let generator):
      add(CT_GENERATOR, Int64(generators.count))
      generators.append(generator.pointer)
    }
  }

  private mutating func add(_ kind: ct_kind, _ integer: Int64, count: Int = 1, real: Double = 0) {
    values.append(ct_value(kind: Int32(kind.rawValue), count: Int32(count), integer: integer, real: real))
  }

  mutating func withPools<Result>(_ body: (UnsafeBufferPointer<ct_value>, ct_pools) -> Result) -> Result {
    values.withUnsafeBufferPointer { values in
      integers.withUnsafeBufferPointer { integers in
        reals.withUnsafeBufferPointer { reals in
          tensors.withUnsafeBufferPointer { tensors in
            generators.withUnsafeBufferPointer { generators in
              characters.withUnsafeBufferPointer { characters in
                body(
                  values,
                  ct_pools(
                    integers: integers.baseAddress, reals: reals.baseAddress, tensors: tensors.baseAddress,
                    generators: generators.baseAddress, characters: characters.baseAddress))
              }
            }
          }
        }
      }
    }
  }
}
