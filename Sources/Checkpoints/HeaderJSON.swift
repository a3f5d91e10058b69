import Foundation

/// A strict reader of the JSON that safetensors headers are made of: objects, strings and arrays of sizes.
struct HeaderJSON {
  let file: MappedFile
  private let end: Int
  private var position: Int

  /// - Parameter range: The header, which must be valid UTF-8 and lie within the file.
  init(_ file: MappedFile, _ range: Range<Int>) {
    self.file = file
    position = range.lowerBound
    end = range.upperBound
  }

  /// Reads an object, calling `member` with each key when its value is next.
  mutating func object(
    _ member: (inout HeaderJSON, String) throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    try expect("{")
    guard !skip("}") else { return }
    repeat {
      let key = try string()
      try expect(":")
      try member(&self, key)
    } while skip(",")
    try expect("}")
  }

  /// Reads an array of integers that are not negative.
  mutating func integers() throws(CheckpointError) -> [Int] {
    try expect("[")
    var values: [Int] = []
    guard !skip("]") else { return values }
    repeat { values.append(try integer()) } while skip(",")
    try expect("]")
    return values
  }

  mutating func string() throws(CheckpointError) -> String {
    try expect("\"")
    var text: [UInt8] = []
    while true {
      let byte = try next()
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"): text.append(contentsOf: try escape())
      case ..<0x20: throw malformed("a control character within a string")
      default: text.append(byte)
      }
    }
  }

  /// Checks that only the format's padding, spaces, follows.
  func finish() throws(CheckpointError) {
    guard file.bytes[position..<end].allSatisfy({ $0 == UInt8(ascii: " ") }) else {
      throw malformed("the header goes on after its closing brace; only spaces may follow")
    }
  }

  func malformed(_ message: String) -> CheckpointError {
    CheckpointError(.malformed, file.url, at: "header, byte \(position)", message)
  }

  private mutating func integer() throws(CheckpointError) -> Int {
    skipSpace()
    let start = position
    var value = 0
    while position < end, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(file.bytes[position]) {
      let (tens, isTooLarge) = value.multipliedReportingOverflow(by: 10)
      let (sum, isTooLargeToo) = tens.addingReportingOverflow(Int(file.bytes[position] - UInt8(ascii: "0")))
      guard !isTooLarge, !isTooLargeToo else { throw malformed("an integer too large for 63 bits") }
      value = sum
      position += 1
    }
    guard position > start else { throw malformed("expected an integer that is not negative") }
    guard position == start + 1 || file.bytes[start] != UInt8(ascii: "0") else {
      throw malformed("an integer with a leading zero")
    }
    return value
  }

  private mutating func escape() throws(CheckpointError) -> [UInt8] {
    switch try next() {
    case UInt8(ascii: "\""): return [0x22]
    case UInt8(ascii: "\\"): return [0x5C]
    case UInt8(ascii: "/"): return [0x2F]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"):
      var units = [try codeUnit()]
      if UTF16.isLeadSurrogate(units[0]), try next() == UInt8(ascii: "\\"), try next() == UInt8(ascii: "u") {
        units.append(try codeUnit())
      }
      guard let text = String(validating: units, as: UTF16.self) else { throw malformed("a lone surrogate") }
      return Array(text.utf8)
    default: throw malformed("an unknown escape")
    }
  }

  private mutating func codeUnit() throws(CheckpointError) -> UInt16 {
    var unit: UInt16 = 0
    for _ in 0..<4 {
      guard let digit = Character(Unicode.Scalar(try next())).hexDigitValue else {
        throw malformed("\\u needs four hexadecimal digits")
      }
      unit = unit << 4 | UInt16(digit)
    }
    return unit
  }

  private mutating func next() throws(CheckpointError) -> UInt8 {
    guard position < end else { throw malformed("the header ends early") }
    defer { position += 1 }
    return file.bytes[position]
  }

  private mutating func expect(_ token: Unicode.Scalar) throws(CheckpointError) {
    guard skip(token) else {
      let found = position < end ? "found \(Character(Unicode.Scalar(file.bytes[position])))" : "the header ends"
      throw malformed("expected \(token), \(found)")
    }
  }

  private mutating func skip(_ token: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < end, file.bytes[position] == UInt8(ascii: token) else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while position < end, [0x20, 0x09, 0x0A, 0x0D].contains(file.bytes[position]) { position += 1 }
  }
}
