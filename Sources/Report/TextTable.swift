/// An aligned plain-text table for terminals: numbers to the right, text to the left.
///
/// Width counts terminal cells: a combining accent takes none, an emoji or a Chinese character two. Control characters
/// become `�`, so that no caption can move the cursor or colour the screen.
public struct TextTable: Sendable {
  /// A column's heading and how its cells stand.
  public struct Column: Sendable, ExpressibleByStringLiteral {
    let title: String
    let alignment: Alignment?
    let maximumWidth: Int?

    /// - Parameters:
    ///   - alignment: `nil` sets a column of numbers to the right and any other to the left.
    ///   - maximumWidth: longer cells end in `…`; `nil` for no limit.
    public init(_ title: String, alignment: Alignment? = nil, maximumWidth: Int? = nil) {
      self.title = title
      self.alignment = alignment
      self.maximumWidth = maximumWidth
    }

    public init(stringLiteral title: String) { self.init(title) }
  }

  /// The side a column's cells line up at.
  public enum Alignment: Sendable {
    case left
    case right
  }

  private let columns: [Column]
  private var rows: [[String]] = []

  public init(columns: [Column]) {
    self.columns = columns
  }

  /// Whether it has no row.
  public var isEmpty: Bool { rows.isEmpty }

  /// Adds a row at the bottom.
  ///
  /// - Precondition: there is one cell for each column.
  public mutating func append(_ row: [String]) {
    precondition(row.count == columns.count, "a row of \(row.count) cells does not fit \(columns.count) columns")
    rows.append(
      zip(columns, row).map { column, cell in
        let clean = cell.printable
        return column.maximumWidth.map { clean.truncated(toCells: $0) } ?? clean
      })
  }

  /// The table's lines, without a line end after the last.
  public var text: String {
    let widths = columns.indices.map { index in
      rows.reduce(columns[index].title.cellWidth) { max($0, $1[index].cellWidth) }
    }
    let alignments = columns.indices.map { index in
      columns[index].alignment ?? (isNumeric(index) ? .right : .left)
    }
    func line(_ cells: [String]) -> String {
      let padded = cells.indices.map { index in
        let padding = String(repeating: " ", count: widths[index] - cells[index].cellWidth)
        return alignments[index] == .right ? padding + cells[index] : cells[index] + padding
      }
      let line = padded.joined(separator: "  ")
      return String(line.reversed().drop { $0 == " " }.reversed())
    }
    let rule = widths.map { String(repeating: "─", count: $0) }.joined(separator: "  ")
    return ([line(columns.map(\.title)), rule] + rows.map(line)).joined(separator: "\n")
  }

  private func isNumeric(_ column: Int) -> Bool {
    let cells = rows.map { $0[column] }.filter { !$0.isEmpty && $0 != "—" }
    return !cells.isEmpty
      && cells.allSatisfy { cell in
        cell.contains(where: \.isNumber) && cell.allSatisfy { $0.isNumber || " .,+-−±%×()s/".contains($0) }
      }
  }
}

extension [String] {
  /// At most `limit` lines: the first ones, which say what columns are, and of those below them the last.
  ///
  /// - Precondition: there may be as many lines as the head has.
  package func cut(to limit: Int, belowHeadOf headCount: Int) -> [String] {
    count > limit ? Array(prefix(headCount) + suffix(limit - headCount)) : self
  }
}
