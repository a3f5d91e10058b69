/// Counts of truth against prediction; a cell's shade is its share of the row.
public struct ConfusionChart: Chart {
  public let title: String
  public let labels: [String]
  /// Rows are the truth, columns the prediction. [K, K]
  public let counts: [[Int]]

  /// - Precondition: `counts` has a row and a column for each label.
  public init(title: String, labels: [String], counts: [[Int]]) {
    precondition(
      counts.count == labels.count && counts.allSatisfy { $0.count == labels.count },
      "a confusion matrix needs one row and one column for each of the \(labels.count) labels")
    self.title = title
    self.labels = labels
    self.counts = counts
  }

  public var summary: String {
    let rows = zip(labels, counts).map { label, row in
      "\(label): " + zip(labels, row).map { "\($1) as \($0)" }.joined(separator: ", ")
    }
    return "Rows are the truth, columns the prediction. " + rows.joined(separator: "; ")
  }

  private static let left = 112.0

  public func draw() -> Drawing {
    let side = (Drawing.width - Self.left - 12) / Double(max(labels.count, 1))
    let cellHeight = min(side, 84)
    // Long names stand upright over narrow columns.
    let letters = Int(side / PlotFrame.letterWidth)
    let isUpright = labels.contains { $0.count > letters }
    let longest = labels.map(\.count).max() ?? 0
    let top = isUpright ? 34 + min(Double(longest), 16) * PlotFrame.letterWidth * 0.9 : 44
    let height = top + cellHeight * Double(labels.count)

    var elements = [
      Mark.text(
        "prediction", x: Self.left + (Drawing.width - Self.left - 12) / 2, y: 14, anchor: "middle", style: "name"),
      Mark.upright("truth", x: 12, y: (top + height) / 2, anchor: "middle", style: "name"),
    ]
    for (index, label) in labels.enumerated() {
      let middle = Self.left + (Double(index) + 0.5) * side
      if isUpright {
        elements.append(
          Mark.upright(label.truncated(to: 16), x: middle + 4, y: top - 8, anchor: "start", style: "label"))
      } else {
        elements.append(Mark.text(label, x: middle, y: top - 10, anchor: "middle"))
      }
      let row = top + (Double(index) + 0.5) * cellHeight
      elements.append(Mark.text(label.truncated(to: 13), x: Self.left - 8, y: row + 4, anchor: "end"))
    }
    for (row, values) in counts.enumerated() {
      let total = values.reduce(0.0) { $0 + Double($1) }
      for (column, count) in values.enumerated() {
        let share = total > 0 ? Double(count) / total : 0
        elements += cell(
          count, share: share, x: Self.left + Double(column) * side, y: top + Double(row) * cellHeight, width: side,
          height: cellHeight)
      }
    }
    return Drawing(height: height + 12, elements: elements)
  }

  private func cell(
    _ count: Int, share: Double, x: Double, y: Double, width: Double, height: Double
  ) -> [String] {
    let middle = (x: x + width / 2, y: y + height / 2)
    let showsShare = width >= 48
    var elements = [
      Mark.rectangle(x: x + 1, y: y + 1, width: width - 2, height: height - 2, style: "cell"),
      // Half strength at most, so that the text keeps its contrast on light and on dark.
      Mark.rectangle(x: x + 1, y: y + 1, width: width - 2, height: height - 2, opacity: share / 2, style: "shade"),
    ]
    if width >= 16 {
      elements.append(
        Mark.text("\(count)", x: middle.x, y: middle.y + (showsShare ? -1 : 4), anchor: "middle", style: "count"))
    }
    if showsShare {
      elements.append(
        Mark.text("\((share * 100).fixed(0)) %", x: middle.x, y: middle.y + 15, anchor: "middle", style: "share"))
    }
    return elements
  }
}
