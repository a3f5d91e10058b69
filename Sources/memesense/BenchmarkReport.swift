import Checkpoints
import Foundation
import MemeData
import Metrics
import Report
import Training

/// `table.md` and `report.html` of a benchmark.
struct BenchmarkReport {
  let plan: BenchmarkPlan
  let outcome: BenchmarkRun.Outcome
  let summary: BenchmarkSummary
  let jobs: Int
  let command: [String]
  let library: ChartLibrary

  func write() throws {
    try writeAtomically(Data(markdown.utf8), to: plan.folder.appending(path: "table.md"))
    try writeAtomically(Data(page.html(library: library).utf8), to: plan.folder.appending(path: "report.html"))
  }

  // MARK: Tables

  /// One table a task: methods by number of labels.
  var comparisons: [Comparison] {
    summary.groups.map { group in
      Comparison(
        title: "\(group.name), \(group.split.rawValue) split",
        columns: summary.metrics.map { Comparison.Column($0.rawValue, isHigherBetter: $0.isHigherBetter) },
        rows: group.rows.map { row in
          Comparison.Row(
            method: row.method, labels: row.labelText, scores: row.scores,
            published: row.published.map { figure in figure.map { .init(value: $0.value, source: $0.source) } })
        })
    }
  }

  /// What stands below a task's comparison.
  private func tables(of group: BenchmarkSummary.Group) -> [PlainTable] {
    [deduplicated(group), significance(group), controls(group)].compactMap { $0 }.filter { !$0.rows.isEmpty }
  }

  /// The best method against each other one.
  private func significance(_ group: BenchmarkSummary.Group) -> PlainTable {
    differences(
      "Is the best better than the rest? \(group.name)", between: ("best", "against"),
      rows: group.comparisons.map { ($0.labels, $0.best, $0.other, $0.auroc, $0.seedCount) }, of: group,
      note: "Paired differences of test AUROC, positive where the best is better, with percentile intervals of 2000 "
        + "bootstrap resamples: of the test memes with the trained models as they are (p is of no difference), and "
        + "of the seeds with the memes as they are, which is coarse for few seeds. The best was chosen by the same "
        + "scores and nothing is corrected for the number of comparisons, so p is on the low side.")
  }

  /// What stands on a pretraining against the same on the networks that it began as.
  private func controls(_ group: BenchmarkSummary.Group) -> PlainTable {
    differences(
      "What does pretraining bring? \(group.name)", between: ("method", "control"),
      rows: (group.controls ?? []).map { ($0.labels, $0.method, $0.control, $0.auroc, $0.seedCount) }, of: group,
      note: "Paired differences of test AUROC to the same method on untrained networks with the weights that the "
        + "pretraining began at, positive where pretraining helps; intervals as above, nothing corrected for the number "
        + "of comparisons.")
  }

  private func differences(
    _ title: String, between names: (String, String),
    rows: [(labels: Double, first: String, second: String, auroc: PairedComparison, seedCount: Int)],
    of group: BenchmarkSummary.Group, note: String
  ) -> PlainTable {
    PlainTable(
      title: title,
      columns: [
        .init("labels", isNumber: true), .init(names.0, isName: true), .init(names.1, isName: true),
        .init("difference", isNumber: true),
        .init("95 % over memes", isNumber: true), .init("p", isNumber: true),
        .init("95 % over seeds", isNumber: true), .init("seeds", isNumber: true),
      ],
      rows: rows.map { row in
        [
          group.rows.first { $0.labels == row.labels }?.labelText ?? "", row.first, row.second,
          Self.signed(row.auroc.difference), Self.text(row.auroc.memes),
          row.auroc.memes.map { Self.text(p: $0.pValue) } ?? "—", Self.text(row.auroc.seeds), "\(row.seedCount)",
        ]
      }, note: note)
  }

