/// A word as one reading of a picture found it.
struct RecognizedWord {
  var text: String
  /// 0 to 1.
  var confidence: Double
  var box: RecognizedText.Box
  var beginsLine: Bool
}

/// Puts the lines of several readings of one picture together.
///
/// A caption in white letters comes out of one reading, a caption on a band out of another, and many out of both, one
/// of them spoilt. Pictures themselves yield letters that are none, mostly few and with little confidence.
enum LineSelection {
  /// Words below it are left out.
  static let leastConfidence = 0.4
  /// Lines of few characters are likelier to be the picture's than a caption's, so they need more.
  static let leastConfidenceOfShortLines = 0.75
  static let shortLineLength = 3

  /// The lines to keep of all readings, in reading order.
  static func lines(of readings: [[RecognizedWord]]) -> [RecognizedText.Line] {
    let candidates = readings.flatMap(lines(of:)).sorted { weight($0) > weight($1) }
    var kept: [RecognizedText.Line] = []
    for candidate in candidates where !kept.contains(where: { covers($0.box, candidate.box) }) {
      kept.append(candidate)
    }
    return ReadingOrder.sorted(kept)
  }

  private static func lines(of words: [RecognizedWord]) -> [RecognizedText.Line] {
    var lines: [[RecognizedWord]] = []
    for word in words {
      if word.beginsLine || lines.isEmpty { lines.append([]) }
      let isWord = word.text.contains { $0.isLetter || $0.isNumber }
      if isWord, word.confidence >= leastConfidence { lines[lines.count - 1].append(word) }
    }
    return lines.compactMap(line(of:))
  }

  /// `nil` where it is no line of a caption.
  private static func line(of words: [RecognizedWord]) -> RecognizedText.Line? {
    let length = words.reduce(0) { $0 + $1.text.count }
    guard let first = words.first, length > 1 else { return nil }
    let confidence = words.reduce(0) { $0 + $1.confidence * Double($1.text.count) } / Double(length)
    guard length > shortLineLength || confidence >= leastConfidenceOfShortLines else { return nil }
    return RecognizedText.Line(
      text: words.map(\.text).joined(separator: " "), confidence: confidence,
      box: words.dropFirst().reduce(first.box) { $0.union($1.box) })
  }

  /// Long lines of certain words come first.
  private static func weight(_ line: RecognizedText.Line) -> Double {
    (line.confidence - leastConfidence) * Double(line.text.count)
  }

  /// Whether the two are readings of one place: they share three tenths of the smaller.
  private static func covers(_ box: RecognizedText.Box, _ other: RecognizedText.Box) -> Bool {
    let (width, height) = (box.sharedWidth(other), box.sharedHeight(other))
    return width > 0 && height > 0 && 10 * width * height > 3 * min(box.area, other.area)
  }
}

/// The order of lines on a picture: region by region, regions from the top and from the left.
enum ReadingOrder {
  static func sorted(_ lines: [RecognizedText.Line]) -> [RecognizedText.Line] {
    let regions = regions(of: lines)
    let boxes = regions.map { region in region.dropFirst().reduce(region[0].box) { $0.union($1.box) } }
    return inRows(regions.indices.map { (boxes[$0], $0) }).flatMap { index in
      inRows(regions[index].enumerated().map { ($1.box, $0) }).map { regions[index][$0] }
    }
  }

  /// Lines that belong together: close below each other or close beside each other, of like height.
  private static func regions(of lines: [RecognizedText.Line]) -> [[RecognizedText.Line]] {
    var regions: [[RecognizedText.Line]] = []
    for line in lines {
      let touching = regions.indices.filter { regions[$0].contains { areNeighbours($0.box, line.box) } }
      let joined = touching.flatMap { regions[$0] } + [line]
      for index in touching.reversed() { regions.remove(at: index) }
      regions.append(joined)
    }
    return regions
  }

  private static func areNeighbours(_ a: RecognizedText.Box, _ b: RecognizedText.Box) -> Bool {
    let (low, high) = (min(a.height, b.height), max(a.height, b.height))
    guard 2 * high <= 5 * low else { return false }
    if a.isBeside(b) { return -a.sharedWidth(b) < 3 * high / 2 }
    return -a.sharedHeight(b) < high && 10 * a.sharedWidth(b) > 3 * min(a.width, b.width)
  }

  /// What boxes stand for, row by row, each from the left.
  private static func inRows(_ items: [(box: RecognizedText.Box, value: Int)]) -> [Int] {
    var rows: [[(box: RecognizedText.Box, value: Int)]] = []
    for item in items.sorted(by: { ($0.box.top, $0.box.left) < ($1.box.top, $1.box.left) }) {
      if let row = rows.firstIndex(where: { $0[0].box.isBeside(item.box) }) {
        rows[row].append(item)
      } else {
        rows.append([item])
      }
    }
    return rows.flatMap { $0.sorted { $0.box.left < $1.box.left } }.map(\.value)
  }
}
