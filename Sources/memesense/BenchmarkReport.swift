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
    try writeAtomically(Data(try page.html(library: library).utf8), to: plan.folder.appending(path: "report.html"))
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
            method: name(of: row), labels: row.labelText, group: "\(row.labels)", scores: row.scores,
            published: row.published.map { figure in figure.map { .init(value: $0.value, source: $0.source) } })
        })
    }
  }

  /// A row's method, and where the suite has more seeds than are there, of how many its means are.
  func name(of row: BenchmarkSummary.Row) -> String {
    let (count, all) = (row.seeds.count, plan.suite.seeds.count)
    return count < all ? "\(row.method) (\(count) of \(all) seeds)" : row.method
  }

  private var markdown: String {
    let tables =
      comparisons.map(\.markdown)
      + (summary.groups.flatMap(tables) + [pretrainingTable].compactMap(\.self) + failures).map(\.markdown)
    let details = provenance.details.map { "- \($0.name.markdown): \($0.value.markdown)" }
    return """
      # \(plan.suite.title.markdown)

      \(findings.map(\.markdown).joined(separator: "\n\n"))

      \(tables.joined(separator: "\n"))
      ## Where these numbers come from

      - command: \(provenance.command.markdownCode)
      - date: \(provenance.date.formatted(.iso8601))
      - machine: \(provenance.machine.markdown)
      - seeds: \(provenance.seeds.map(String.init).joined(separator: ", "))
      \(details.joined(separator: "\n"))

      """
  }

  // MARK: The page

  private var page: ReportPage {
    get throws {
      let tasks = try zip(summary.groups, comparisons).map { try section(of: $0, $1) }
      let others: [ReportPage.Section] = [
        .init("Pretrainings", pretrainingTable.map { [.charts(pretrainingCharts), .table($0)] } ?? []),
        .init("What is missing", failures.map { .table($0) }),
      ]
      let change = ReportPage.NextStep(
        purpose: "Change what is measured", command: "memesense benchmark show \(shippedName) > mine.yaml")
      return ReportPage(
        title: plan.suite.title, summary: findings.joined(separator: "\n"), sections: tasks + others,
        nextSteps: bestCells + inspections + [change], provenance: provenance)
    }
  }

  private func section(of group: BenchmarkSummary.Group, _ comparison: Comparison) throws -> ReportPage.Section {
    var blocks: [ReportPage.Block] = [.charts(charts(of: group)), .comparison(comparison)]
    blocks += tables(of: group).map { ReportPage.Block.table($0) }
    blocks += try curves(of: group)
    return ReportPage.Section("\(group.name), \(group.split.rawValue) split", blocks)
  }

  /// For each task the whole page of the best method at the most labels, of the first of its seeds.
  private var bestCells: [ReportPage.NextStep] {
    summary.groups.compactMap { group in
      guard let best = summary.leads(in: group).last?.best.row, let seed = best.seeds.first,
        let cell = plan.cell(of: best, in: group, seed: seed)
      else { return nil }
      let run = "\(plan.folder.relativePath)/\(cell.path)"
      let split = group.split == .test ? "" : " --split \(group.split.rawValue)"
      return ReportPage.NextStep(
        purpose: "See what \(best.method) says of the memes of \(group.name), \(best.labelText) labels, seed \(seed)",
        command: "memesense evaluate \(run.shellQuoted)\(split) --report \("\(run).html".shellQuoted)")
    }
  }

  /// For each dataset the page of what its memes, labels and words are like.
  private var inspections: [ReportPage.NextStep] {
    datasets.map { name, folder in
      let page = "\(plan.folder.relativePath)/data-\(name.replacing("/", with: "-")).html"
      return ReportPage.NextStep(
        purpose: "See labels, sizes and words of \(name)",
        command: "memesense data inspect \(folder.shellQuoted) --report \(page.shellQuoted)")
    }
  }

  /// The folders of the datasets by their names.
  private var datasets: [(key: String, value: String)] {
    let folders =
      plan.cells.map { ($0.place.dataset, $0.recipe.data ?? "") }
      + plan.pretrainings.flatMap { zip($0.datasets, $0.recipe.data) }
    return Dictionary(folders) { first, _ in first }.sorted { $0.key < $1.key }
  }

  private var shippedName: String { (try? SuiteLibrary.names.contains(plan.name)) == true ? plan.name : "harmeme" }

  private var provenance: ReportPage.Provenance {
    var details = datasets.map { (name: "data \($0.key)", value: $0.value) }
    details.append(("encoders", Set(plan.cells.map(\.place.encoder)).sorted().joined(separator: ", ")))
    if !plan.absent.isEmpty { details.append(("not at hand", plan.absent.joined(separator: ", "))) }
    details.append(
      (
        "cells",
        "\(outcome.results.count) of \(plan.cells.count), \(outcome.keptCount) of them from an earlier call; \(jobs) at once"
      ))
    details.append(("±", "standard deviation over seeds, divisor n − 1"))
    return ReportPage.Provenance(
      command: command.shellCommand, date: Date(), machine: Machine.summary,
      seeds: plan.suite.seeds.map { Int($0) }, details: details)
  }

  /// Who is best at the fewest labels and at the most: one text a task.
  private var findings: [String] {
    let texts = summary.groups.map { group -> String in
      let leads = summary.leads(in: group)
      guard !leads.isEmpty else {
        return "\(group.name): no method has a value of \(summary.metrics[0].rawValue), which ranks them."
      }
      return leads.map { "\(group.name), \($0.best.row.labelText) labels: \(sentence(of: $0))." }.joined(separator: " ")
    }
    // A deviation stays on the line of its mean.
    return texts.isEmpty ? ["No cell has a result."] : texts.map { $0.replacing(" ± ", with: "\u{A0}±\u{A0}") }
  }

  private func sentence(of lead: BenchmarkSummary.Lead) -> String {
    let (best, metric) = (lead.best, summary.metrics[0].rawValue)
    let sentence = "\(best.row.method) has the best \(metric), \(best.score.formatted())"
    guard let next = lead.next else { return sentence }
    let certainty = lead.holds.map { $0 ? "; the lead holds over test memes" : "; the lead is not sure" } ?? ""
    return "\(sentence), ahead of \(next.row.method) (\(next.score.formatted())\(certainty))"
  }

  /// Methods that a chart can hold; where there are more, each method has charts of its own for what it learns on or starts
  /// from.
  static let methodLimit = 16

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
