/// What a terminal of some width and height shows of what is written to it: text, line ends, and the sequences by which the
/// program takes lines back.
struct TerminalScreen {
  let rows: Int
  let columns: Int
  /// The visible lines.
  private(set) var lines = [""]
  /// Lines that have left the screen at its top; nothing can take them back.
  private(set) var scrolled: [String] = []
  /// The screen as it was before each time that lines were taken back.
  private(set) var frames: [[String]] = []
  /// Sequences that are none of the program's.
  private(set) var strays: [String] = []
  private var row = 0
  private var column = 0

  init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
  }

  mutating func write(_ text: String) {
    var rest = text.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      switch scalar {
      case "\u{1B}": obey(&rest)
      case "\r": column = 0
      case "\n": feedLine()
      default: put(Character(scalar))
      }
    }
  }

  private mutating func obey(_ rest: inout Substring.UnicodeScalarView) {
    let end = rest.firstIndex { $0.properties.isAlphabetic } ?? rest.indices.last ?? rest.startIndex
    let sequence = String(rest[..<end])
    let command = rest[end]
    rest = rest[rest.index(after: end)...]
    switch (command, Int(sequence.dropFirst())) {
    case ("A", let count?):
      frames.append(lines)
      row = max(0, row - count)
    case ("J", nil):
      lines.removeLast(lines.count - row)
      lines.append("")
    case ("K", 2): lines[row] = ""
    default: strays.append("\(sequence)\(command)")
    }
  }

  private mutating func feedLine() {
    row += 1
    column = 0
    if row == lines.count { lines.append("") }
    if lines.count > rows {
      scrolled.append(lines.removeFirst())
      row -= 1
    }
  }

  private mutating func put(_ character: Character) {
    if column == columns { feedLine() }
    var line = Array(lines[row])
    line += [Character](repeating: " ", count: max(0, column - line.count))
    if column < line.count { line[column] = character } else { line.append(character) }
    lines[row] = String(line)
    column += 1
  }
}
