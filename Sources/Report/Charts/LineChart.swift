/// Curves over a common axis: losses of training stages, scores with bands of one deviation, ROC.
public struct LineChart: DrawnChart {
  public let title: String
  public let xLabel: String
  public let yLabel: String
  public let series: [Series]
  public let axes: Axes
  /// What the table behind the chart says of each curve where that is not all of its points.
  private let remarks: [String]

  /// What the axes span.
  public enum Axes: Sendable {
    /// Whatever the points need.
    case free
    /// 0 to 1 in both directions, square; with the diagonal of guessing or of perfect calibration where wanted.
    case unit(diagonal: Bool)
  }

  /// One curve; values that are not finite leave a gap.
  public struct Series: Sendable {
    public let name: String
    public let points: [ChartPoint]
    /// How far the band around each point reaches up and down; `nil` for a plain curve, without markers at its points.
    public let deviations: [Double]?

    /// - Precondition: one deviation a point, where there are any.
    public init(name: String, points: [ChartPoint], deviations: [Double]? = nil) {
      precondition(deviations == nil || deviations?.count == points.count, "one deviation for each point of '\(name)'")
      self.name = name
      self.points = points
      self.deviations = deviations
    }

    /// x, lower and upper end of the band at each point, where there is a band: not for a point alone, nor with a gap.
    var band: [[Double]] {
      guard let deviations, points.count > 1, points.allSatisfy({ $0.x.isFinite && $0.y.isFinite }),
        deviations.allSatisfy(\.isFinite)
      else { return [] }
      return zip(points, deviations).map { [$0.x, $0.y - $1, $0.y + $1] }
    }
  }

  /// - Parameter remarks: one text a series for the table behind the chart, such as its area; without them the table has
  ///   the points.
  public init(
    title: String, xLabel: String, yLabel: String, series: [Series], axes: Axes = .free, remarks: [String] = []
  ) {
    precondition(remarks.isEmpty || remarks.count == series.count, "one remark for each of \(series.count) series")
    self.title = title
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.series = series
    self.axes = axes
    self.remarks = remarks
  }

  public var summary: String {
    let parts = series.enumerated().map { index, series in
      if !remarks.isEmpty { return "\(series.name): \(remarks[index])" }
      guard let first = series.points.first, let last = series.points.last else { return "\(series.name): no values" }
      return "\(series.name): from \(first.y.fixed(4)) at \(first.x.brief) to \(last.y.fixed(4)) at \(last.x.brief)"
    }
    return "\(yLabel) over \(xLabel). " + parts.joined(separator: "; ")
  }

  public var table: PlainTable {
    if !remarks.isEmpty {
      return PlainTable(
        title: title, columns: [.init("curve", isName: true), .init("value")],
        rows: zip(series, remarks).map { [$0.name, $1] })
    }
    let hasDeviations = series.contains { $0.deviations != nil }
    let rows = series.flatMap { series in
      series.points.thinnedIndices.map { index in
        let point = series.points[index]
        let deviation = hasDeviations ? series.deviations.map { " ± \($0[index].fixed(3))" } ?? "" : ""
        return [series.name, point.x.brief, point.y.fixed(hasDeviations ? 3 : 4) + deviation]
      }
    }
    return PlainTable(
      title: title,
      columns: [.init("curve", isName: true), .init(xLabel, isNumber: true), .init(yLabel, isNumber: true)], rows: rows)
  }

  var drawing: Drawing {
    var drawn: [JSONValue] = []
    // Bands lie below all curves, so that no method hides another.
    for (index, series) in series.enumerated() where !series.band.isEmpty {
      drawn.append([
        "type": "custom", "kind": "band", "shade": .number(self.series.count > 4 ? 0.07 : 0.14),
        "name": .string(series.name), "silent": true, "z": 1,
        "data": .array(series.band.map(JSONValue.numbers)), "color": .string(Palette.style(index).cssColor),
        "encode": ["x": 0, "y": [1, 2]],
      ])
    }
    for (index, series) in series.enumerated() {
      let style = Palette.style(index)
      drawn.append([
        "type": "line", "name": .string(series.name), "z": 3, "symbol": .string("path://" + style.marker),
        "symbolSize": 9, "showSymbol": .bool(series.deviations != nil), "color": .string(style.cssColor),
        "lineStyle": ChartOption.line(style), "emphasis": ["focus": "series"],
        "data": .array(
          series.points.thinnedIndices.map { [.number(series.points[$0].x), .number(series.points[$0].y)] }),
      ])
    }
    var option: [String: JSONValue] = [
      "grid": ChartOption.grid, "tooltip": ["trigger": isUnit ? "item" : "axis"],
      "xAxis": ChartOption.valueAxis(xLabel, isVertical: false),
      "yAxis": ChartOption.valueAxis(yLabel, isVertical: true),
    ]
    if case .unit(let hasDiagonal) = axes {
      option["xAxis"] = ChartOption.valueAxis(xLabel, isVertical: false, from: 0, to: 1)
      option["yAxis"] = ChartOption.valueAxis(yLabel, isVertical: true, from: 0, to: 1)
      if hasDiagonal { drawn.insert(Self.diagonal, at: 0) }
    }
    option["series"] = .array(drawn)
    return Drawing(
      option: .object(option), legend: legend,
      height: isUnit ? 340 : 300)
  }

  /// With the number that sums a curve up, where there is one; a curve alone without a number needs no legend.
  private var legend: [Drawing.LegendEntry] {
    guard series.count > 1 || !remarks.isEmpty else { return [] }
    return series.enumerated().map { index, series in
      .init(
        name: series.name, note: remarks.isEmpty ? "" : String(remarks[index].prefix { $0 != ";" }),
        style: Palette.style(index))
    }
  }

  private var isUnit: Bool { if case .unit = axes { true } else { false } }

  private static let diagonal: JSONValue = [
    "type": "line", "silent": true, "symbol": "none", "color": "var(--soft)", "data": [[0, 0], [1, 1]],
    "lineStyle": ["color": "var(--soft)", "width": 1, "type": [3, 4]], "tooltip": ["show": false], "animation": false,
  ]
}
