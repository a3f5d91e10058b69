/// A table of text under a heading, in HTML and Markdown. Where the first cell changes a new group of
/// rows begins.
public struct PlainTable: Sendable {
  public let title: String
  public let columns: [Column]
  public let rows: [[String]]
  /// How to read it.
  public let note: String

  /// A column's heading; numbers stand to the right.
  public struct Column: Sendable {
    public let name: String
    public let isNumber: Bool
    /// Whether its cells are names, such as those of methods, which stay on one line.
    public let isName: Bool

    public init(_ name: String, isNumber: Bool = false, isName: Bool = false) {
      self.name = name
      self.isNumber = isNumber
      self.isName = isName
    }
  }

  /// - Precondition: each row has a cell for each column.
  public init(title: String, columns: [Column], rows: [[String]], note: String = "") {
    precondition(rows.allSatisfy { $0.count == columns.count }, "each row needs \(columns.count) cells")
    self.title = title
    self.columns = columns
    self.rows = rows
    self.note = note
  }

  public var markdown: String {
    let head = [
      "## \(title.markdown)", "", "| " + columns.map(\.name.markdown).joined(separator: " | ") + " |",
      "|" + columns.map { $0.isNumber ? " --: |" : " --- |" }.joined(),
    ]
    let body = rows.map { "| " + $0.map(\.markdown).joined(separator: " | ") + " |" }
    return (head + body + ["", note.markdown]).joined(separator: "\n") + "\n"
  }
}
