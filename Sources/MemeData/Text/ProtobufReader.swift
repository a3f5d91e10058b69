/// Reads the fields of a protocol buffer message one after the other, checking every bound.
///
/// Source: https://protobuf.dev/programming-guides/encoding/. Groups, which were given up in 2008, are refused.
package struct ProtobufReader {
  package enum Value {
    case integer(UInt64)
    case bits32(UInt32)
    case bits64(UInt64)
    /// Where a string, bytes or a message inside lie.
    case bytes(Range<Int>)
  }

  /// What is not as the encoding has it.
  package struct Fault: Error {
    package var position: Int
    package var reason: String
  }

  private let bytes: [UInt8]
  private let end: Int
  private(set) var position: Int

  package init(_ bytes: [UInt8], _ range: Range<Int>) {
    self.bytes = bytes
    position = range.lowerBound
    end = range.upperBound
  }

  /// The next field, `nil` at the end of the message.
  package mutating func next() throws(Fault) -> (number: Int, value: Value)? {
    guard position < end else { return nil }
    let key = try integer()
    guard key >> 3 > 0, key >> 3 < 1 << 29 else { throw fault("a field of the number \(key >> 3)") }
    let number = Int(key >> 3)
    switch key & 7 {
    case 0: return (number, .integer(try integer()))
    case 1: return (number, .bits64(try fixed(8)))
    case 2:
      let count = try integer()
      guard count <= UInt64(end - position) else { throw fault("\(count) bytes announced, \(end - position) left") }
      defer { position += Int(count) }
      return (number, .bytes(position..<position + Int(count)))
    case 5: return (number, .bits32(UInt32(try fixed(4))))
    default: throw fault("a field of the unknown kind \(key & 7)")
    }
  }

  /// Seven bits a byte, the lowest first, the eighth bit saying that more follow.
  private mutating func integer() throws(Fault) -> UInt64 {
    var result: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard position < end else { throw fault("a number without an end") }
      let byte = bytes[position]
      position += 1
      result |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return result }
    }
    throw fault("a number of more than ten bytes")
  }

  private mutating func fixed(_ count: Int) throws(Fault) -> UInt64 {
    guard count <= end - position else { throw fault("\(count) bytes expected, \(end - position) left") }
    defer { position += count }
    return bytes[position..<position + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  func fault(_ reason: String) -> Fault { Fault(position: position, reason: reason) }
}
