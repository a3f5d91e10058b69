/// A picture of numbers, drawn by the charting library when the page is opened.
///
/// Its numbers stand behind it in a table too, or where they are thousands of points in ``summary``: for those who cannot
/// see it and for browsers that run no scripts.
public protocol Chart: Sendable {
  /// The heading above the chart.
  var title: String { get }
  /// The chart in a sentence or two.
  var summary: String { get }
  /// Its numbers; without rows where a table would be of no use.
  var table: PlainTable { get }
}

/// What the page needs to draw a chart.
struct Drawing {
  /// The library's options. Colours are names of the style sheet: `var(--s0)`.
  let option: JSONValue
  /// What is shown above the chart and switches series on and off.
  var legend: [LegendEntry] = []
  /// Pixels of height in a column of a usual width.
  var height = 300

  /// A series by its name, with what it looks like.
  struct LegendEntry {
    let name: String
    /// A number that sums it up.
    var note = ""
    let style: Palette.Style
    /// Whether it is an area rather than a line with markers.
    var isFilled = false
  }
}

/// A chart that the library draws.
protocol DrawnChart: Chart {
  var drawing: Drawing { get }
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
  /// Positions of at most about 800 points that look the same: of each of 200 equal stretches the first, the last, the
  /// lowest and the highest, so that no spike of a long loss curve is lost.
  var thinnedIndices: [Int] {
    let stretches = 200
    guard count > 4 * stretches else { return indices.map(\.self) }
    return (0..<stretches).flatMap { stretch -> [Int] in
      let part = (stretch * count / stretches)..<((stretch + 1) * count / stretches)
      var kept: Set<Int> = [part.lowerBound, part.upperBound - 1]
      // A value that cannot be drawn must stay, or the gap it leaves would close.
      kept.formUnion(part.first { !self[$0].y.isFinite }.map { [$0] } ?? [])
      kept.formUnion(part.min { self[$0].y < self[$1].y }.map { [$0] } ?? [])
      kept.formUnion(part.max { self[$0].y < self[$1].y }.map { [$0] } ?? [])
      return kept.sorted()
    }
  }
}

/// Options that several charts share.
enum ChartOption {
  /// Room for axis names; that for the text of ticks the library adds. An upright axis has its name at its upper end,
  /// where it stands in nobody's way and is read without turning the head.
  static let grid: JSONValue = ["left": 10, "right": 22, "top": 30, "bottom": 30, "containLabel": true]

  /// The same where names stand at the left, with a reserve: they come out wider than the library takes them for.
  static let namesGrid: JSONValue = ["left": 24, "right": 22, "top": 18, "bottom": 30, "containLabel": true]

  static func valueAxis(
    _ name: String, isVertical: Bool, from lower: Double? = nil, to upper: Double? = nil, isWhole: Bool = false
  ) -> JSONValue {
    var axis: [String: JSONValue] = [
      "type": "value", "name": .string(name), "scale": true, "axisLabel": ["hideOverlap": true],
      "nameLocation": isVertical ? "end" : "middle", "nameGap": isVertical ? 14 : 26,
    ]
    if isVertical { axis["nameTextStyle"] = ["align": "left", "padding": [0, 0, 0, -28]] }
    axis["min"] = lower.map { .number($0) }
    axis["max"] = upper.map { .number($0) }
    if isWhole { axis["minInterval"] = 1 }
    return .object(axis)
  }

  static func categoryAxis(_ names: [String], name: String = "", isVertical: Bool) -> JSONValue {
    var axis: [String: JSONValue] = [
      "type": "category", "data": .strings(names), "axisTick": ["show": false],
      // A long name is cut, not laid over the chart.
      "axisLabel": isVertical
        ? ["width": 128, "overflow": "truncate", "interval": 0] : ["hideOverlap": true],
    ]
    if isVertical { axis["inverse"] = true }
    if !name.isEmpty {
      axis["name"] = .string(name)
      axis["nameLocation"] = "middle"
      axis["nameGap"] = 26
    }
    return .object(axis)
  }

  static func line(_ style: Palette.Style, width: Double = 2) -> JSONValue {
    let dash: JSONValue = style.dash.isEmpty ? "solid" : .array(style.dash.map { .number(Double($0)) })
    return ["color": .string(style.cssColor), "width": .number(width), "type": dash]
  }
}
