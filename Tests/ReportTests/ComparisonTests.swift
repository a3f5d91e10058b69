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
        | semimemes | 5 % (151) | **0.770 ± 0.020**<br>published 0.901 [1] | 0.220 ± 0.028 |
        | a\\|b | 5 % (151) | 0.700<br>published 0.650 [2] | —<br>published 0.100 [1] |
        | semimemes | 10 % (301) | 0.800 | 0.100 |

        Bold: the best mean at that number of labels. ±: one deviation over the seeds.

        [1] Published, not measured here: a paper, table 3.

        [2] Published, not measured here: a \\<slide\\>.

        """)
  }

  @Test func thePageMarksPublishedFigures() throws {
    let page = ReportPage(
      title: "t", summary: "s", comparisons: [comparison],
      tables: [
        PlainTable(
          title: "Sure?", columns: [.init("labels"), .init("p", isNumber: true)], rows: [["5 %", "< 0.001"]],
          note: "Read it so.")
      ], provenance: .init(command: "c", date: Date(), machine: "m", seeds: []))
    let root = try parse(page.html())
    #expect(
      root.all("span", class: "published").map(\.text) == [
        "published 0.901 [1]", "published 0.650 [2]", "published 0.100 [1]",
      ])
    // A published figure beside it does not keep the measured one from being the best.
    #expect(root.all("td", class: "best").map(\.text) == ["0.770 ± 0.020published 0.901 [1]"])
    let notes = root.all("p", class: "note").map(\.text)
    #expect(
      notes[0].hasSuffix(
        "[1] Published, not measured here: a paper, table 3.[2] Published, not measured here: a <slide>."))
    #expect(notes[1] == "Read it so.")
    #expect(root.all("tbody").map { $0.children.map { $0.children.map(\.text) } }.last == [["5 %", "< 0.001"]])
    #expect(root.all("td", class: "number").last?.text == "< 0.001")
  }

  @Test func withoutPublishedFiguresNoneAreMentioned() {
    let plain = Comparison(
      columns: [.init("auroc")], rows: [.init(method: "a", labels: "5", scores: [Spread(mean: 1)])])
    #expect(!plain.markdown.contains("ublished") && plain.sources.isEmpty)
    #expect(plain.markdown.contains("| a | 5 | 1.000 |"))
  }

  @Test func bandsReachOneDeviationFromTheirCurve() throws {
    let chart = LineChart(
      title: "auroc against labels", xLabel: "labels, %", yLabel: "auroc",
      series: [
        .init(
          name: "a", points: [ChartPoint(x: 5, y: 0.7), ChartPoint(x: 10, y: 0.8), ChartPoint(x: 30, y: 0.9)],
          deviations: [0.1, 0, 0.05]),
        .init(name: "b", points: [ChartPoint(x: 5, y: 0.6)], deviations: [0.02]),
        .init(name: "c", points: [ChartPoint(x: 5, y: 0.6), ChartPoint(x: 10, y: .nan)], deviations: [0.02, 0.02]),
      ])
    let svg = try parse(chart.svg(id: "x"))
    #expect(
      svg.all("desc").first?.text.hasPrefix("auroc over labels, %. a: 0.700 ± 0.100 at 5, 0.800 ± 0.000 at 10") == true)
    let bands = svg.all("polygon", class: "band")
    #expect(bands.count == 1, "one point has no band, nor has a curve with a gap")
    let points = try #require(bands.first?.attributes["points"]).split(separator: " ").map { pair in
      pair.split(separator: ",").map { Double($0) ?? .nan }
    }
    #expect(points.count == 6)
    let dots = svg.all("circle", class: "dot")
    #expect(dots.count == 5)
    let heights = dots.prefix(3).map { $0.number("cy") }
    // Axes are linear: 0.1 AUROC lies between the first two points.
    let unit = (heights[0] - heights[1]) / 0.1
    for (index, deviation) in [0.1, 0, 0.05].enumerated() {
      #expect(abs(points[index][0] - dots[index].number("cx")) < 0.11)
      #expect(abs(heights[index] - points[index][1] - deviation * unit) < 0.21)
      #expect(abs(points[5 - index][1] - heights[index] - deviation * unit) < 0.21)
    }
    let curve = svg.all.firstIndex { $0.attributes["class"] == "curve s0" && $0.name == "polyline" }
    let band = svg.all.firstIndex { $0.name == "polygon" }
    #expect(try #require(band) < #require(curve), "bands lie below curves")
  }
}
