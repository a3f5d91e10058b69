/// A JSON value of an annotations file. Numbers keep their spelling.
enum JSON: Equatable, CustomStringConvertible {
  case null
  case bool(Bool)
  case number(String)
  case string(String)
  case array([JSON])
  case object(JSONObject)

  /// Parses one value that fills the bytes.
  static func parse(_ bytes: ArraySlice<UInt8>) throws(JSONFault) -> JSON {
    var parser = JSONParser(bytes)
    let value = try parser.value(depth: 0)
    guard parser.isAtEnd else { throw parser.fault("expected the end of the line") }
    return value
  }

  /// The truth value written as `true`, `false`, 1 or 0 (or the same as text, as delimited files have it).
  var flag: Bool? {
    switch (self, integer) {
    case (.bool(let value), _): value
    case (_, 0): false
    case (_, 1): true
    case (.string(let text), _): ["true": true, "false": false][text.lowercased()]
    default: nil
    }
  }

  /// The whole number written here or in text, `2.0` included: that is how pandas writes a column with gaps.
  var integer: Int? {
    switch self {
    case .number(let digits), .string(let digits):
      guard let integer = Int(digits.hasSuffix(".0") ? String(digits.dropLast(2)) : digits) else { return nil }
      return digits == "\(integer)" || digits == "\(integer).0" ? integer : nil
    default: return nil
    }
  }

  var description: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .number(let value): value
    case .string(let value): "'\(value)'"
    case .array: "a list"
    case .object: "an object"
    }
  }
}

/// The members of a JSON object; names in the order of the file.
struct JSONObject: Equatable {
  var names: [String] = []
  var values: [String: JSON] = [:]
}

/// Where and why text is no JSON.
struct JSONFault: Error {
  /// Lines are counted from 1 at the first byte parsed.
  var line: Int
  var message: String
}

/// Reads a JSON array element by element, so that every row keeps its line and rows before a fault are not lost.
struct JSONArrayReader {
  private var parser: JSONParser
  private var isFirst = true
  private var isDone = false

  /// Whether the first character that is not white space opens an array.
  static func opensArray(_ bytes: [UInt8]) -> Bool {
    bytes.first { !JSONParser.isSpace($0) } == UInt8(ascii: "[")
  }

  init(_ bytes: [UInt8]) {
    parser = JSONParser(bytes[...])
  }

  /// The next element with the line it starts on; a fault ends the reading.
  mutating func next() -> (line: Int, value: Result<JSON, JSONFault>)? {
    guard !isDone else { return nil }
    do throws(JSONFault) {
      if isFirst { try parser.expect("[") }
      if parser.passes("]") {
        isDone = true
        guard parser.isAtEnd else { throw parser.fault("text after the end of the list") }
        return nil
      }
      if !isFirst { try parser.expect(",") }
      isFirst = false
      parser.skipSpace()
      let line = parser.line
      return (line, .success(try parser.value(depth: 1)))
    } catch {
      isDone = true
      let message = error.message + "; the rows from here on were not read"
      return (error.line, .failure(JSONFault(line: error.line, message: message)))
    }
  }
}