  /// Official scores beside those without the test memes that leak; `nil` where none does.
  private func deduplicated(_ group: BenchmarkSummary.Group) -> PlainTable? {
    guard group.split == .test, let leaked = group.rows.first?.leakedTestMemes, leaked > 0 else { return nil }
    return PlainTable(
      title: "Without the test memes that leak, \(group.name)",
      columns: [.init("labels", isNumber: true), .init("method", isName: true)]
        + summary.metrics.flatMap { metric -> [PlainTable.Column] in
          [.init(metric.rawValue, isNumber: true), .init("de-duplicated", isNumber: true)]
        },
      rows: group.rows.map { row in
        [row.labelText, row.method]
          + zip(row.scores, row.deduplicated).flatMap { [$0, $1].map { $0?.formatted() ?? "—" } }
      },
      note: "\(leaked) test memes show the same as a training or validation meme (PDQ hashes at most 31 of 256 bits "
        + "apart, or equal files): models may have seen them. The official score counts them, the de-duplicated one "
        + "does not.")
  }

  private var failures: [PlainTable] { [failedPretrainings, failedCells].compactMap(\.self) }

  private var failedCells: PlainTable? {
    guard !outcome.failures.isEmpty else { return nil }
    return PlainTable(
      title: "Cells without a result", columns: [.init("cell"), .init("reason")],
      rows: outcome.failures.map { ["\($0.cell.place)", $0.reason] }, note: "The same command tries them again.")
  }

  private static func signed(_ value: Double) -> String { String(format: "%+.3f", value).replacing("-", with: "−") }

  private static func text(_ interval: BootstrapInterval?) -> String {
    interval.map { "\(signed($0.lower)) … \(signed($0.upper))" } ?? "—"
  }

  private static func text(p value: Double) -> String { value < 0.001 ? "< 0.001" : String(format: "%.3f", value) }

  private var markdown: String {
    let tables =
      comparisons.map(\.markdown)
      + (summary.groups.flatMap(tables) + [pretrainingTable].compactMap(\.self) + failures).map(\.markdown)
    let details = provenance.details.map { "- \($0.name): \($0.value)" }
    return """
      # \(plan.suite.title)

      \(finding)

      \(tables.joined(separator: "\n"))
      ## Where these numbers come from

      - command: `\(provenance.command)`
      - date: \(provenance.date.formatted(.iso8601))
      - machine: \(provenance.machine)
      - seeds: \(provenance.seeds.map(String.init).joined(separator: ", "))
      \(details.joined(separator: "\n"))

      """
  }

  // MARK: The page

  private var page: ReportPage {
    ReportPage(
      title: plan.suite.title, summary: finding,
      sections: zip(summary.groups, comparisons).map { group, comparison in
        .init(
          "\(group.name), \(group.split.rawValue) split",
          [.charts(charts(of: group)), .comparison(comparison)] + tables(of: group).map { .table($0) })
      } + [
        .init(
          "Pretrainings",
          pretrainingTable.map { [.charts(pretrainingCharts), .table($0)] } ?? []),
        .init("What is missing", failures.map { .table($0) }),
      ],
      nextSteps: [
        .init(
          purpose: "Score one cell again",
          command: "memesense evaluate \(plan.folder.relativePath)/\(plan.cells.first?.path ?? "")"),
        .init(purpose: "Change what is measured", command: "memesense benchmark show \(shippedName) > mine.yaml"),
      ],
      provenance: provenance)
  }

  private var shippedName: String { (try? SuiteLibrary.names.contains(plan.name)) == true ? plan.name : "harmeme" }

