import Foundation

/// Words of a data set, the larger the more texts they stand in.
///
/// The words are set along a spiral from the middle, the largest first, each where it touches none before it; the same
/// counts give the same cloud. Their widths are estimated generously, since the page's font is the reader's.
public struct WordCloud: Chart {
  public let title: String
  public let words: [Word]

  /// A word with the number of texts that it stands in.
  public struct Word: Sendable, Equatable {
    public let text: String
    public let count: Int

    public init(_ text: String, count: Int) {
      self.text = text
      self.count = count
    }
  }

  /// - Parameter words: any number; the most frequent are shown, words of equal counts in alphabetical order.
  public init(title: String, words: [Word]) {
    self.title = title
    self.words = Array(
      words.sorted { ($0.count, $1.text) > ($1.count, $0.text) }.prefix(Self.shownCount))
  }

  private static let shownCount = 100

  public var summary: String {
    "The words that stand in most texts: " + words.prefix(20).map { "\($0.text) (\($0.count))" }.joined(separator: ", ")
  }

  public var table: PlainTable {
    PlainTable(
      title: title, columns: [.init("word"), .init("texts", isNumber: true)],
      rows: words.map { [$0.text, "\($0.count)"] })
  }

  // MARK: Layout

  /// A word with its place; units are pixels at the drawing's own size.
  struct Placed: Equatable {
    let word: Word
    let size: Double
    /// The word's middle.
    let x: Double
    let y: Double
    let width: Double
    let height: Double

    func touches(_ other: Placed) -> Bool {
      abs(x - other.x) * 2 < width + other.width && abs(y - other.y) * 2 < height + other.height
    }
  }

  static let extent = (width: 640.0, height: 360.0)

  /// Words without room are left out.
  var placed: [Placed] {
    guard let most = words.first?.count else { return [] }
    var result: [Placed] = []
    for word in words {
      let size = 11 + 35 * (Double(word.count) / Double(most)).squareRoot()
      let width = word.text.reduce(0) { $0 + Self.width(of: $1) } * size + 4
      for step in 0..<4000 {
        let angle = Double(step) * 0.2
        let radius = 0.45 * angle
        let place = Placed(
          word: word, size: size, x: Self.extent.width / 2 + 1.8 * radius * cos(angle),
          y: Self.extent.height / 2 + radius * sin(angle), width: width, height: size * 1.12)
        guard place.x - width / 2 >= 0, place.x + width / 2 <= Self.extent.width,
          place.y - place.height / 2 >= 0, place.y + place.height / 2 <= Self.extent.height
        else { continue }
        if !result.contains(where: place.touches) {
          result.append(place)
          break
        }
      }
    }
    return result
  }

  /// A generous guess at a letter's width in a sans serif, as a share of the font's size.
  private static func width(of letter: Character) -> Double {
    switch letter {
    case "m", "w", "M", "W": 1.0
    case "f", "i", "j", "l", "r", "t", "'": 0.43
    case _ where letter.isASCII: letter.isUppercase ? 0.8 : 0.66
    default: 1.05
    }
  }

  /// The cloud as an SVG element.
  var svg: String {
    let words = placed.enumerated().map { index, place in
      #"<text class="w\#(index % 4)" x="\#(place.x.fixed(1))" y="\#((place.y + place.size * 0.34).fixed(1))" "#
        + #"font-size="\#(place.size.fixed(1))" text-anchor="middle">\#(place.word.text.escaped)</text>"#
    }
    return #"<svg class="cloud" role="img" aria-label="\#(summary.escaped)" viewBox="0 0 "#
      + "\(Int(Self.extent.width)) \(Int(Self.extent.height))\">\n\(words.joined(separator: "\n"))\n</svg>"
  }
}
