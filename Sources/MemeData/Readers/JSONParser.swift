/// A strict RFC 8259 parser over bytes, with line numbers and a bound on depth.
///
/// A duplicate key is a fault; an escaped surrogate without its partner becomes U+FFFD.
struct JSONParser {
  /// Annotations are a few levels deep; more is an attack on the stack.
  private static let maximumDepth = 64

  private let bytes: ArraySlice<UInt8>
  private var position: Int
  /// The line at the position, counted from 1.
  private(set) var line = 1

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
  }

  /// Whether nothing but white space is left.
  var isAtEnd: Bool {
    mutating get {
      skipSpace()
      return position == bytes.endIndex
    }
  }

  func fault(_ message: String) -> JSONFault {
    JSONFault(line: line, message: "bad JSON at byte \(position - bytes.startIndex + 1): \(message)")
  }

  mutating func skipSpace() {
    while position < bytes.endIndex, Self.isSpace(bytes[position]) {
      let byte = bytes[position]
      position += 1
      let isHalfBreak = byte == 0x0D && position < bytes.endIndex && bytes[position] == 0x0A
      if byte == 0x0A || (byte == 0x0D && !isHalfBreak) { line += 1 }
    }
  }

  /// Steps over a character if it comes next, white space before it included.
  mutating func passes(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < bytes.endIndex, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  mutating func expect(_ character: Unicode.Scalar) throws(JSONFault) {
    guard passes(character) else { throw fault("expected '\(character)'") }
  }

  mutating func value(depth: Int) throws(JSONFault) -> JSON {
    guard depth < Self.maximumDepth else { throw fault("more than \(Self.maximumDepth) levels deep") }
    skipSpace()
    guard position < bytes.endIndex else { throw fault("expected a value") }
    switch bytes[position] {
    case UInt8(ascii: "{"): return .object(try object(depth: depth))
    case UInt8(ascii: "["): return .array(try array(depth: depth))
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
    default:
      for (word, value) in [("true", JSON.bool(true)), ("false", .bool(false)), ("null", .null)]
      where bytes[position...].starts(with: word.utf8) {
        position += word.utf8.count
        return value
      }
      throw fault("expected a value")
    }
  }

  private mutating func object(depth: Int) throws(JSONFault) -> JSONObject {
    var object = JSONObject()
    try expect("{")
    if passes("}") { return object }
    repeat {
      skipSpace()
      let name = try string()
      try expect(":")
      guard object.values.updateValue(try value(depth: depth + 1), forKey: name) == nil else {
        throw fault("the key '\(name)' stands twice")
      }
      object.names.append(name)
    } while passes(",")
    try expect("}")
    return object
  }

  private mutating func array(depth: Int) throws(JSONFault) -> [JSON] {
    var array: [JSON] = []
    try expect("[")
    if passes("]") { return array }
    repeat { array.append(try value(depth: depth + 1)) } while passes(",")
    try expect("]")
    return array
  }

  private mutating func number() throws(JSONFault) -> String {
    let start = position
    if bytes[position] == UInt8(ascii: "-") { position += 1 }
    let firstDigit = position
    let digits = digitRun()
    guard digits > 0, digits == 1 || bytes[firstDigit] != UInt8(ascii: "0") else { throw fault("bad number") }
    if position < bytes.endIndex, bytes[position] == UInt8(ascii: ".") {
      position += 1
      guard digitRun() > 0 else { throw fault("bad number") }
    }
    if position < bytes.endIndex, bytes[position] | 0x20 == UInt8(ascii: "e") {
      position += 1
      if position < bytes.endIndex, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
        position += 1
      }
      guard digitRun() > 0 else { throw fault("bad number") }
    }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func digitRun() -> Int {
    let start = position
    while position < bytes.endIndex, UInt8(ascii: "0")...UInt8(ascii: "9") ~= bytes[position] { position += 1 }
    return position - start
  }

  mutating func string() throws(JSONFault) -> String {
    guard position < bytes.endIndex, bytes[position] == UInt8(ascii: "\"") else { throw fault("expected a string") }
    position += 1
    var start = position
    var content: [UInt8] = []
    while position < bytes.endIndex {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") {
        content += bytes[start..<position]
        guard let text = String(validating: content, as: UTF8.self) else { throw fault("not valid UTF-8") }
        position += 1
        return text
      }
      guard byte >= 0x20 else { throw fault("a control character inside a string") }
      if byte == UInt8(ascii: "\\") {
        content += bytes[start..<position]
        position += 1
        content += UTF8.encode(try escape())!
        start = position
      } else {
        position += 1
      }
    }
    throw fault("a string is never closed")
  }

  private mutating func escape() throws(JSONFault) -> Unicode.Scalar {
    guard position < bytes.endIndex else { throw fault("a string is never closed") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try unicodeEscape()
    default: throw fault("an unknown escape")
    }
  }

  private mutating func unicodeEscape() throws(JSONFault) -> Unicode.Scalar {
    let first = try hexadecimal()
    guard 0xD800..<0xDC00 ~= first, bytes[position...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) else {
      return Unicode.Scalar(first) ?? "\u{FFFD}"
    }
    let retreat = position
    position += 2
    let second = try hexadecimal()
    guard 0xDC00..<0xE000 ~= second else {
      position = retreat
      return "\u{FFFD}"
    }
    return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)) ?? "\u{FFFD}"
  }

  private mutating func hexadecimal() throws(JSONFault) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard position < bytes.endIndex, let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
        throw fault("an escape needs four hexadecimal digits")
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }
}
