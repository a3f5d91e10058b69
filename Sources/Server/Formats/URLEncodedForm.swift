import Foundation

/// The fields of a form in `application/x-www-form-urlencoded`, or of an address's query (WHATWG URL, section 5).
struct URLEncodedForm: Equatable {
  private let fields: [(name: String, value: String)]

  /// More fields than any page of ours has.
  private static let fieldLimit = 1000

  init(_ bytes: some Sequence<UInt8>) throws(FormatError) {
    var fields: [(name: String, value: String)] = []
    for part in Array(bytes).split(separator: UInt8(ascii: "&")) {
      guard fields.count < Self.fieldLimit else { throw FormatError("more than \(Self.fieldLimit) fields") }
      let pair = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      fields.append((try Self.decoded(pair[0]), pair.count > 1 ? try Self.decoded(pair[1]) : ""))
    }
    self.fields = fields
  }

  private static func decoded(_ bytes: ArraySlice<UInt8>) throws(FormatError) -> String {
    var result: [UInt8] = []
    var rest = bytes
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "+"): result.append(0x20)
      case UInt8(ascii: "%"):
        let digits = rest.prefix(2)
        guard digits.count == 2, let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16),
          digits.first != UInt8(ascii: "+"), digits.first != UInt8(ascii: "-")
        else { throw FormatError("a field has a '%' without two hexadecimal digits behind it") }
        result.append(value)
        rest = rest.dropFirst(2)
      default: result.append(byte)
      }
    }
    guard let text = String(validating: result, as: UTF8.self) else { throw FormatError("a field is not valid UTF-8") }
    return text
  }

  /// The first value of a field.
  subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

  /// All values of a field.
  func all(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }

  static func == (a: Self, b: Self) -> Bool { a.fields.elementsEqual(b.fields, by: ==) }

  /// A text as it stands in a query.
  static func encoded(_ text: String) -> String {
    text.utf8.map { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
        String(UnicodeScalar(byte))
      default: String(format: "%%%02X", byte)
      }
    }.joined()
  }
}
