/// Curves over a common axis, such as the losses of one training stage.
public struct LineChart: Chart {
  public let title: String
  public let xLabel: String
  public let yLabel: String
  public let series: [Series]

  /// One curve; values that are not finite leave a gap.
  public struct Series: Sendable {
    public let name: String
    public let points: [ChartPoint]

    public init(name: String, points: [ChartPoint]) {
      self.name = name
      self.points = points
    }
  }

  public init(title: String, xLabel: String, yLabel: String, series: [Series]) {
    self.title = title
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.series = series
  }

  public var summary: String {
    let parts = series.map { series in
      guard let first = series.points.first, let last = series.points.last else { return "\(series.name): no values" }
      return "\(series.name): from \(first.y.fixed(4)) to \(last.y.fixed(4)) over \(series.points.count) points"
    }
    return "\(yLabel) over \(xLabel). " + parts.joined(separator: "; ")
  }

  public func draw() -> Drawing {
    let points = series.flatMap(\.points)
    let frame = PlotFrame(
      x: Axis(xLabel, covering: points.map(\.x)), y: Axis(yLabel, covering: points.map(\.y)), plotHeight: 200,
      legend: series.map(\.name))
    let curves = series.enumerated().flatMap { frame.curve($1.points, style: Mark.series($0)) }
    return Drawing(height: frame.height, elements: frame.elements + curves)
  }
}
