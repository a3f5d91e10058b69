/// Counts as columns, or lying down as rows where names are long: histograms and label counts. Several series stand on
/// top of each other.
public struct ColumnChart: DrawnChart {
  public let title: String
  public let xLabel: String
  public let yLabel: String
  public let names: [String]
  public let series: [Series]
  /// Whether the columns lie, one row a name.
  public let isLying: Bool

  /// Counts of one kind, such as a split: one a name. [N]
  public struct Series: Sendable {
    public let name: String
    public let counts: [Int]

    public init(name: String, counts: [Int]) {
      self.name = name
      self.counts = counts
    }
  }

  /// - Precondition: each series has a count for each name.
  public init(
    title: String, xLabel: String, yLabel: String, names: [String], series: [Series], isLying: Bool = false
  ) {
    precondition(series.allSatisfy { $0.counts.count == names.count }, "one count for each of \(names.count) names")
    self.title = title
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.names = names
    self.series = series
    self.isLying = isLying
  }

  public var summary: String {
    let totals = series.map { "\($0.name) \($0.counts.reduce(0, +))" }.joined(separator: ", ")
    return "\(yLabel) by \(xLabel), \(names.count) columns; altogether \(totals)"
  }

  public var table: PlainTable {
    PlainTable(
      title: title, columns: [.init(xLabel)] + series.map { .init($0.name, isNumber: true) },
      rows: names.indices.map { index in [names[index]] + series.map { "\($0.counts[index])" } })
  }

  var drawing: Drawing {
    let counts = ChartOption.valueAxis(yLabel, isVertical: !isLying, from: 0, isWhole: true)
    let names = ChartOption.categoryAxis(self.names, name: isLying ? "" : xLabel, isVertical: isLying)
    let option: JSONValue = [
      "grid": isLying ? ChartOption.namesGrid : ChartOption.grid,
      "tooltip": ["trigger": "axis", "axisPointer": ["type": "shadow"]],
      "xAxis": isLying ? counts : names, "yAxis": isLying ? names : counts,
      "series": .array(
        series.enumerated().map { index, series in
          [
            "type": "bar", "name": .string(series.name), "stack": "all", "barCategoryGap": isLying ? "35%" : "8%",
            "color": .string(Palette.style(index).cssColor), "emphasis": ["focus": "series"],
            "data": .array(series.counts.map { .number(Double($0)) }),
          ]
        }),
    ]
    let legend =
      series.count > 1
      ? series.enumerated().map { Drawing.LegendEntry(name: $1.name, style: Palette.style($0), isFilled: true) } : []
    return Drawing(option: option, legend: legend, height: isLying ? 80 + 26 * self.names.count : 280)
  }
}
