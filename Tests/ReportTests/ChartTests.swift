import Foundation
import Metrics
import Testing

@testable import Report

/// Charts put marks where the numbers say, and survive numbers that cannot be drawn.
struct ChartTests {
  @Test func barsAndWhiskersAreInProportion() throws {
    let chart = BarChart(
      title: "Scores", axisLabel: "AUROC",
      groups: [
        .init(
          name: "5 %",
          bars: [
            .init(name: "a", value: Spread(mean: 0.7, deviation: 0.05, count: 5)),
            .init(name: "b", value: Spread(mean: 0.9)), .init(name: "c", value: nil),
          ])
      ], origin: 0.5)
    let svg = try parse(chart.svg(id: "x"))
    let bars = svg.all("rect", class: "bar")
    #expect(bars.count == 2)
    #expect(abs(bars[1].number("width") / bars[0].number("width") - 2) < 0.01)
    #expect(bars[0].attributes["class"] == "bar s0" && bars[1].attributes["class"] == "bar s1")
    let whisker = try #require(svg.all("line", class: "whisker").first)
    let length = whisker.number("x2") - whisker.number("x1")
    #expect(abs(length / bars[0].number("width") - 0.5) < 0.01)
    let end = bars[0].number("x") + bars[0].number("width")
    #expect(abs((whisker.number("x1") + whisker.number("x2")) / 2 - end) < 0.11)
    #expect(svg.all("text", class: "value").map(\.text) == ["0.700 ± 0.050", "0.900"])
    #expect(svg.all("text", class: "label").map(\.text) == ["a", "b", "c", "—"])
    #expect(svg.all("text", class: "tick").map(\.text) == ["0.5", "0.6", "0.7", "0.8", "0.9"])
    #expect(svg.attributes["aria-labelledby"] == "x-title x-desc")
    #expect(svg.all("title").first?.text == "Scores")
    #expect(svg.all("desc").first?.text == "AUROC. a at 5 %: 0.700 ± 0.050; b at 5 %: 0.900; c at 5 %: no value")
  }

  private func points(_ polyline: Element) -> [(x: Double, y: Double)] {
    (polyline.attributes["points"] ?? "").split(separator: " ").map { pair in
      let numbers = pair.split(separator: ",").map { Double($0) ?? .nan }
      return (numbers[0], numbers[1])
    }
  }

  @Test func curvesBreakAtMissingValues() throws {
    let values = [4, 2, .nan, 0, .infinity, 1]
    let chart = LineChart(
      title: "Loss", xLabel: "epoch", yLabel: "loss",
      series: [.init(name: "training", points: values.enumerated().map { ChartPoint(x: Double($0), y: $1) })])
    let svg = try parse(chart.svg(id: "x"))
    let curves = svg.all("polyline").map(points)
    #expect(curves.map(\.count) == [2, 1, 1])
    // Down the page is less: 4 is at the top, 0 at the bottom, 2 halfway.
    let (top, middle, bottom) = (curves[0][0].y, curves[0][1].y, curves[1][0].y)
    #expect(abs(bottom - top - 200) < 0.11 && abs((top + bottom) / 2 - middle) < 0.11)
    #expect(svg.all("text", class: "name").map(\.text) == ["epoch", "loss"])
    #expect(svg.all("text", class: "label").map(\.text) == ["training"])
  }

  @Test func longCurvesKeepTheirSpikes() throws {
    var points = (0..<100_000).map { ChartPoint(x: Double($0), y: 0) }
    points[54_321] = ChartPoint(x: 54_321, y: 9)
    points[777] = ChartPoint(x: 777, y: .nan)
    let thinned = points.thinned()
    #expect(thinned.count <= 1000)
    #expect(thinned.first == points.first && thinned.last == points.last)
    #expect(thinned.contains(points[54_321]))
    #expect(thinned.contains { $0.x == 777 })
    #expect(zip(thinned, thinned.dropFirst()).allSatisfy { $0.x < $1.x })
  }

  @Test func rocCurveRunsFromCornerToCorner() throws {
    let ranked = try RankedScores(truth: [true, false, true, false], scores: [0.9, 0.5, 0.5, 0.1])
    let oneClass = try RankedScores(truth: [true], scores: [0.5])
    let chart = ROCChart(
      title: "ROC", curves: [.init(name: "semimemes", scores: ranked), .init(name: "none", scores: oneClass)])
    let svg = try parse(chart.svg(id: "x"))
    #expect(svg.all("text", class: "label").map(\.text) == ["semimemes · 0.875", "none · —"])
    let curves = svg.all("polyline")
    #expect(curves.count == 2)
    let (chance, curve) = (points(curves[0]), points(curves[1]))
    #expect(curve.count == 4)
    #expect(curve.first?.x == chance.first?.x && curve.first?.y == chance.first?.y)
    #expect(curve.last?.x == chance.last?.x && curve.last?.y == chance.last?.y)
    #expect(chart.summary.hasSuffix("AUROC: semimemes 0.8750; none —"))
  }

  @Test func confusionCellsShadeByRow() throws {
    let chart = ConfusionChart(title: "Confusion", labels: ["no", "yes"], counts: [[3, 1], [0, 0]])
    let svg = try parse(chart.svg(id: "x"))
    #expect(svg.all("rect", class: "shade").map { $0.number("fill-opacity") } == [0.375, 0.125, 0, 0])
    #expect(svg.all("text", class: "count").map(\.text) == ["3", "1", "0", "0"])
    #expect(svg.all("text", class: "share").map(\.text) == ["75 %", "25 %", "0 %", "0 %"])
    #expect(chart.summary.hasSuffix("no: 3 as no, 1 as yes; yes: 0 as no, 0 as yes"))
  }

  @Test func axesHaveRoundTicks() {
    let loss = Axis("loss", covering: [0.12, 1.02])
    #expect(loss.ticks.map(loss.text) == ["0.00", "0.25", "0.50", "0.75", "1.00", "1.25"])
    let steps = Axis("step", covering: [0, 14_400])
    #expect(steps.ticks.map(steps.text) == ["0", "5000", "10000", "15000"])
    #expect(steps.position(7500) == 0.5)
    let constant = Axis("loss", covering: [2, 2])
    #expect(constant.lower < 2 && constant.upper > 2)
  }

  @Test(arguments: [
    [], [.nan], [.infinity, -.infinity], [1e308, -1e308], [1e100, -1e100], [0, .leastNonzeroMagnitude], [1e-90, 3e-90],
    [1, 1.nextUp], [1e15, 1e15 + 1], [-3, -3],
  ])
  func axesSurviveAnyNumbers(values: [Double]) {
    let axis = Axis("x", covering: values)
    #expect(axis.lower.isFinite && axis.upper.isFinite && axis.lower < axis.upper)
    #expect((2...7).contains(axis.ticks.count))
    for value in values where Axis.isDrawable(value) {
      #expect((-1e-6...1 + 1e-6).contains(axis.position(value)))
    }
    #expect(axis.ticks.allSatisfy { axis.text($0).count < 12 })
  }
}
