/// Points of several classes in a plane whose axes mean nothing, such as a t-SNE map.
public struct ScatterChart: DrawnChart {
  public let title: String
  public let note: String
  /// How far the map departs from the data, in nats.
  public let divergence: Double
  public let classes: [Class]

  /// The points of one class.
  public struct Class: Sendable {
    public let name: String
    public let points: [ChartPoint]

    public init(name: String, points: [ChartPoint]) {
      self.name = name
      self.points = points
    }
  }

  /// - Parameter note: what is shown, for the summary.
  public init(title: String, note: String, divergence: Double, classes: [Class]) {
    self.title = title
    self.note = note
    self.divergence = divergence
    self.classes = classes
  }

  public var summary: String {
    "\(note) Divergence \(divergence.fixed(2)) nats. "
      + classes.map { "\($0.name): \($0.points.count) points" }.joined(separator: "; ")
  }

  /// Thousands of coordinates tell nobody anything.
  public var table: PlainTable {
    PlainTable(
      title: title, columns: [.init("class"), .init("points", isNumber: true)],
      rows: classes.map { [$0.name, "\($0.points.count)"] },
      note: "Divergence of the map from the data: \(divergence.fixed(2)) nats.")
  }

  var drawing: Drawing {
    let axis: JSONValue = [
      "type": "value", "scale": true, "axisLabel": ["show": false], "axisTick": ["show": false],
      "splitLine": ["show": false], "axisLine": ["show": false],
    ]
    let option: JSONValue = [
      "grid": ["left": 8, "right": 8, "top": 8, "bottom": 8], "tooltip": ["trigger": "item"],
      "xAxis": axis, "yAxis": axis,
      "series": .array(
        classes.enumerated().map { index, group in
          let style = Palette.style(index)
          return [
            "type": "scatter", "name": .string(group.name), "symbol": .string("path://" + style.marker),
            "symbolSize": 7, "itemStyle": ["color": .string(style.cssColor), "opacity": 0.75],
            "emphasis": ["focus": "series"],
            "data": .array(group.points.map { [.number($0.x), .number($0.y)] }),
          ]
        }),
    ]
    return Drawing(
      option: option, legend: classes.enumerated().map { .init(name: $1.name, style: Palette.style($0)) }, height: 360)
  }
}
