extension String {
  /// The text on one line, with every character a terminal would obey instead of print replaced.
  var printable: String {
    var result = String.UnicodeScalarView()
    for scalar in unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control: result.append(scalar == "\n" || scalar == "\t" || scalar == "\r" ? " " : "\u{FFFD}")
      case .lineSeparator, .paragraphSeparator: result.append(" ")
      // Of the format characters only the joiner of emoji is wanted; the others reorder or hide text.
      case .format where scalar != "\u{200D}": result.append("\u{FFFD}")
      default: result.append(scalar)
      }
    }
    return String(result)
  }

  /// How many terminal cells the text takes.
  var cellWidth: Int { reduce(0) { $0 + $1.cellWidth } }

  /// The text cut to at most `limit` cells, `…` included.
  public func truncated(toCells limit: Int) -> String {
    guard cellWidth > limit else { return self }
    var (result, width) = ("", 0)
    for character in self {
      width += character.cellWidth
      if width > limit - 1 { break }
      result.append(character)
    }
    return limit > 0 ? result + "…" : ""
  }
}

extension Character {
  fileprivate var cellWidth: Int {
    // U+FE0F asks for the emoji form of the character before it.
    if unicodeScalars.contains("\u{FE0F}") { return 2 }
    return unicodeScalars.reduce(0) { max($0, $1.cellWidth) }
  }
}

extension Unicode.Scalar {
  /// Widths as of Unicode Standard Annex #11, the wide blocks taken whole.
  fileprivate var cellWidth: Int {
    switch properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: break
    }
    if properties.isEmojiPresentation { return 2 }
    switch value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x4DBF, 0x4E00...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF,
      0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F1E6...0x1F1FF, 0x20000...0x3FFFD:
      return 2
    default: return 1
    }
  }
}
