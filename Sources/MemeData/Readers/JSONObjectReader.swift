/// Reads a JSON object member by member, so that every member keeps its line and members before a fault are not lost.
struct JSONObjectReader {
  private var parser: JSONParser
  private var isFirst = true
  private var isDone = false

  init(_ bytes: [UInt8]) {
    parser = JSONParser(bytes[...])
  }

  /// The next member with the line its value starts on; a fault ends the reading, under an empty name.
  mutating func next() -> (name: String, line: Int, value: Result<JSON, JSONFault>)? {
    guard !isDone else { return nil }
    do throws(JSONFault) {
      if isFirst { try parser.expect("{") }
      if parser.passes("}") {
        isDone = true
        guard parser.isAtEnd else { throw parser.fault("text after the end of the object") }
        return nil
      }
      if !isFirst { try parser.expect(",") }
      isFirst = false
      parser.skipSpace()
      let name = try parser.string()
      try parser.expect(":")
      parser.skipSpace()
      let line = parser.line
      return (name, line, .success(try parser.value(depth: 1)))
    } catch {
      isDone = true
      let message = error.message + "; the rows from here on were not read"
      return ("", error.line, .failure(JSONFault(line: error.line, message: message)))
    }
  }
}
