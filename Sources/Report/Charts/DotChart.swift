import Metrics

/// Means as markers with whiskers of one deviation to each side, one row a method.
///
/// Not bars: those would have to start at zero, where no score of interest lies.
public struct DotChart: DrawnChart {
  public let title: String
  public let axisLabel: String
  public let rows: [Row]

  /// A method with its score, `nil` where that is undefined.
  public struct Row: Sendable {
    public let name: String
    public let value: Spread?

    public init(name: String, value: Spread?) {
      self.name = name
      self.value = value.flatMap { $0.mean.isFinite && $0.deviation.isFinite ? $0 : nil }
    }
  }

  public init(title: String, axisLabel: String, rows: [Row]) {
    self.title = title
    self.axisLabel = axisLabel
    self.rows = rows
  }

  public var summary: String {
    "\(axisLabel). " + rows.map { "\($0.name): \($0.value?.formatted() ?? "no value")" }.joined(separator: "; ")
  }

  public var table: PlainTable {
    PlainTable(
      title: title, columns: [.init("method"), .init(axisLabel, isNumber: true)],
      rows: rows.map { [$0.name, $0.value?.formatted() ?? "—"] })
  }

  var drawing: Drawing {
    let drawn = rows.enumerated().compactMap { index, row in row.value.map { (index, $0) } }
    let whiskers = drawn.filter { $1.count > 1 }
    let option: JSONValue = [
      "grid": ChartOption.namesGrid,
      "tooltip": ["trigger": "item"], "xAxis": ChartOption.valueAxis(axisLabel, isVertical: false),
      "yAxis": ChartOption.categoryAxis(rows.map(\.name), isVertical: true),
      "series": [
        [
          "type": "custom", "kind": "whisker", "silent": true, "color": "var(--soft)",
          "encode": ["x": [0, 1], "y": 2],
          "data": .array(
            whiskers.map { [.number($1.mean - $1.deviation), .number($1.mean + $1.deviation), .number(Double($0))] }),
        ],
        [
          "type": "scatter", "name": .string(axisLabel), "symbolSize": 11,
          "data": .array(
            drawn.map { index, value in
              let style = Palette.style(index)
              return [
                "value": [.number(value.mean), .number(Double(index))], "name": .string(rows[index].name),
                "symbol": .string("path://" + style.marker), "itemStyle": ["color": .string(style.cssColor)],
                "label": [
                  "show": true, "position": "top", "distance": 4, "formatter": .string(value.formatted()),
                ],
              ]
            }),
        ],
      ],
    ]
    return Drawing(option: option, height: 70 + 36 * rows.count)
  }
}
