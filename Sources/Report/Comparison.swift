import Metrics

/// Methods compared in a table; within a group of rows the best mean of each column stands out.
public struct Comparison: Sendable {
  /// The heading above the table.
  public let title: String
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
    /// What its rivals share with it: ``labels``, unless methods had different counts where as many were asked for.
    public let group: String
    /// One score a column, `nil` where undefined. [C]
    public let scores: [Spread?]
    /// What others published for the same, `nil` where nothing is known. [C]
    public let published: [PublishedFigure?]

    /// - Parameters:
    ///   - group: ``labels`` unless given.
    ///   - published: one figure a column; empty for none at all.
    public init(
      method: String, labels: String, group: String? = nil, scores: [Spread?], published: [PublishedFigure?] = []
    ) {
      self.method = method
      self.labels = labels
      self.group = group ?? labels
      self.scores = scores
      self.published = published.isEmpty ? scores.map { _ in nil } : published
    }
  }

  /// A figure of somebody else, which is never measured by this program and never best.
  public struct PublishedFigure: Sendable {
    public let value: Double
    public let source: String

    public init(value: Double, source: String) {
      self.value = value
      self.source = source
    }
  }

  /// - Precondition: each row has a score for each column.
  public init(title: String = "Comparison", columns: [Column], rows: [Row]) {
    precondition(
      rows.allSatisfy { $0.scores.count == columns.count && $0.published.count == columns.count },
      "each row of a comparison needs \(columns.count) scores, one for each column")
    self.title = title
    self.columns = columns
    self.rows = rows
  }

  /// Whether a score is the best of its column among the rows of its group, there being others.
  func isBest(row: Int, column: Int) -> Bool {
    let rivals = rows.filter { $0.group == rows[row].group }.compactMap { $0.scores[column]?.mean }.filter(\.isFinite)
    guard rivals.count > 1, let mean = rows[row].scores[column]?.mean else { return false }
    return mean == (columns[column].isHigherBetter ? rivals.max() : rivals.min())
  }

  /// The sources of published figures, each once; the table refers to them by their number from 1.
  var sources: [String] {
    rows.flatMap(\.published).compactMap { $0?.source }.reduce(into: []) { sources, source in
      if !sources.contains(source) { sources.append(source) }
    }
  }

  /// `published 0.6782 [1]`, with the decimals that the figure has but four at most; `nil` without such a figure.
  func publishedText(row: Int, column: Int) -> String? {
    rows[row].published[column].map { figure in
      "published \(Self.text(of: figure.value)) [\(sources.firstIndex(of: figure.source)! + 1)]"
    }
  }

  /// The fewest decimals that say what four say.
  private static func text(of value: Double) -> String {
    let all = value.fixed(4)
    return (0..<4).map { value.fixed($0) }.first { Double($0) == Double(all) } ?? all
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

  /// The same table in Markdown, with the published figures and their sources.
  public var markdown: String {
    var lines = ["## \(title.markdown)", ""]
    lines.append("| method | labels | " + columns.map(\.name.markdown).joined(separator: " | ") + " |")
    lines.append("| --- | --: |" + columns.map { _ in " --: |" }.joined())
    for index in rows.indices {
      let cells = columns.indices.map { column in
        let score = rows[index].scores[column]?.formatted() ?? "—"
        let measured = isBest(row: index, column: column) ? "**\(score)**" : score
        return [measured, publishedText(row: index, column: column)].compactMap(\.self).joined(separator: "<br>")
      }
      lines.append("| " + ([rows[index].method.markdown, rows[index].labels] + cells).joined(separator: " | ") + " |")
    }
    lines += ["", note]
    lines += sources.enumerated().map { "\n[\($0 + 1)] Published, not measured here: \($1.markdown)." }
    return lines.joined(separator: "\n") + "\n"
  }

  /// What bold and ± mean.
  var note: String {
    let hasSpread = rows.contains { $0.scores.contains { ($0?.count ?? 0) > 1 } }
    return "Bold: the best mean at that number of labels." + (hasSpread ? " ±: one deviation over the seeds." : "")
  }
}

extension String {
  /// The text on one line of Markdown, in a table or not.
  package var markdown: String {
    printable.reduce(into: "") { result, character in
      if "|\\`*_<>[]".contains(character) { result += "\\" }
      result.append(character)
    }
  }

  /// The text as code on one line of Markdown, between more backticks than follow each other in it.
  package var markdownCode: String {
    let longest = split { $0 != "`" }.map(\.count).max() ?? 0
    let fence = String(repeating: "`", count: longest + 1)
    return longest > 0 ? "\(fence) \(printable) \(fence)" : "\(fence)\(printable)\(fence)"
  }
}
