/// The axes of a chart with points: grid, ticks, labels and legend, and where a point lies.
struct PlotFrame {
  let x: Axis
  let y: Axis
  private let left = 52.0
  private let right = 20.0
  private let top: Double
  private let plotHeight: Double
  private let legend: [String]

  private static let lineHeight = 18.0
  /// A generous guess at a letter's width in the 12-unit sans serif.
  static let letterWidth = 7.2

  private var plotWidth: Double { Drawing.width - left - right }

  /// The whole drawing's height.
  var height: Double { top + plotHeight + 46 }

  init(x: Axis, y: Axis, plotHeight: Double, legend names: [String]) {
    self.x = x
    self.y = y
    self.plotHeight = plotHeight
    var (elements, column, row) = ([String](), left, 0.0)
    for (index, name) in names.enumerated() {
      let text = name.truncated(to: 38)
      let width = 36 + Double(text.count) * Self.letterWidth
      if column > left, column + width - 17 > Drawing.width {
        (column, row) = (left, row + 1)
      }
      let baseline = 14 + row * Self.lineHeight
      elements.append(
        Mark.line(column, baseline - 4, column + 14, baseline - 4, style: "curve \(Mark.series(index))"))
      elements.append(Mark.text(text, x: column + 19, y: baseline))
      column += width
    }
    legend = elements
    top = names.isEmpty ? 14 : 14 + (row + 1) * Self.lineHeight
  }

  func horizontal(_ value: Double) -> Double { left + x.position(value) * plotWidth }

  func vertical(_ value: Double) -> Double { top + (1 - y.position(value)) * plotHeight }

  /// Everything but the data.
  var elements: [String] {
    let bottom = top + plotHeight
    var elements = legend
    for tick in y.ticks {
      let height = vertical(tick)
      elements.append(Mark.line(left, height, left + plotWidth, height, style: "grid"))
      elements.append(Mark.text(y.text(tick), x: left - 7, y: height + 4, anchor: "end", style: "tick"))
    }
    for tick in x.ticks {
      let position = horizontal(tick)
      elements.append(Mark.line(position, bottom, position, bottom + 4, style: "axis"))
      elements.append(Mark.text(x.text(tick), x: position, y: bottom + 17, anchor: "middle", style: "tick"))
    }
    elements.append(Mark.line(left, bottom, left + plotWidth, bottom, style: "axis"))
    elements.append(
      Mark.text(x.label, x: left + plotWidth / 2, y: bottom + 36, anchor: "middle", style: "name"))
    elements.append(Mark.upright(y.label, x: 12, y: top + plotHeight / 2, anchor: "middle", style: "name"))
    return elements
  }

  /// A curve through `points`, broken where a value cannot be drawn.
  func curve(_ points: [ChartPoint], style: String) -> [String] {
    points.thinned().split { !Axis.isDrawable($0.x) || !Axis.isDrawable($0.y) }.map { run in
      let path = run.map { "\(horizontal($0.x).fixed(1)),\(vertical($0.y).fixed(1))" }.joined(separator: " ")
      return #"<polyline class="curve \#(style)" points="\#(path)"/>"#
    }
  }
}

extension PlotFrame {
  /// The area within a deviation of each point; a single point has none.
  func band(_ points: [(point: ChartPoint, deviation: Double)], style: String) -> [String] {
    guard points.count > 1 else { return [] }
    let upper = points.map { (horizontal($0.point.x), vertical($0.point.y + $0.deviation)) }
    let lower = points.reversed().map { (horizontal($0.point.x), vertical($0.point.y - $0.deviation)) }
    let path = (upper + lower).map { "\($0.fixed(1)),\($1.fixed(1))" }.joined(separator: " ")
    return [#"<polygon class="band \#(style)" points="\#(path)"/>"#]
  }

  /// A ring at each point that can be drawn.
  func dots(_ points: [ChartPoint], style: String) -> [String] {
    points.filter { Axis.isDrawable($0.x) && Axis.isDrawable($0.y) }.map { point in
      let (x, y) = (horizontal(point.x).fixed(1), vertical(point.y).fixed(1))
      return #"<circle class="dot \#(style)" cx="\#(x)" cy="\#(y)" r="3"/>"#
    }
  }
}

/// A point in the units of its chart's axes.
public struct ChartPoint: Equatable, Sendable {
  public let x: Double
  public let y: Double

  public init(x: Double, y: Double) {
    self.x = x
    self.y = y
  }
}

extension [ChartPoint] {
  /// At most about 800 points that look the same: of each of 200 equal stretches the first, the last, the lowest and
  /// the highest, so that no spike of a long loss curve is lost.
  func thinned() -> [ChartPoint] {
    let stretches = 200
    guard count > 4 * stretches else { return self }
    return (0..<stretches).flatMap { stretch -> [ChartPoint] in
      let part = (stretch * count / stretches)..<((stretch + 1) * count / stretches)
      var kept: Set<Int> = [part.lowerBound, part.upperBound - 1]
      // A value that cannot be drawn must stay, or the gap it leaves would close.
      kept.formUnion(part.first { !Axis.isDrawable(self[$0].y) }.map { [$0] } ?? [])
      kept.formUnion(part.min { self[$0].y < self[$1].y }.map { [$0] } ?? [])
      kept.formUnion(part.max { self[$0].y < self[$1].y }.map { [$0] } ?? [])
      return kept.sorted().map { self[$0] }
    }
  }
}
