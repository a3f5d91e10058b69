import Foundation

/// Writes a safetensors file tensor by tensor, byte for byte as the reference implementation (version 0.8) would.
///
/// Names, types and shapes are declared first, since the header precedes the data; then each tensor's bytes are asked
/// for in file order, so that nothing needs to be in memory at once. The file appears whole or not at all.
public struct SafetensorsWriter: Sendable {
  /// A tensor to be written.
  public struct Declaration: Sendable, Equatable {
    public let name: String
    public let type: ElementType
    public let shape: [Int]

    public init(name: String, type: ElementType, shape: [Int]) {
      self.name = name
      self.type = type
      self.shape = shape
    }

    /// The size of its data; `nil` when the shape is negative or overflows.
    var byteCount: Int? {
      guard let layout = RowMajorLayout(shape) else { return nil }
      let (bytes, overflow) = layout.elementCount.multipliedReportingOverflow(by: type.byteCount)
      return overflow ? nil : bytes
    }
  }

  /// Where the file will lie.
  public let url: URL
  /// The tensors in file order: wide element types first, then by name.
  public let tensors: [Declaration]
  /// The length field and the padded JSON.
  private let header: [UInt8]

  /// Lays out a file without touching the disk.
  ///
  /// - Parameter metadata: Free text for `__metadata__`, written in the order of its keys.
  /// - Throws: ``CheckpointError`` when a name occurs twice or is `__metadata__`, a shape overflows or the header
  ///   would exceed the format's 100 MB.
  public init(
    to url: URL, tensors: [Declaration], metadata: [String: String] = [:]
  ) throws(CheckpointError) {
    self.url = url
    self.tensors = tensors.sorted {
      let (left, right) = ($0.type.fileOrder, $1.type.fileOrder)
      return left == right ? $0.name.precedesInBytes($1.name) : left < right
    }
    var members: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key.precedesInBytes($1.key) }
      members.append(
        "\"__metadata__\":{" + pairs.map { "\($0.key.quoted):\($0.value.quoted)" }.joined(separator: ",") + "}")
    }
    var names: Set = ["__metadata__"]
    var begin = 0
    for tensor in self.tensors {
      let location = "tensor \"\(tensor.name)\""
      guard names.insert(tensor.name).inserted else {
        throw CheckpointError(.malformed, url, at: location, "the name is taken; every tensor needs its own")
      }
      guard let byteCount = tensor.byteCount,
        case (let end, let overflow) = begin.addingReportingOverflow(byteCount), !overflow
      else { throw CheckpointError(.malformed, url, at: location, "shape \(tensor.shape) is negative or too large") }
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      members.append(
        "\(tensor.name.quoted):{\"dtype\":\"\(tensor.type.rawValue)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(begin),\(end)]}")
      begin = end
    }
    var json = Array("{\(members.joined(separator: ","))}".utf8)
    // Data then start at a multiple of eight, the widest element, and types only get narrower from there.
    json += Array(repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8)
    guard json.count <= SafetensorsFile.largestHeader else {
      throw CheckpointError(.malformed, url, "the header would take \(json.count) bytes; the format allows 100 MB")
    }
    header = withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) } + json
  }

  /// Writes the file.
  ///
  /// - Parameter data: Called for each of ``tensors`` in order with a function that appends bytes; it may append a
  ///   tensor in pieces. Elements are row-major, without gaps, little-endian.
  /// - Throws: ``CheckpointError`` when a tensor gets too few or too many bytes or the disk is full, and whatever
  ///   `data` throws. An earlier file is left as it was.
  public func write(
    _ data: (_ tensor: Declaration, _ append: (UnsafeRawBufferPointer) throws -> Void) throws -> Void
  ) throws {
    try writeAtomically(to: url) { file in
      try header.withUnsafeBytes { try file.append($0) }
      for tensor in tensors {
        let start = file.byteCount
        try data(tensor) { try file.append($0) }
        let (count, expected) = (file.byteCount - start, tensor.byteCount ?? 0)
        guard count == expected else {
          throw CheckpointError(
            .malformed, url, at: "tensor \"\(tensor.name)\"",
            "\(count) bytes were given; shape \(tensor.shape) of \(tensor.type.rawValue) takes \(expected)")
        }
      }
    }
  }
}

extension ElementType {
  /// The rank by which the reference implementation sorts tensors (its `Dtype` order, reversed).
  fileprivate var fileOrder: Int {
    switch self {
    case .int64: 0
    case .float64: 1
    case .float32: 2
    case .int32: 3
    case .bfloat16: 4
    case .float16: 5
    case .int16: 6
    case .int8: 7
    case .uint8: 8
    case .bool: 9
    }
  }
}

extension String {
  /// Order by UTF-8; Swift's own order is that of normalised text.
  fileprivate func precedesInBytes(_ other: String) -> Bool {
    utf8.lexicographicallyPrecedes(other.utf8)
  }

  /// The string as JSON, escaped as serde_json does: only what must be, in lower-case hexadecimal.
  fileprivate var quoted: String {
    var text = "\""
    for scalar in unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\u{08}": text += "\\b"
      case "\u{0C}": text += "\\f"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\0"..<" ": text += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text + "\""
  }
}
