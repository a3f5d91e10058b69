/// Where one tensor lies in a mapped file; reading it costs nothing until its bytes are touched.
///
/// Every element is known to lie within the file. The storage of a `bool` tensor may hold bytes other than 0 and 1.
public struct StoredTensor: Sendable {
  /// The key in the file.
  public let name: String
  public let type: ElementType
  /// Sizes by dimension; empty for a scalar.
  public let shape: [Int]
  /// Distances between neighbours by dimension, in elements, none negative. Row-major in safetensors; a view in a
  /// PyTorch file keeps its own. Dimensions of size one, and all of an empty tensor, have the row-major value.
  public let strides: [Int]
  /// The file that holds the elements.
  public let storage: MappedFile
  /// The position of element 0 in the file, not necessarily a multiple of the element size.
  public let byteOffset: Int
  /// The bytes from the first element to the end of the last one, gaps of a view included.
  public let byteCount: Int

  /// The number of elements.
  public var elementCount: Int { shape.reduce(1, *) }

  /// Whether elements follow each other in row-major order without gaps.
  public var isContiguous: Bool { strides == RowMajorLayout(shape)?.strides }

  /// Whether element 0 lies at an address that is a multiple of the element size, so that it can be used in place.
  public var isAligned: Bool { byteOffset.isMultiple(of: type.byteCount) }

  /// The bytes from the first element to the end of the last one. Keep ``storage`` alive while using them.
  public var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: storage.bytes[byteOffset..<byteOffset + byteCount])
  }

  /// Copies all elements in row-major order, whatever strides and alignment are.
  ///
  /// - Parameter destination: Room for exactly `elementCount * type.byteCount` bytes.
  public func copyElements(to destination: UnsafeMutableRawBufferPointer) {
    let (size, count) = (type.byteCount, elementCount)
    precondition(destination.count == count * size, "\(name): \(count * size) bytes, room for \(destination.count)")
    guard count > 0 else { return }
    withExtendedLifetime(storage) {
      if isContiguous { return destination.copyMemory(from: bytes) }
      guard let source = bytes.baseAddress, let target = destination.baseAddress else { return }
      var index = shape.map { _ in 0 }
      var element = 0
      for position in 0..<count {
        (target + position * size).copyMemory(from: source + element * size, byteCount: size)
        for axis in shape.indices.reversed() {
          index[axis] += 1
          element += strides[axis]
          guard index[axis] == shape[axis] else { break }
          index[axis] = 0
          element -= strides[axis] * shape[axis]
        }
      }
    }
  }

  /// All elements in row-major order.
  ///
  /// - Parameter type: A type of the element's size that has a value for every bit pattern (`UInt8` for `bool`,
  ///   `UInt16` for `bfloat16`).
  public func values<T: BitwiseCopyable>(as type: T.Type) -> [T] {
    precondition(MemoryLayout<T>.size == self.type.byteCount, "\(name) holds \(self.type.rawValue), not \(T.self)")
    let elementCount = elementCount
    return [T](unsafeUninitializedCapacity: elementCount) { buffer, count in
      // The buffer may have more room than was asked for.
      copyElements(to: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[..<elementCount])))
      count = elementCount
    }
  }
}

/// The element count and strides of a shape stored without gaps, last dimension fastest.
struct RowMajorLayout {
  let elementCount: Int
  let strides: [Int]

  /// `nil` when a size is negative or the products overflow.
  init?(_ shape: [Int]) {
    var strides = shape
    var step = 1
    for axis in shape.indices.reversed() {
      strides[axis] = step
      // As PyTorch does, an empty dimension counts as one, so that strides stay positive.
      let (product, overflow) = step.multipliedReportingOverflow(by: max(shape[axis], 1))
      guard shape[axis] >= 0, !overflow else { return nil }
      step = product
    }
    elementCount = shape.contains(0) ? 0 : step
    self.strides = strides
  }
}
