import CTorch

/// An array of numbers with a shape, on a device, that remembers how it was computed when a gradient is wanted.
///
/// A tensor is a reference to libtorch's: copies share storage. Operations trap on programmer errors (shapes that do
/// not fit) with libtorch's message. Tensors are not `Sendable`: each belongs to one thread at a time.
public struct Tensor {
  private final class Handle {
    let pointer: OpaquePointer
    init(_ pointer: OpaquePointer) { self.pointer = pointer }
    deinit { ct_tensor_release(pointer) }
  }

  private let handle: Handle

  var pointer: OpaquePointer { handle.pointer }

  init(owning pointer: OpaquePointer) { handle = Handle(pointer) }

  // MARK: Making

  /// A tensor of the given values in row-major order. The count of values must equal the product of the shape.
  public init<Element: TensorElement>(_ values: [Element], shape: [Int], device: Device = .cpu) {
    let host = values.withUnsafeBytes { Tensor(copying: $0, dtype: Element.dtype, shape: shape) }
    self = host.to(device)
  }

  /// A vector of the given values.
  public init<Element: TensorElement>(_ values: [Element], device: Device = .cpu) {
    self.init(values, shape: [values.count], device: device)
  }

  /// A scalar.
  public init(_ value: Double, dtype: DType = .float32) {
    self = Tensor([value], shape: []).to(dtype)
  }

  /// A tensor of row-major bytes, which are copied.
  public init(copying bytes: UnsafeRawBufferPointer, dtype: DType, shape: [Int]) {
    let tensor = Tensor(empty: shape, dtype: dtype)
    precondition(
      bytes.count == tensor.byteCount,
      "\(bytes.count) bytes do not make \(dtype)\(shape), which has \(tensor.byteCount)")
    if !bytes.isEmpty { ct_tensor_data(tensor.pointer).copyMemory(from: bytes.baseAddress!, byteCount: bytes.count) }
    self = tensor
  }

  /// A tensor of unset values.
  public init(empty shape: [Int], dtype: DType = .float32, device: Device = .cpu) {
    _ = Runtime.isPrepared
    var result: OpaquePointer?
    let sizes = shape.map(Int64.init)
    check(
      ct_tensor_empty(sizes, Int32(sizes.count), dtype.rawValue, device.index, &result),
      "making \(dtype)\(shape) on \(device)")
    self.init(owning: result!)
  }

  /// A tensor over memory that `owner` keeps alive, without copying. `strides` count elements.
  ///
  /// The memory may be read-only: such a tensor must not be written in place.
  public init(viewing data: UnsafeRawPointer, dtype: DType, shape: [Int], strides: [Int], owner: AnyObject) {
    _ = Runtime.isPrepared
    var result: OpaquePointer?
    let context = Unmanaged.passRetained(owner).toOpaque()
    check(
      ct_tensor_wrap(
        UnsafeMutableRawPointer(mutating: data), shape.map(Int64.init), strides.map(Int64.init), Int32(shape.count),
        dtype.rawValue, { Unmanaged<AnyObject>.fromOpaque($0!).release() }, context, &result),
      "viewing \(dtype)\(shape)")
    self.init(owning: result!)
  }

  // MARK: Reading

  public var rank: Int { Int(ct_tensor_rank(pointer)) }

  public var shape: [Int] { dimensions(ct_tensor_shape) }

  /// Elements between neighbours along each dimension.
  public var strides: [Int] { dimensions(ct_tensor_strides) }

  public var elementCount: Int { Int(ct_tensor_element_count(pointer)) }

  public var byteCount: Int { elementCount * dtype.byteCount }

  public var dtype: DType {
    guard let dtype = DType(rawValue: ct_tensor_dtype(pointer)) else {
      fatalError("libtorch's dtype \(ct_tensor_dtype(pointer)) is not supported")
    }
    return dtype
  }

  public var device: Device { Device(index: ct_tensor_device(pointer)) }

  public var isContiguous: Bool { ct_tensor_is_contiguous(pointer) }

  /// Whether the elements fill one stretch of memory, in whatever order of dimensions.
  public var isDense: Bool { ct_tensor_is_dense(pointer) }

  /// The elements in row-major order. `Element` must be the tensor's own type.
  public func values<Element: TensorElement>(of type: Element.Type = Element.self) -> [Element] {
    precondition(Element.dtype == dtype, "reading \(Element.self) from a tensor of \(dtype)")
    return [Element](unsafeUninitializedCapacity: elementCount) { buffer, count in
      check(ct_tensor_copy_out(pointer, buffer.baseAddress, byteCount), "reading \(dtype)\(shape)")
      count = elementCount
    }
  }

  /// The elements as single-precision numbers, whatever their type.
  public var floats: [Float] { to(.float32).values() }

  /// The elements as double-precision numbers, whatever their type.
  public var doubles: [Double] { to(.float64).values() }

  /// The only element of a tensor.
  public var item: Double {
    precondition(elementCount == 1, "item needs one element, the shape is \(shape)")
    return doubles[0]
  }

  /// Calls `body` with the row-major bytes of the tensor, without copying where it lies so in host memory already.
  public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    let host = to(.cpu).contiguous()
    defer { withExtendedLifetime(host) {} }
    return try body(UnsafeRawBufferPointer(start: ct_tensor_data(host.pointer), count: byteCount))
  }

  /// Calls `body` with the bytes of a row-major tensor in host memory, to be filled or changed in place.
  public func withMutableBytes<Result>(_ body: (UnsafeMutableRawBufferPointer) throws -> Result) rethrows -> Result {
    precondition(device == .cpu && isContiguous, "writing to the bytes of \(self), which is not row-major host memory")
    defer { withExtendedLifetime(self) {} }
    return try body(UnsafeMutableRawBufferPointer(start: ct_tensor_data(pointer), count: byteCount))
  }

  private func dimensions(_ read: (OpaquePointer?, UnsafeMutablePointer<Int64>?) -> Void) -> [Int] {
    let rank = rank
    return withUnsafeTemporaryAllocation(of: Int64.self, capacity: max(1, rank)) { buffer in
      read(pointer, buffer.baseAddress)
      return (0..<rank).map { Int(buffer[$0]) }
    }
  }

  // MARK: Moving

  /// The same values as another type; itself when it has that type.
  public func to(_ dtype: DType) -> Tensor { dtype == self.dtype ? self : converted(dtype, device) }

  /// The same values on another device; itself when it is there.
  public func to(_ device: Device) -> Tensor { device == self.device ? self : converted(dtype, device) }

  /// A `[N, C, H, W]` tensor with channels innermost in memory, which convolutions read fastest.
  public var channelsLast: Tensor { converted(dtype, device, channelsLast: true) }

  private func converted(_ dtype: DType, _ device: Device, channelsLast: Bool = false) -> Tensor {
    var result: OpaquePointer?
    check(
      ct_tensor_to(pointer, dtype.rawValue, device.index, channelsLast, &result),
      "converting \(self.dtype)\(shape) to \(dtype) on \(device)")
    return Tensor(owning: result!)
  }
}

extension Tensor: CustomStringConvertible {
  public var description: String { "\(dtype)\(shape)\(device == .cpu ? "" : " on \(device)")" }
}
