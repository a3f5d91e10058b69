import Foundation

/// Reads little-endian fields one after the other from part of a mapped file, checking every bound.
struct ByteCursor {
  let file: MappedFile
  let end: Int
  private(set) var position: Int

  /// - Parameter range: The bytes it may read; must lie within the file.
  init(_ file: MappedFile, _ range: Range<Int>) {
    self.file = file
    position = range.lowerBound
    end = range.upperBound
  }

  var remaining: Int { end - position }

  /// Skips `count` bytes and returns where they lie.
  mutating func take(_ count: Int) throws(CheckpointError) -> Range<Int> {
    guard count >= 0, count <= remaining else {
      throw malformed("truncated: \(count) bytes expected here, \(remaining) left")
    }
    defer { position += count }
    return position..<position + count
  }

  mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) throws(CheckpointError) -> T {
    let range = try take(MemoryLayout<T>.size)
    return T(littleEndian: file.bytes.loadUnaligned(fromByteOffset: range.lowerBound, as: T.self))
  }

  mutating func string(_ count: Int) throws(CheckpointError) -> String {
    let range = try take(count)
    guard let text = String(validating: file.bytes[range], as: UTF8.self) else {
      throw malformed("text of \(count) bytes is not UTF-8")
    }
    return text
  }

  /// The text up to the next line feed, which is skipped.
  mutating func line() throws(CheckpointError) -> String {
    guard let lineEnd = file.bytes[position..<end].firstIndex(of: UInt8(ascii: "\n")) else {
      throw malformed("truncated: a line without an end")
    }
    let text = try string(lineEnd - position)
    position += 1
    return text
  }

  /// A length field of the bytes that follow it, checked against what is left.
  mutating func length<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) throws(CheckpointError) -> Int {
    let count = try integer(T.self)
    guard count >= 0, count <= remaining else {
      throw malformed("a length of \(count) bytes, but only \(remaining) are left")
    }
    return Int(count)
  }

  func malformed(_ message: String) -> CheckpointError {
    CheckpointError(.malformed, file.url, at: "byte \(position)", message)
  }
}
