/// The cyclic redundancy check of Castagnoli's polynomial, as TFRecord files have it (RFC 3720, appendix B.4).
enum CRC32C {
  /// The remainder for each value of a byte, bits in reflected order.
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
  }

  static func checksum(of bytes: some Sequence<UInt8>) -> UInt32 {
    ~bytes.reduce(~UInt32(0)) { crc, byte in crc >> 8 ^ table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] }
  }

  /// The checksum as TFRecord files keep it: rotated and moved, since that of data that holds checksums is weak.
  static func masked(of bytes: some Sequence<UInt8>) -> UInt32 {
    let crc = checksum(of: bytes)
    return (crc >> 15 | crc << 17) &+ 0xA282_EAD8
  }
}