  private var provenance: ReportPage.Provenance {
    let folders =
      plan.cells.map { ($0.place.dataset, $0.recipe.data ?? "") }
      + plan.pretrainings.flatMap { zip($0.datasets, $0.recipe.data) }
    let data = Dictionary(folders) { first, _ in first }
    var details = data.sorted { $0.key < $1.key }.map { (name: "data \($0.key)", value: $0.value) }
    details.append(("encoders", Set(plan.cells.map(\.place.encoder)).sorted().joined(separator: ", ")))
    if !plan.absent.isEmpty { details.append(("not in the hub's cache", plan.absent.joined(separator: ", "))) }
    details.append(
      (
        "cells",
        "\(outcome.results.count) of \(plan.cells.count), \(outcome.keptCount) of them from an earlier call; \(jobs) at once"
      ))
    details.append(("±", "standard deviation over seeds, divisor n − 1"))
    return ReportPage.Provenance(
      command: command.joined(separator: " "), date: Date(), machine: Machine.summary,
      seeds: plan.suite.seeds.map { Int($0) }, details: details)
  }

  /// Who leads, task by task, at the fewest labels.
  private var finding: String {
    let metric = summary.metrics[0]
    let sentences = summary.groups.compactMap { group -> String? in
      guard let rows = group.rowsByLabels.first else { return nil }
      let ranked = rows.compactMap { row in row.scores[0].map { (row, $0) } }
        .sorted { metric.isHigherBetter ? $0.1.mean > $1.1.mean : $0.1.mean < $1.1.mean }
      guard let (best, score) = ranked.first else { return nil }
      let next = ranked.dropFirst().first.map { ", then \($0.0.method) \($0.1.formatted())" } ?? ""
      return "\(group.name), \(best.labelText) labels: \(best.method) leads with \(metric.rawValue) "
        + "\(score.formatted())\(next)."
    }
    // A deviation stays on the line of its mean.
    return sentences.isEmpty
      ? "No cell has a result." : sentences.joined(separator: " ").replacing(" ± ", with: "\u{A0}±\u{A0}")
  }

  /// Methods that a chart can hold; where there are more, each method has charts of its own for what it learns on or starts
  /// from.
  private static let methodLimit = 12

  /// The first two metrics against the labels, with bands of one deviation; one row a method where there is one number
  /// of labels.
  private func charts(of group: BenchmarkSummary.Group) -> [any Chart] {
    let metrics = Array(summary.metrics.prefix(2).enumerated())
    guard group.rows.map(\.method).unique.count > Self.methodLimit else {
      return metrics.map { chart($1, column: $0, of: group.rows) }
    }
    return group.rows.map(\.family).unique.flatMap { family in
      let rows = group.rows.filter { $0.family == family }
      return metrics.map { chart($1, column: $0, of: rows, family: family) }
    }
  }

  /// A metric of rows.
  ///
  /// - Parameter family: Their method, where they share it: it stands in the title, not in each name.
  private func chart(
    _ metric: Metric, column: Int, of rows: [BenchmarkSummary.Row], family: String? = nil
  ) -> any Chart {
    let title = family.map { ", \($0)" } ?? ""
    func name(_ method: String) -> String {
      guard let family, method != family else { return method }
      return method.replacing("\(family) · ", with: "", maxReplacements: 1)
    }
    guard Set(rows.map(\.labels)).count > 1 else {
      return DotChart(
        title: "\(metric.rawValue)\(title)", axisLabel: metric.rawValue,
        rows: rows.map { .init(name: name($0.method), value: $0.scores[column]) })
    }
    let isShare = rows.allSatisfy { $0.labels <= 1 }
    return LineChart(
      title: "\(metric.rawValue) against labels\(title)",
      xLabel: isShare ? "labelled training memes, %" : "labelled training memes", yLabel: metric.rawValue,
      series: rows.map(\.method).unique.map { method in
        let points = rows.filter { $0.method == method }.compactMap { row in
          row.scores[column].map { (isShare ? row.labels * 100 : Double(row.labelled), $0) }
        }.sorted { $0.0 < $1.0 }
        return LineChart.Series(
          name: name(method), points: points.map { ChartPoint(x: $0.0, y: $0.1.mean) },
          deviations: points.map(\.1.deviation))
      })
  }
}

extension [String] {
  /// Each once, in the order of their first places.
  fileprivate var unique: [String] { reduce(into: []) { if !$0.contains($1) { $0.append($1) } } }
}
