import Metrics
import Testing

@testable import Report

/// Plain-text tables line up in terminal cells and print nothing a terminal would obey.
struct TextTableTests {
  @Test func numbersStandRightAndTextLeft() {
    var table = TextTable(columns: ["method", "labels", "AUROC"])
    table.append(["semimemes", "5 %", "0.761 ± 0.041"])
    table.append(["concat", "30 %", "—"])
    #expect(
      table.text == """
        method     labels          AUROC
        ─────────  ──────  ─────────────
        semimemes     5 %  0.761 ± 0.041
        concat       30 %              —
        """)
  }

  @Test func countsCellsNotBytes() {
    var table = TextTable(columns: ["a", "b"])
    table.append(["日本", "x"])
    table.append(["e\u{301}", "y"])
    table.append(["👩‍👩‍👧", "z"])
    #expect(
      table.text == """
        a     b
        ────  ─
        日本  x
        e\u{301}     y
        👩‍👩‍👧    z
        """)
  }

  @Test func disarmsControlCharacters() {
    var table = TextTable(columns: ["text"])
    table.append(["\u{1B}[31mred\nnext\u{202E}x"])
    #expect(table.text.hasSuffix("\n�[31mred next�x"))
    #expect(!table.text.unicodeScalars.contains("\u{1B}"))
  }

  @Test func cutsLongCells() {
    var table = TextTable(columns: [.init("text", maximumWidth: 5), .init("n", alignment: .right)])
    table.append(["abcdefgh", "1"])
    table.append(["日本語", "22"])
    #expect(table.text.split(separator: "\n").suffix(2) == ["abcd…   1", "日本…  22"])
  }

  @Test func aHeadStaysAboveTheLastLinesThatFit() {
    let lines = ["head", "────", "a", "b", "c", "total"]
    #expect(lines.cut(to: 4, belowHeadOf: 2) == ["head", "────", "c", "total"])
    #expect(lines.cut(to: 6, belowHeadOf: 2) == lines && lines.cut(to: 2, belowHeadOf: 0) == ["c", "total"])
  }

  @Test func formatsScores() {
    #expect(Score.defined(0.76149).formatted() == "0.761")
    #expect(Score.undefined(reason: "one class").formatted() == "—")
    #expect(Spread(mean: 0.5, deviation: 0.25, count: 3).formatted(digits: 2) == "0.50 ± 0.25")
    #expect(Spread(mean: 0.5).formatted(digits: 1) == "0.5")
  }
}
