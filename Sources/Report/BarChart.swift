import Metrics

/// Horizontal bars in groups, with whiskers of one deviation to each side.
public struct BarChart: Chart {
  public let title: String
  public let axisLabel: String
  public let groups: [Group]
  /// Where the bars start: 0, or the score of guessing (0.5 for an AUROC).
  public let origin: Double

  /// Bars that belong together, such as the methods at one number of labels.
  public struct Group: Sendable {
    public let name: String
    public let bars: [Bar]

    public init(name: String, bars: [Bar]) {
      self.name = name
      self.bars = bars
    }
  }

  /// One bar; the same name has the same colour in every group. Without a value it stays empty.
  public struct Bar: Sendable {
    public let name: String
    public let value: Spread?

    public init(name: String, value: Spread?) {
      self.name = name
      self.value = value.flatMap { Axis.isDrawable($0.mean) && Axis.isDrawable($0.deviation) ? $0 : nil }
    }
  }

  public init(title: String, axisLabel: String, groups: [Group], origin: Double = 0) {
    self.title = title
    self.axisLabel = axisLabel
    self.groups = groups
    self.origin = origin
  }

  public var summary: String {
    let parts = groups.flatMap { group in
      group.bars.map { bar in
        let place = group.name.isEmpty ? bar.name : "\(bar.name) at \(group.name)"
        return "\(place): \(bar.value?.formatted() ?? "no value")"
      }
    }
    return "\(axisLabel). " + parts.joined(separator: "; ")
  }

  private static let left = 132.0
  /// Room for the number at the end of the longest bar.
  private static let right = 92.0
  private static let rowHeight = 22.0

  public func draw() -> Drawing {
    let extremes = groups.flatMap(\.bars).compactMap(\.value).flatMap {
      [$0.mean, $0.mean - $0.deviation, $0.mean + $0.deviation]
    }
    let axis = Axis(axisLabel, covering: extremes + [origin])
    let plotWidth = Drawing.width - Self.left - Self.right
    func position(_ value: Double) -> Double { Self.left + axis.position(value) * plotWidth }

    var names: [String] = []
    for bar in groups.flatMap(\.bars) where !names.contains(bar.name) { names.append(bar.name) }
    var (bars, y) = ([String](), 4.0)
    for group in groups {
      if !group.name.isEmpty {
        bars.append(Mark.text(group.name, x: 0, y: y + 15, style: "group"))
        y += Self.rowHeight + 2
      }
      for bar in group.bars {
        let style = Mark.series(names.firstIndex(of: bar.name) ?? 0)
        bars.append(Mark.text(bar.name.truncated(to: 20), x: Self.left - 8, y: y + 14, anchor: "end"))
        bars += draw(bar, y: y, style: style, origin: position(origin), position: position)
        y += Self.rowHeight
      }
      y += 8
    }

    var elements: [String] = []
    for tick in axis.ticks {
      elements.append(Mark.line(position(tick), 0, position(tick), y, style: "grid"))
      elements.append(Mark.text(axis.text(tick), x: position(tick), y: y + 15, anchor: "middle", style: "tick"))
    }
    elements.append(Mark.line(position(origin), 0, position(origin), y, style: "axis"))
    elements.append(
      Mark.text(axisLabel, x: Self.left + plotWidth / 2, y: y + 34, anchor: "middle", style: "name"))
    return Drawing(height: y + 42, elements: elements + bars)
  }

  private func draw(
    _ bar: Bar, y: Double, style: String, origin: Double, position: (Double) -> Double
  ) -> [String] {
    guard let value = bar.value else { return [Mark.text("—", x: origin + 6, y: y + 14)] }
    let end = position(value.mean)
    var elements = [
      Mark.rectangle(x: min(origin, end), y: y + 3, width: abs(end - origin), height: 15, style: "bar \(style)")
    ]
    var edge = max(end, origin)
    if value.count > 1 {
      let (low, high) = (position(value.mean - value.deviation), position(value.mean + value.deviation))
      let middle = y + 10.5
      elements.append(Mark.line(low, middle, high, middle, style: "whisker"))
      elements.append(Mark.line(low, middle - 4, low, middle + 4, style: "whisker"))
      elements.append(Mark.line(high, middle - 4, high, middle + 4, style: "whisker"))
      edge = max(edge, high)
    }
    elements.append(Mark.text(value.formatted(), x: edge + 6, y: y + 14, style: "value"))
    return elements
  }
}
