import Foundation
import Metrics
import Report
import Training

/// The page of `memesense label simulate --output`.
struct SimulationReport {
  let result: SimulationResult
  /// The dataset's folder.
  let data: URL

  private var points: [LabelSimulation.Point] { result.points }
  private var settings: LabelSimulation.Settings { result.settings }
  private var metric: String { settings.metric.rawValue }

  var page: ReportPage {
    ReportPage(
      title: "Orders of asking for labels: \(result.dataset), \(result.task)",
      summary: result.finding ?? "Without the order 'random' there is nothing to compare with.",
      sections: [
        .init("Scores by number of labels", [.charts(charts), .note(Self.chartNote), .table(scores)]),
        .init("Labels that an order saves", [needs].compactMap { $0.map { .table($0) } }),
      ],
      nextSteps: [
        .init(
          purpose: "Label your own memes: after a training, the page asks in the order 'ours'",
          command: "memesense label labels.sqlite --data PATH --task TASK")
      ],
      provenance: .init(
        command: CommandLine.arguments.shellCommand, date: Date(), machine: Machine.summary,
        seeds: settings.seeds.map { Int($0) },
        details: [
          ("data", "\(data.path), task \(result.task)"), ("method", result.method), ("encoder", result.encoder),
          ("pool", "\(result.pool) labelled training memes, scored on the test split"),
          ("±", "standard deviation over seeds, divisor n − 1"),
        ]))
  }

  // MARK: Charts

  private static let chartNote =
    "A model is trained anew after each batch; bands are one standard deviation over seeds. Differences are those of runs "
    + "with the same seed."

  private var charts: [any Chart] {
    let curves = chart("\(metric) against labels", metric, settings.strategies) { points.spread($0, labels: $1) }
    guard settings.strategies.contains(.random), !result.rivals.isEmpty else { return [curves] }
    // Random is the line at 0; with it every order has the colour of the other chart.
    let differences = chart("Difference from random", "difference of \(metric)", settings.strategies) {
      points.difference(of: $0, from: .random, labels: $1)
    }
    return [curves, differences]
  }

  private func chart(
    _ title: String, _ yLabel: String, _ strategies: [QueryStrategy],
    _ spread: (QueryStrategy, _ labels: Int) -> Spread?
  ) -> LineChart {
    LineChart(
      title: title, xLabel: "labelled training memes", yLabel: yLabel,
      series: strategies.map { strategy in
        let found = settings.steps.compactMap { labels in spread(strategy, labels).map { (Double(labels), $0) } }
        return LineChart.Series(
          name: strategy.rawValue, points: found.map { ChartPoint(x: $0.0, y: $0.1.mean) },
          deviations: found.map(\.1.deviation))
      })
  }

  // MARK: Tables

  private var scores: PlainTable {
    PlainTable(
      title: metric,
      columns: [.init("labels", isNumber: true)] + settings.strategies.map { .init($0.rawValue, isNumber: true) },
      rows: settings.steps.map { labels in
        ["\(labels)"] + settings.strategies.map { points.spread($0, labels: labels)?.formatted() ?? "—" }
      })
  }

  /// For each number of labels by chance how many each order needs for the same; `nil` where random is not among them.
  private var needs: PlainTable? {
    guard settings.strategies.contains(.random), !result.rivals.isEmpty else { return nil }
    let rows = settings.steps.compactMap { labels -> [String]? in
      guard let target = points.spread(.random, labels: labels) else { return nil }
      return ["\(labels)", target.formatted()]
        + result.rivals.map { strategy in
          result.needed(by: strategy, for: target, with: labels) ?? "—"
        }
    }
    return PlainTable(
      title: "Labels needed for what random reaches",
      columns: [.init("labels, random", isNumber: true), .init(metric, isNumber: true)]
        + result.rivals.map { .init($0.rawValue, isNumber: true) },
      rows: rows,
      note:
        "The fewest labels, of those that were scored, with which an order's mean is at least as good as random's with "
        + "the labels on the left; — where none of them is. Means of few seeds, so a row alone says little.")
  }
}
