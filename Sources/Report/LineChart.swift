/// Curves over a common axis, such as the losses of one training stage, or scores with bands of one deviation.
public struct LineChart: Chart {
  public let title: String
  public let xLabel: String
  public let yLabel: String
  public let series: [Series]

  /// One curve; values that are not finite leave a gap.
  public struct Series: Sendable {
    public let name: String
    public let points: [ChartPoint]
    /// How far the band around each point reaches up and down; `nil` for a plain curve, without dots at its points.
    public let deviations: [Double]?

    /// - Precondition: one deviation a point, where there are any.
    public init(name: String, points: [ChartPoint], deviations: [Double]? = nil) {
      precondition(deviations == nil || deviations?.count == points.count, "one deviation for each point of '\(name)'")
      self.name = name
      self.points = points
      self.deviations = deviations
    }

    /// The points with their deviations where all of them can be drawn.
    var band: [(point: ChartPoint, deviation: Double)] {
      guard let deviations, points.allSatisfy({ Axis.isDrawable($0.x) && Axis.isDrawable($0.y) }),
        deviations.allSatisfy(Axis.isDrawable)
      else { return [] }
      return Array(zip(points, deviations)).map { ($0, $1) }
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
      if let deviations = series.deviations {
        let values = zip(series.points, deviations).map { point, deviation in
          "\(point.y.fixed(3)) ± \(deviation.fixed(3)) at \(point.x.brief)"
        }
        return "\(series.name): \(values.joined(separator: ", "))"
      }
      guard let first = series.points.first, let last = series.points.last else { return "\(series.name): no values" }
      return "\(series.name): from \(first.y.fixed(4)) to \(last.y.fixed(4)) over \(series.points.count) points"
    }
    return "\(yLabel) over \(xLabel). " + parts.joined(separator: "; ")
  }

  public func draw() -> Drawing {
    let points = series.flatMap(\.points)
    let edges = series.flatMap(\.band).flatMap { [$0.point.y - $0.deviation, $0.point.y + $0.deviation] }
    let frame = PlotFrame(
      x: Axis(xLabel, covering: points.map(\.x)), y: Axis(yLabel, covering: points.map(\.y) + edges), plotHeight: 200,
      legend: series.map(\.name))
    // All bands lie below all curves, so that no method hides another.
    let bands = series.enumerated().flatMap { frame.band($1.band, style: Mark.series($0)) }
    let curves = series.enumerated().flatMap { index, series in
      frame.curve(series.points, style: Mark.series(index))
        + (series.deviations == nil ? [] : frame.dots(series.points, style: Mark.series(index)))
    }
    return Drawing(height: frame.height, elements: frame.elements + bands + curves)
  }
}
