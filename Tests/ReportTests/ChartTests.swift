import Foundation
import Metrics
import Testing

@testable import Report

/// Charts give the library what the numbers say, leave out what cannot be drawn, and have their numbers behind them.
struct ChartTests {
  /// A chart's options as Foundation reads them.
  private func option(_ chart: any DrawnChart) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Data(chart.drawing.option.scriptText.utf8)) as? [String: Any])
  }

  private func series(_ chart: any DrawnChart) throws -> [[String: Any]] {
    try #require(try option(chart)["series"] as? [[String: Any]])
  }

  private let scores = LineChart(
    title: "auroc against labels", xLabel: "labels, %", yLabel: "auroc",
    series: [
      .init(
        name: "a", points: [.init(x: 5, y: 0.7), .init(x: 10, y: 0.8), .init(x: 30, y: 0.9)],
        deviations: [0.1, 0, 0.05]),
      .init(name: "b", points: [.init(x: 5, y: 0.6)], deviations: [0.02]),
      .init(name: "c", points: [.init(x: 5, y: 0.6), .init(x: 10, y: .nan)], deviations: [0.02, 0.02]),
    ])

  @Test func bandsReachOneDeviationFromTheirCurve() throws {
    let series = try series(scores)
    #expect(
      series.map { $0["type"] as? String } == ["custom", "line", "line", "line"], "one point has no band, nor a gap")
    #expect(series.map { $0["name"] as? String } == ["a", "a", "b", "c"])
    let band = try #require(series[0]["data"] as? [[Double]])
    #expect(band.count == 3)
    for (row, expected) in zip(band, [[5, 0.6, 0.8], [10, 0.8, 0.8], [30, 0.85, 0.95]]) {
      #expect(zip(row, expected).allSatisfy { abs($0 - $1) < 1e-6 }, "\(row)")
    }
    #expect(series[0]["color"] as? String == series[1]["color"] as? String)
    #expect(series[1]["data"] as? [[Double]] == [[5, 0.7], [10, 0.8], [30, 0.9]])
    #expect((series[3]["data"] as? [[Any]])?[1][1] is NSNull, "a value that cannot be drawn leaves a gap")
    #expect(scores.drawing.legend.map(\.name) == ["a", "b", "c"])
  }

  @Test func numbersStandBehindTheChart() {
    #expect(scores.table.columns.map(\.name) == ["curve", "labels, %", "auroc"])
    #expect(scores.table.rows[0] == ["a", "5", "0.700 ± 0.100"] && scores.table.rows.count == 6)
    #expect(scores.summary.hasPrefix("auroc over labels, %. a: from 0.7000 at 5 to 0.9000 at 30; b: from"))
  }

  @Test func longCurvesKeepTheirSpikes() throws {
    var points = (0..<100_000).map { ChartPoint(x: Double($0), y: 0) }
    points[54_321] = ChartPoint(x: 54_321, y: 9)
    points[777] = ChartPoint(x: 777, y: .nan)
    let thinned = points.thinnedIndices.map { points[$0] }
    #expect(thinned.count <= 1000)
    #expect(thinned.first == points.first && thinned.last == points.last)
    #expect(thinned.contains(points[54_321]))
    #expect(thinned.contains { $0.x == 777 })
    #expect(zip(thinned, thinned.dropFirst()).allSatisfy { $0.x < $1.x })
    let long = (0..<2000).map { ChartPoint(x: Double($0), y: 0) }
    let chart = LineChart(
      title: "", xLabel: "x", yLabel: "y",
      series: [.init(name: "a", points: long, deviations: long.map { $0.x / 1000 })])
    for row in chart.table.rows {
      let x = try #require(Double(row[1].replacing(" ", with: "").replacing(",", with: "")))
      #expect(row[2] == "0.000 ± \((x / 1000).fixed(3))", "each point with its own deviation")
    }
  }

  @Test func unitChartsHaveTheirDiagonalAndRemarks() throws {
    let chart = LineChart(
      title: "ROC", xLabel: "x", yLabel: "y",
      series: [.init(name: "a", points: [.init(x: 0, y: 0), .init(x: 1, y: 1)])],
      axes: .unit(diagonal: true), remarks: ["AUROC 0.5000; of few"])
    #expect(try series(chart).map { $0["data"] as? [[Double]] } == [[[0, 0], [1, 1]], [[0, 0], [1, 1]]])
    #expect(try (option(chart)["xAxis"] as? [String: Any])?["max"] as? Double == 1)
    #expect(chart.table.rows == [["a", "AUROC 0.5000; of few"]])
    #expect(chart.drawing.legend.map(\.note) == ["AUROC 0.5000"])
  }

  @Test func dotsHaveWhiskersOfOneDeviation() throws {
    let chart = DotChart(
      title: "Scores", axisLabel: "AUROC",
      rows: [
        .init(name: "a", value: Spread(mean: 0.75, deviation: 0.25, count: 5)),
        .init(name: "b", value: Spread(mean: 0.5)),
        .init(name: "c", value: nil), .init(name: "d", value: Spread(mean: .nan)),
      ])
    let series = try series(chart)
    #expect(series[0]["data"] as? [[Double]] == [[0.5, 1, 0]], "one measurement has no deviation")
    let dots = try #require(series[1]["data"] as? [[String: Any]])
    #expect(dots.map { $0["value"] as? [Double] } == [[0.75, 0], [0.5, 1]])
    #expect(chart.table.rows.map { $0[1] } == ["0.750 ± 0.250", "0.500", "—", "—"])
    #expect(chart.summary == "AUROC. a: 0.750 ± 0.250; b: 0.500; c: no value; d: no value")
  }

  @Test func matricesShadeByRow() throws {
    let chart = MatrixChart(
      title: "Confusion", rows: ["no", "yes"], columns: ["no", "yes"], counts: [[3, 1], [0, 0]])
    let cells = try #require(try series(chart)[0]["data"] as? [[String: Any]])
    #expect(cells.map { $0["value"] as? [Double] } == [[0, 0, 0.75], [1, 0, 0.25], [0, 1, 0], [1, 1, 0]])
    #expect((cells[0]["label"] as? [String: Any])?["formatter"] as? String == "3\n75 %")
    #expect(chart.summary.hasSuffix("no: 3 as no, 1 as yes; yes: 0 as no, 0 as yes"))
    #expect(chart.table.rows == [["no", "3", "1"], ["yes", "0", "0"]])
  }

  @Test func columnsStandOnEachOther() throws {
    let chart = ColumnChart(
      title: "Labels", xLabel: "label", yLabel: "memes", names: ["x", "y"],
      series: [.init(name: "train", counts: [3, 4]), .init(name: "test", counts: [1, 0])], isLying: true)
    let series = try series(chart)
    #expect(series.map { $0["data"] as? [Int] } == [[3, 4], [1, 0]])
    #expect(Set(series.map { $0["stack"] as? String }).count == 1)
    #expect(try (option(chart)["yAxis"] as? [String: Any])?["data"] as? [String] == ["x", "y"])
    #expect(chart.table.rows == [["x", "3", "1"], ["y", "4", "0"]])
  }

  @Test func pointsGoToTheirClass() throws {
    let chart = ScatterChart(
      title: "Map", note: "Two.", divergence: 0.5,
      classes: [.init(name: "a", points: [.init(x: 1, y: 2)]), .init(name: "b", points: [.init(x: 3, y: 4)])])
    #expect(try series(chart).map { $0["data"] as? [[Double]] } == [[[1, 2]], [[3, 4]]])
    #expect(chart.summary == "Two. Divergence 0.50 nats. a: 1 points; b: 1 points")
  }

  @Test func jsonSaysNothingToHTML() throws {
    let hostile = "</script><!--<script> & \u{2028}\u{2029}\u{0}\u{7F}\u{FFFF} \"\\ é 😀"
    let text = JSONValue.object(["k\"<": [.string(hostile), .number(.nan), .number(-0.0), 1e300, 0.1, true, .null]])
      .scriptText
    #expect(text.unicodeScalars.allSatisfy { !"<>&\u{2028}\u{2029}\u{0}\u{7F}\u{FFFF}".unicodeScalars.contains($0) })
    let read = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: [Any]])
    let values = try #require(read["k\"<"])
    #expect(values[0] as? String == hostile)
    #expect(values[1] is NSNull && values[2] as? Double == 0 && values[3] as? Double == 1e300)
    #expect(values[4] as? Double == 0.1 && values[5] as? Bool == true && values[6] is NSNull)
  }
}
