/// A header's value with parameters, such as `multipart/form-data; boundary="x"` (RFC 9110 §5.6.6).
struct HeaderValue: Equatable {
  /// What stands before the parameters, in lower case.
  var value: String
  /// By name in lower case.
  var parameters: [String: String] = [:]

  init(_ text: String) throws(FormatError) {
    var rest = Substring(text)
    value = rest.prefix { $0 != ";" }.trimmingSpace.lowercased()
    rest = rest.drop { $0 != ";" }
    while rest.first == ";" {
      rest = rest.dropFirst().drop(while: \.isHeaderSpace)
      if rest.isEmpty || rest.first == ";" { continue }  // an empty parameter, as some programs write at the end
      let name = rest.prefix { $0.isToken }
      rest = rest[name.endIndex...].drop(while: \.isHeaderSpace)
      guard !name.isEmpty, rest.first == "=" else {
        throw FormatError("a parameter of '\(value)' is not of the form name=value")
      }
      rest = rest.dropFirst().drop(while: \.isHeaderSpace)
      let content = try Self.content(&rest)
      guard parameters.updateValue(content, forKey: name.lowercased()) == nil else {
        throw FormatError("the parameter '\(name)' of '\(value)' stands twice")
      }
      rest = rest.drop(while: \.isHeaderSpace)
      guard rest.isEmpty || rest.first == ";" else {
        throw FormatError("expected ';' after the parameter '\(name)' of '\(value)'")
      }
    }
  }

  /// A token or a quoted string.
  private static func content(_ rest: inout Substring) throws(FormatError) -> String {
    guard rest.first == "\"" else {
      let token = rest.prefix { $0.isToken }
      rest = rest[token.endIndex...]
      guard !token.isEmpty else { throw FormatError("a parameter has no value") }
      return String(token)
    }
    rest = rest.dropFirst()
    var content = ""
    while let character = rest.popFirst() {
      switch character {
      case "\"": return content
      // Browsers leave backslashes of file names alone, so only what must be quoted is taken for a quoted pair.
      case "\\" where rest.first == "\"" || rest.first == "\\": content.append(rest.removeFirst())
      default: content.append(character)
      }
    }
    throw FormatError("a quoted string is never closed")
  }
}

extension Character {
  fileprivate var isHeaderSpace: Bool { self == " " || self == "\t" }

  /// Whether it may stand in a token (RFC 9110 §5.6.2).
  fileprivate var isToken: Bool {
    isASCII && (isLetter || isNumber || "!#$%&'*+-.^_`|~".contains(self))
  }
}

extension Substring {
  var trimmingSpace: Substring {
    var rest = drop { $0 == " " || $0 == "\t" }
    while rest.last == " " || rest.last == "\t" { rest.removeLast() }
    return rest
  }
}
