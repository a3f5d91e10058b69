import Torch

/// The parameters and buffers of a model by their path, such as `head.fc1.weight`.
///
/// A model's initialiser takes what it needs from a ``Scope`` of the store. The same code initialises parameters from
/// a seeded generator or takes them from a checkpoint; which of the two is the store's business. After the model is
/// made, ``validate()`` says which checkpoint entries were missing, unused or of another shape.
public final class ParameterStore {
  private enum Source {
    case generator(Generator, given: [String: Tensor])
    case values([String: Tensor])
    case nothing
  }

  private let source: Source
  fileprivate let device: Device
  private let dtype: DType?
  private var entries: [String: Tensor] = [:]
  /// Paths in the order the model asked for them.
  public private(set) var names: [String] = []
  private var buffers: Set<String> = []
  private var missing: [String] = []
  private var misshaped: [String] = []

  /// A store that initialises parameters, those in `given` with the values there; the same ones on every `device`, for
  /// they are drawn where `generator` is.
  public init(initializingFrom generator: Generator, given: [String: Tensor] = [:], device: Device = .cpu) {
    source = .generator(generator, given: given)
    self.device = device
    dtype = nil
  }

  /// A store that takes parameters from `values`, converted to `dtype` (their own type where nil) on `device`.
  public init(loading values: [String: Tensor], dtype: DType? = nil, device: Device = .cpu) {
    source = .values(values)
    self.device = device
    self.dtype = dtype
  }

  /// A store of parameters with unset values, such as on ``Device/meta``, to count them without memory.
  public init(uninitializedOn device: Device) {
    source = .nothing
    self.device = device
    dtype = nil
  }

  /// The place where paths begin.
  public var root: Scope { Scope(store: self, path: "") }

  /// Every parameter and buffer by path.
  public var values: [String: Tensor] { entries }

  /// What an optimizer trains: parameters without buffers, in the order the model asked for them.
  public var parameters: [Tensor] { parameters(below: "") }

  func parameters(below path: String) -> [Tensor] { namedParameters(below: path).map(\.value) }

  func namedParameters(below path: String) -> [(name: String, value: Tensor)] {
    let prefix = path.isEmpty ? "" : "\(path)."
    return names.filter { !buffers.contains($0) && $0.hasPrefix(prefix) }
      .map { (String($0.dropFirst(prefix.count)), entries[$0]!) }
  }

  /// The elements of all parameters.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.elementCount } }

  /// Throws when the checkpoint and the model disagree, naming each path.
  public func validate() throws(ParameterMismatch) {
    let values: [String: Tensor]
    switch source {
    case .values(let all), .generator(_, given: let all): values = all
    case .nothing: return
    }
    let unused = values.keys.filter { entries[$0] == nil }.sorted()
    guard missing.isEmpty, misshaped.isEmpty, unused.isEmpty else {
      throw ParameterMismatch(missing: missing, unused: unused, misshaped: misshaped)
    }
  }

  func take(_ path: String, shape: [Int], isBuffer: Bool, initializer: Initializer, channelsLast: Bool = false)
    -> Tensor
  {
    precondition(entries[path] == nil, "two parameters are named '\(path)'")
    let rowMajor = made(path, shape: shape, isBuffer: isBuffer, initializer: initializer)
    let value = channelsLast ? rowMajor.channelsLast : rowMajor
    if !isBuffer && value.dtype.isFloatingPoint, case .generator = source { value.requiringGrad() }
    if isBuffer { buffers.insert(path) }
    entries[path] = value
    names.append(path)
    return value
  }

  private func made(_ path: String, shape: [Int], isBuffer: Bool, initializer: Initializer) -> Tensor {
    switch source {
    case .generator(let generator, let given):
      if let value = given[path], fits(path, value, shape: shape, isBuffer: isBuffer) {
        return value.to(.float32).to(device).copied()
      }
      let value = Tensor(empty: shape, device: generator.device)
      initializer.fill(value, using: generator)
      return value.to(device)
    case .nothing:
      return Tensor(empty: shape, device: device)
    case .values(let values):
      guard let value = values[path] else {
        missing.append(path)
        return Tensor.zeros(shape, device: device)
      }
      guard fits(path, value, shape: shape, isBuffer: isBuffer) else { return Tensor.zeros(shape, device: device) }
      return value.to(dtype ?? value.dtype).to(device)
    }
  }

  private func fits(_ path: String, _ value: Tensor, shape: [Int], isBuffer: Bool) -> Bool {
    if value.shape != shape {
      misshaped.append("\(path): \(value.shape) instead of \(shape)")
    } else if !isBuffer && !value.dtype.isFloatingPoint {
      misshaped.append("\(path): \(value.dtype) instead of real numbers")
    } else {
      return true
    }
    return false
  }
}

/// A path prefix in a ``ParameterStore``.
public struct Scope {
  let store: ParameterStore
  let path: String

  /// Where parameters lie, and with them whatever meets them.
  public var device: Device { store.device }

  /// The scope of a named part.
  public subscript(_ name: String) -> Scope { Scope(store: store, path: joined(name)) }

  /// The scope of a numbered part.
  public subscript(_ index: Int) -> Scope { self[String(index)] }

  /// A trained tensor.
  ///
  /// - Parameter channelsLast: Whether one of rank 4 lies in memory as convolutions read it fastest.
  public func parameter(
    _ name: String, _ shape: [Int], _ initializer: Initializer, channelsLast: Bool = false
  ) -> Tensor {
    store.take(
      joined(name), shape: shape, isBuffer: false, initializer: initializer, channelsLast: channelsLast)
  }

  /// A tensor that is saved but not trained.
  public func buffer(_ name: String, _ shape: [Int], _ initializer: Initializer = .constant(0)) -> Tensor {
    store.take(joined(name), shape: shape, isBuffer: true, initializer: initializer)
  }

  /// The parameters below this place that were taken so far, in order, without buffers.
  public var parameters: [Tensor] { store.parameters(below: path) }

  /// The same with their paths from here.
  public var namedParameters: [(name: String, value: Tensor)] { store.namedParameters(below: path) }

  private func joined(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
}

/// How a checkpoint and a model disagree.
public struct ParameterMismatch: Error, CustomStringConvertible {
  public var missing: [String]
  public var unused: [String]
  public var misshaped: [String]

  public var description: String {
    let kinds = [("missing", missing), ("not known to the model", unused), ("of another shape", misshaped)]
    let parts = kinds.filter { !$0.1.isEmpty }.map { kind, names in
      let rest = names.count > 10 ? " and \(names.count - 10) more" : ""
      return "\(kind): \(names.prefix(10).joined(separator: ", "))\(rest)"
    }
    return "the checkpoint does not fit the model: \(parts.joined(separator: "; "))"
  }
}
