/// A picture of numbers, drawn as inline SVG.
///
/// Charts are 360 units wide, about a telephone's width, so that their 12-unit text stays readable there; the page
/// puts several side by side where there is room. Colours come from the page's style sheet, which knows light and dark.
public protocol Chart: Sendable {
  /// The heading above the chart.
  var title: String { get }
  /// The chart in words, with its numbers, for those who cannot see it.
  var summary: String { get }
  /// The marks, in a coordinate system that starts at the upper left.
  func draw() -> Drawing
}

/// SVG elements with the height they need.
public struct Drawing: Sendable {
  static let width = 360.0

  let height: Double
  let elements: [String]
}

extension Chart {
  /// The complete SVG element; `id` must be unique on its page.
  public func svg(id: String) -> String {
    let drawing = draw()
    return """
      <svg role="img" aria-labelledby="\(id)-title \(id)-desc" \
      viewBox="0 0 \(Int(Drawing.width)) \(drawing.height.fixed(0))">
      <title id="\(id)-title">\(title.escaped)</title>
      <desc id="\(id)-desc">\(summary.escaped)</desc>
      \(drawing.elements.joined(separator: "\n"))
      </svg>
      """
  }
}

/// The marks that charts are made of.
enum Mark {
  static func text(_ text: String, x: Double, y: Double, anchor: String = "start", style: String = "label") -> String {
    #"<text class="\#(style)" x="\#(x.fixed(1))" y="\#(y.fixed(1))" text-anchor="\#(anchor)">\#(text.escaped)</text>"#
  }

  /// Text that reads upward from (x, y).
  static func upright(_ text: String, x: Double, y: Double, anchor: String, style: String) -> String {
    let turn = "translate(\(x.fixed(1)) \(y.fixed(1))) rotate(-90)"
    return #"<text class="\#(style)" text-anchor="\#(anchor)" transform="\#(turn)">\#(text.escaped)</text>"#
  }

  static func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, style: String) -> String {
    #"<line class="\#(style)" x1="\#(x1.fixed(1))" y1="\#(y1.fixed(1))" x2="\#(x2.fixed(1))" y2="\#(y2.fixed(1))"/>"#
  }

  static func rectangle(
    x: Double, y: Double, width: Double, height: Double, radius: Double = 2, opacity: Double = 1, style: String
  ) -> String {
    #"<rect class="\#(style)" x="\#(x.fixed(1))" y="\#(y.fixed(1))" width="\#(width.fixed(1))" "#
      + #"height="\#(height.fixed(1))" rx="\#(radius.fixed(0))" fill-opacity="\#(opacity.fixed(3))"/>"#
  }

  /// The class that colours the mark of the `index`-th series; eight colours, then again from the first.
  static func series(_ index: Int) -> String { "s\(index % 8)" }
}
