import Crypto
import Foundation

extension Sequence<UInt8> {
  /// Two lower-case hexadecimal digits a byte.
  package var hex: String { map { String(format: "%02x", $0) }.joined() }
}

extension SHA256 {
  /// Takes up a field among others; its length keeps it apart from the same bytes with the boundary elsewhere.
  package mutating func update(field: String) { update(data: Data("\(field.utf8.count):\(field)".utf8)) }
}
