import Foundation

/// A safetensors file, memory-mapped and checked to the format's letter.
///
/// Format: an unsigned 64-bit little-endian header length, a JSON header, the data
/// (https://github.com/huggingface/safetensors). Refused, each by name: holes, overlaps, trailing bytes, duplicate
/// keys, sizes that do not match, unknown element types and keys, oversized headers, invalid UTF-8.
public struct SafetensorsFile: Sendable {
  /// The largest header the format allows, in bytes.
  static let largestHeader = 100_000_000

  /// The free text of `__metadata__`.
  public let metadata: [String: String]
  /// The tensors by name.
  public let tensors: [String: StoredTensor]
  /// The names of the tensors in the order of their data.
  public let names: [String]

  /// Maps a file and checks all of its header; tensor data are not touched.
  ///
  /// - Throws: ``CheckpointError`` naming the tensor or byte at fault.
  public init(_ url: URL) throws(CheckpointError) {
    let file = try MappedFile(url)
    let dataStart = try Self.headerEnd(of: file)
    let header = try SafetensorsHeader(file, 8..<dataStart)
    let dataCount = file.bytes.count - dataStart
    var tensors: [String: StoredTensor] = [:]
    var names: [String] = []
    var (covered, previous) = (0, "the header")
    let ordered = header.entries.enumerated().sorted {
      ($0.element.begin, $0.element.end, $0.offset) < ($1.element.begin, $1.element.end, $1.offset)
    }
    for (_, entry) in ordered {
      func malformed(_ message: String) -> CheckpointError {
        CheckpointError(.malformed, url, at: "tensor \"\(entry.name)\"", message)
      }
      guard entry.begin <= entry.end, entry.end <= dataCount else {
        throw malformed("data_offsets [\(entry.begin), \(entry.end)] do not lie within the \(dataCount) bytes of data")
      }
      guard entry.begin >= covered else { throw malformed("overlaps \(previous) by \(covered - entry.begin) bytes") }
      guard entry.begin == covered else {
        throw malformed("a hole of \(entry.begin - covered) bytes lies between \(previous) and this tensor")
      }
      guard let layout = RowMajorLayout(entry.shape) else { throw malformed("shape \(entry.shape) overflows") }
      let (byteCount, overflow) = layout.elementCount.multipliedReportingOverflow(by: entry.type.byteCount)
      guard !overflow, byteCount == entry.end - entry.begin else {
        throw malformed(
          "shape \(entry.shape) of \(entry.type.rawValue) does not fill the \(entry.end - entry.begin) bytes given")
      }
      tensors[entry.name] = StoredTensor(
        name: entry.name, type: entry.type, shape: entry.shape, strides: layout.strides, storage: file,
        byteOffset: dataStart + entry.begin, byteCount: byteCount)
      names.append(entry.name)
      (covered, previous) = (entry.end, "tensor \"\(entry.name)\"")
    }
    guard covered == dataCount else {
      throw CheckpointError(
        .malformed, url, at: "byte \(dataStart + covered)", "\(dataCount - covered) trailing bytes after \(previous)")
    }
    metadata = header.metadata
    self.tensors = tensors
    self.names = names
  }

  /// Checks the length field and the header's first byte and encoding.
  private static func headerEnd(of file: MappedFile) throws(CheckpointError) -> Int {
    var cursor = ByteCursor(file, 0..<file.bytes.count)
    let length = try cursor.integer(UInt64.self)
    guard length <= largestHeader else {
      throw CheckpointError(
        .malformed, file.url, "a header of \(length) bytes; the format allows \(largestHeader). Is it safetensors?")
    }
    let range = try cursor.take(Int(length))
    guard file.bytes[range].first == UInt8(ascii: "{") else {
      throw CheckpointError(.malformed, file.url, at: "byte 8", "the header must start with {. Is it safetensors?")
    }
    guard String(validating: file.bytes[range], as: UTF8.self) != nil else {
      throw CheckpointError(.malformed, file.url, at: "header", "not valid UTF-8")
    }
    return range.upperBound
  }
}
