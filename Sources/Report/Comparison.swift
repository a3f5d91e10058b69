import Metrics

/// Methods compared in a table; within equal numbers of labels the best mean of each column stands out.
public struct Comparison: Sendable {
  public let columns: [Column]
  public let rows: [Row]

  /// One metric.
  public struct Column: Sendable {
    public let name: String
    public let isHigherBetter: Bool

    public init(_ name: String, isHigherBetter: Bool = true) {
      self.name = name
      self.isHigherBetter = isHigherBetter
    }
  }

  /// One method at one number of labels.
  public struct Row: Sendable {
    public let method: String
    /// How many labels it had, as text: `5 % (151)`.
    public let labels: String
    /// One score a column, `nil` where undefined. [C]
    public let scores: [Spread?]

    public init(method: String, labels: String, scores: [Spread?]) {
      self.method = method
      self.labels = labels
      self.scores = scores
    }
  }

  /// - Precondition: each row has a score for each column.
  public init(columns: [Column], rows: [Row]) {
    precondition(
      rows.allSatisfy { $0.scores.count == columns.count },
      "each row of a comparison needs \(columns.count) scores, one for each column")
    self.columns = columns
    self.rows = rows
  }

  /// Whether a score is the best of its column among the rows with as many labels, there being others.
  func isBest(row: Int, column: Int) -> Bool {
    let rivals = rows.filter { $0.labels == rows[row].labels }.compactMap { $0.scores[column]?.mean }.filter(\.isFinite)
    guard rivals.count > 1, let mean = rows[row].scores[column]?.mean else { return false }
    return mean == (columns[column].isHigherBetter ? rivals.max() : rivals.min())
  }

  /// The same table as plain text, for terminals.
  public var textTable: TextTable {
    var table = TextTable(
      columns: [.init("method"), .init("labels", alignment: .right)]
        + columns.map { TextTable.Column($0.name, alignment: .right) })
    for row in rows {
      table.append([row.method, row.labels] + row.scores.map { $0?.formatted() ?? "—" })
    }
    return table
  }
}
