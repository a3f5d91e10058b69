extension String {
  /// The text made safe for HTML and SVG, both between tags and inside quoted attributes.
  ///
  /// Works on scalars, not characters: a quote followed by a combining accent is one `Character` to Swift but still
  /// ends an attribute in a browser. Scalars that XML forbids become U+FFFD.
  package var escaped: String {
    var result = ""
    result.reserveCapacity(utf8.count)
    for scalar in unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\t", "\n": result.unicodeScalars.append(scalar)
      case "\u{0}"..."\u{1F}", "\u{7F}", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// The text as one word for a shell, in quotes where a shell would make something else of it.
  package var shellQuoted: String {
    if wholeMatch(of: #/[A-Za-z0-9@%+=:,./_-]+/#) != nil { return self }
    var result = "'"
    for scalar in unicodeScalars {
      if scalar == "'" { result += #"'\''"# } else { result.unicodeScalars.append(scalar) }
    }
    return result + "'"
  }

  /// The text cut to `limit` characters, the last of them `…` where something was cut off.
  func truncated(to limit: Int) -> String {
    let start = prefix(limit)
    return start.endIndex == endIndex ? self : prefix(max(limit - 1, 0)) + "…"
  }
}

extension [String] {
  /// The words of a command as one types them in a shell.
  package var shellCommand: String { map(\.shellQuoted).joined(separator: " ") }
}
