import MemeData
import Testing

@testable import TextRecognition

private typealias Box = RecognizedText.Box
private typealias Line = RecognizedText.Line

private func word(_ text: String, _ confidence: Double, at box: Box, begins: Bool = true) -> RecognizedWord {
  RecognizedWord(text: text, confidence: confidence, box: box, beginsLine: begins)
}

@Suite struct LineSelectionTests {
  private let top = Box(left: 10, top: 10, right: 200, bottom: 40)

  @Test func ofTwoReadingsOfAPlaceTheSurerStays() {
    let spoilt = word("WH3N Y0U", 0.55, at: top)
    let clean = word("WHEN YOU", 0.93, at: Box(left: 12, top: 11, right: 198, bottom: 41))
    let elsewhere = word("finally", 0.6, at: Box(left: 10, top: 300, right: 200, bottom: 330))
    let lines = LineSelection.lines(of: [[spoilt, elsewhere], [clean]])
    #expect(lines.map(\.text) == ["WHEN YOU", "finally"])
    #expect(lines[0].confidence == 0.93)
  }

  @Test func wordsOfALineJoinAndUnsureOnesFall() {
    let words = [
      word("one", 0.75, at: Box(left: 0, top: 0, right: 30, bottom: 10)),
      word("~~", 0.99, at: Box(left: 32, top: 0, right: 38, bottom: 10), begins: false),
      word("doubtful", 0.39, at: Box(left: 40, top: 0, right: 60, bottom: 10), begins: false),
      word("two", 0.5, at: Box(left: 70, top: 2, right: 100, bottom: 12), begins: false),
    ]
    let lines = LineSelection.lines(of: [words])
    #expect(lines == [Line(text: "one two", confidence: 0.625, box: Box(left: 0, top: 0, right: 100, bottom: 12))])
  }

  @Test(arguments: [("ab", 0.74, 0), ("ab", 0.76, 1), ("a", 0.99, 0), ("abcd", 0.5, 1)])
  func shortLinesNeedMoreConfidence(text: String, confidence: Double, count: Int) {
    #expect(LineSelection.lines(of: [[word(text, confidence, at: top)]]).count == count)
  }

  @Test func columnsAreReadOneAfterTheOtherBelowABand() {
    func line(_ text: String, _ left: Int, _ top: Int) -> Line {
      Line(text: text, confidence: 0.9, box: Box(left: left, top: top, right: left + 150, bottom: top + 20))
    }
    let lines = [
      line("right 2", 400, 330), line("left 1", 20, 300), line("band", 200, 10), line("right 1", 400, 305),
      line("left 2", 20, 325),
    ]
    #expect(ReadingOrder.sorted(lines).map(\.text) == ["band", "left 1", "left 2", "right 1", "right 2"])
  }

  @Test func whiteLettersAloneAreBlack() throws {
    // White, nearly white, light grey, black: the first two are letters.
    let samples: [UInt8] = [255, 225, 224, 0]
    let side = 250  // wide enough not to be interpolated: it is enlarged to exactly 1,000 pixels
    let pixels = samples.flatMap { [UInt8](repeating: $0, count: side * side * 3) }
    let picture = RGBImage(width: side, height: 4 * side, pixels: pixels)
    let prepared = try PreparedPicture(picture)
    #expect(prepared.scale == 1)
    let middles = (0..<4).map { prepared.whiteLetters.pixels[($0 * side + side / 2) * side + side / 2] }
    #expect(middles == [0, 0, 255, 255])
    #expect((0..<4).map { prepared.grey.pixels[($0 * side + side / 2) * side + side / 2] } == samples)
  }
}
