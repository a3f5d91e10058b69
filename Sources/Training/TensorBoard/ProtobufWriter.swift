/// Builds a protocol buffer message field by field.
///
/// Source: https://protobuf.dev/programming-guides/encoding/.
struct ProtobufWriter {
  private(set) var bytes: [UInt8] = []

  init() {}

  init(_ body: (inout ProtobufWriter) -> Void) { body(&self) }

  /// A field of whole numbers or of an enumeration; negative ones take ten bytes.
  mutating func add(_ field: Int, _ value: Int64) {
    add(key: field, wireType: 0)
    add(UInt64(bitPattern: value))
  }

  mutating func add(_ field: Int, _ value: Double) {
    add(key: field, wireType: 1)
    add(littleEndian: value.bitPattern)
  }

  mutating func add(_ field: Int, _ value: Float) {
    add(key: field, wireType: 5)
    add(littleEndian: value.bitPattern)
  }

  mutating func add(_ field: Int, _ text: String) { add(field, bytes: text.utf8) }

  mutating func add(_ field: Int, _ message: ProtobufWriter) { add(field, bytes: message.bytes) }

  /// A repeated field of numbers, packed.
  mutating func add(_ field: Int, packed values: [Float]) {
    add(field, bytes: values.flatMap { Self.littleEndian($0.bitPattern) })
  }

  private mutating func add(_ field: Int, bytes: some Collection<UInt8>) {
    add(key: field, wireType: 2)
    add(UInt64(bytes.count))
    self.bytes += bytes
  }

  private mutating func add(key field: Int, wireType: UInt64) { add(UInt64(field) << 3 | wireType) }

  /// Seven bits a byte, the lowest first, the eighth bit saying that more follow.
  private mutating func add(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private mutating func add(littleEndian value: some FixedWidthInteger) { bytes += Self.littleEndian(value) }

  static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }
}
