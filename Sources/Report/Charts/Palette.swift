/// How the series of a chart are told apart: by colour, dash and marker together.
///
/// Eight colours keep a distance of at least 25 in CIE Lab from each other and a contrast of 3 from the page, for people
/// with normal sight and with each of the three kinds of colour blindness. From the ninth series on colours come again
/// with another dash and another marker, so that 24 series differ and none is told by its colour alone.
enum Palette {
  /// On white and on the dark page's cards.
  static let light = ["#2b3ca5", "#f46b16", "#00a95f", "#d273ae", "#894a05", "#4e75ff", "#340a56", "#725b5d"]
  static let dark = ["#62c4ff", "#ff761e", "#0b905d", "#ff9fa9", "#fff078", "#c8ffff", "#b74dff", "#7d75a1"]

  /// The paper that the colours are made for.
  static let papers = (light: "#ffffff", dark: "#1e2126")

  /// What one series looks like.
  struct Style: Equatable, Sendable {
    let color: Int
    /// Lengths drawn and left out, in pixels; empty for a solid line.
    let dash: [Int]
    /// A path in a square of 10 by 10.
    let marker: String

    /// The colour as the page's style sheet names it.
    var cssColor: String { "var(--s\(color))" }
  }

  private static let dashes = [[], [7, 4], [2, 3]]

  private static let markers = [
    "M5 0A5 5 0 1 1 5 10A5 5 0 1 1 5 0Z",  // disc
    "M.7 .7H9.3V9.3H.7Z",  // square
    "M5 .3L10 9.3H0Z",  // triangle
    "M5 0L10 5L5 10L0 5Z",  // diamond
    "M0 .7H10L5 9.7Z",  // triangle, upside down
    "M3.3 0H6.7V3.3H10V6.7H6.7V10H3.3V6.7H0V3.3H3.3Z",  // plus
    "M5 0L6.5 3.4L10 3.8L7.4 6.3L8.1 10L5 8.2L1.9 10L2.6 6.3L0 3.8L3.5 3.4Z",  // star
  ]

  static func style(_ index: Int) -> Style {
    Style(
      color: index % light.count, dash: dashes[index / light.count % dashes.count],
      marker: markers[index % markers.count])
  }
}
