import Foundation
import Metrics
import Testing

@testable import Report

/// Tables of methods say what they are given, and never take a published figure for a measured one.
struct ComparisonTests {
  private let comparison = Comparison(
    title: "memes · bad, test split", columns: [.init("auroc"), .init("brier", isHigherBetter: false)],
    rows: [
      .init(
        method: "semimemes", labels: "5 % (151)",
        scores: [Spread(ofSample: [0.75, 0.77, 0.79]), Spread(ofSample: [0.2, 0.24])],
        published: [.init(value: 0.9012, source: "a paper, table 3"), nil]),
      .init(
        method: "a|b", labels: "5 % (151)", scores: [Spread(mean: 0.7), nil],
        published: [.init(value: 0.65, source: "a <slide>"), .init(value: 0.1, source: "a paper, table 3")]),
      .init(method: "semimemes", labels: "10 % (301)", scores: [Spread(mean: 0.8), Spread(mean: 0.1)]),
    ])

  @Test func markdownHasMeansDeviationsTheBestAndTheSources() {
    #expect(
      comparison.markdown == """
        ## memes · bad, test split

        | method | labels | auroc | brier |
        | --- | --: | --: | --: |
        | semimemes | 5 % (151) | **0.770 ± 0.020**<br>published 0.9012 [1] | 0.220 ± 0.028 |
        | a\\|b | 5 % (151) | 0.700<br>published 0.65 [2] | —<br>published 0.1 [1] |
        | semimemes | 10 % (301) | 0.800 | 0.100 |

        Bold: the best mean at that number of labels. ±: one deviation over the seeds.

        [1] Published, not measured here: a paper, table 3.

        [2] Published, not measured here: a \\<slide\\>.

        """)
  }

  @Test func thePageMarksPublishedFigures() throws {
    let page = ReportPage(
      title: "t", summary: "s",
      sections: [
        .init(
          "memes",
          [
            .comparison(comparison),
            .table(
              PlainTable(
                title: "Sure?", columns: [.init("labels"), .init("p", isNumber: true)], rows: [["5 %", "< 0.001"]],
                note: "Read it so.")),
          ])
      ], provenance: .init(command: "c", date: Date(), machine: "m", seeds: []))
    let root = try parse(page.html(library: ChartLibrary(text: "")))
    #expect(
      root.all("span", class: "published").map(\.text) == [
        "published 0.9012 [1]", "published 0.65 [2]", "published 0.1 [1]",
      ])
    // A published figure beside it does not keep the measured one from being the best.
    #expect(root.all("td", class: "best").map(\.text) == ["0.770 ± 0.020published 0.9012 [1]"])
    let notes = root.all("p", class: "note").map(\.text)
    #expect(
      notes[0].hasSuffix(
        "[1] Published, not measured here: a paper, table 3.[2] Published, not measured here: a <slide>."))
    #expect(notes[1] == "Read it so.")
    #expect(root.all("tbody").map { $0.children.map { $0.children.map(\.text) } }.last == [["5 %", "< 0.001"]])
    #expect(root.all("td", class: "number").last?.text == "< 0.001")
  }

  /// Split files of methods leave different counts of labels where as many were asked for.
  @Test func rowsOfAGroupAreRivalsWhateverTheirCountsOfLabels() throws {
    let comparison = Comparison(
      columns: [.init("auroc")],
      rows: [
        .init(method: "a", labels: "5 % (151)", group: "0.05", scores: [Spread(mean: 0.6)]),
        .init(method: "b", labels: "5 % (140)", group: "0.05", scores: [Spread(mean: 0.7)]),
        .init(method: "a", labels: "10 % (301)", group: "0.1", scores: [Spread(mean: 0.8)]),
      ])
    #expect(comparison.markdown.contains("| b | 5 % (140) | **0.700** |"))
    #expect(comparison.markdown.contains("| a | 5 % (151) | 0.600 |\n"))
    #expect(comparison.markdown.contains("| a | 10 % (301) | 0.800 |\n"))
    let page = ReportPage(
      title: "t", summary: "s", sections: [.init("memes", [.comparison(comparison)])],
      provenance: .init(command: "c", date: Date(), machine: "m", seeds: []))
    let root = try parse(page.html(library: ChartLibrary(text: "")))
    #expect(root.all("td", class: "best").map(\.text) == ["0.700"])
    #expect(root.all("tr", class: "start").map { $0.children.map(\.text) } == [["a", "10 % (301)", "0.800"]])
  }

  @Test func markdownShowsTextAndCodeAsTheyAre() {
    #expect("a|b *c* _d_ <e> [f] `g`\nh".markdown == "a\\|b \\*c\\* \\_d\\_ \\<e\\> \\[f\\] \\`g\\` h")
    #expect("run --set 'a=[b]'\nx".markdownCode == "`run --set 'a=[b]' x`")
    #expect("a `b` c".markdownCode == "`` a `b` c ``")
  }

  @Test func publishedFiguresHaveTheDigitsOfTheirSource() {
    let values = [0.6782, 0.678, 0.8310, 0.65, 1, 0, 0.67824, 0.00004, 67.82]
    let figures = values.map { Comparison.PublishedFigure(value: $0, source: "s") }
    let comparison = Comparison(
      columns: values.map { .init("\($0)") },
      rows: [.init(method: "a", labels: "5", scores: values.map { _ in nil }, published: figures)])
    #expect(
      values.indices.map { comparison.publishedText(row: 0, column: $0) }
        == ["0.6782", "0.678", "0.831", "0.65", "1", "0", "0.6782", "0", "67.82"].map { "published \($0) [1]" })
  }

  @Test func withoutPublishedFiguresNoneAreMentioned() {
    let plain = Comparison(
      columns: [.init("auroc")], rows: [.init(method: "a", labels: "5", scores: [Spread(mean: 1)])])
    #expect(!plain.markdown.contains("ublished") && plain.sources.isEmpty)
    #expect(plain.markdown.contains("| a | 5 | 1.000 |"))
  }
}
