/// Counts of truth against prediction; a cell's shade is its share of the row.
public struct MatrixChart: DrawnChart {
  public let title: String
  public let rowLabel: String
  public let columnLabel: String
  public let rows: [String]
  public let columns: [String]
  /// [R, C]
  public let counts: [[Int]]

  /// - Precondition: `counts` has a row for each row's name and in it a count for each column's.
  public init(
    title: String, rowLabel: String = "truth", columnLabel: String = "prediction", rows: [String], columns: [String],
    counts: [[Int]]
  ) {
    precondition(
      counts.count == rows.count && counts.allSatisfy { $0.count == columns.count },
      "a matrix of \(rows.count) × \(columns.count) counts is needed")
    self.title = title
    self.rowLabel = rowLabel
    self.columnLabel = columnLabel
    self.rows = rows
    self.columns = columns
    self.counts = counts
  }

  public var summary: String {
    let parts = zip(rows, counts).map { name, row in
      "\(name): " + zip(columns, row).map { "\($1) as \($0)" }.joined(separator: ", ")
    }
    return "Rows are the \(rowLabel), columns the \(columnLabel). " + parts.joined(separator: "; ")
  }

  public var table: PlainTable {
    PlainTable(
      title: title, columns: [.init(rowLabel)] + columns.map { .init($0, isNumber: true) },
      rows: zip(rows, counts).map { [$0] + $1.map(String.init) })
  }

  var drawing: Drawing {
    let cells = counts.enumerated().flatMap { row, values -> [JSONValue] in
      let total = values.reduce(0.0) { $0 + Double($1) }
      return values.enumerated().map { column, count in
        let share = total > 0 ? Double(count) / total : 0
        return [
          "value": [.number(Double(column)), .number(Double(row)), .number(share)],
          "label": ["formatter": .string("\(count)\n\((share * 100).fixed(0)) %")],
        ]
      }
    }
    let option: JSONValue = [
      "grid": ChartOption.namesGrid, "tooltip": ["show": false],
      "xAxis": ChartOption.categoryAxis(columns, name: columnLabel, isVertical: false),
      "yAxis": ChartOption.categoryAxis(rows, isVertical: true),
      "visualMap": [
        "show": false, "min": 0, "max": 1, "dimension": 2, "inRange": ["color": ["var(--code)", "var(--shade)"]],
      ],
      "series": [
        [
          "type": "heatmap", "name": .string(title), "data": .array(cells),
          "label": ["show": true, "fontSize": 12, "lineHeight": 16],
          "itemStyle": ["borderColor": "var(--card)", "borderWidth": 3], "emphasis": ["disabled": true],
        ]
      ],
    ]
    return Drawing(option: option, height: min(90 + 64 * rows.count, 420))
  }
}
