import Foundation
import MemeData
import Methods
import Metrics
import Report
import Training

extension BenchmarkReport {
  /// A method with the cell that its curves are of.
  private struct Shown {
    let name: String
    let cell: BenchmarkCell
    let kind: TaskKind
  }

  /// Points of a ROC or precision-recall curve: as many as a chart of its width can show.
  private static let pointLimit = 200
  /// Labels, or classes, of a task that have charts of their own.
  private static let labelLimit = 6

  /// Curves of single cells: how methods rank, how far their probabilities can be believed, and how they learned. They are
  /// of the most labels that all methods have, of the first of the seeds that most have there.
  ///
  /// - Throws: `ScoreFileError` or `TrainingError` where files of a cell are damaged.
  func curves(of group: BenchmarkSummary.Group) throws -> [ReportPage.Block] {
    let rows = group.fullestRows
    guard let first = rows.first else { return [] }
    let seeds = plan.suite.seeds
    let counts = seeds.map { seed in rows.count { $0.seeds.contains(seed) } }
    let seed = seeds[counts.indices.first { counts[$0] == counts.max() } ?? 0]
    let best = summary.ranked(rows).prefix(Self.methodLimit).map(\.row.method)
    let isCut = rows.count > Self.methodLimit
    let shown = rows.filter { !isCut || best.contains($0.method) }.compactMap { row in
      shownCell(of: row, in: group, seed: seed)
    }
    let (scores, labels) = group.split == .test ? try scoreCharts(shown) : ([], nil)
    let (losses, missing) = lossCharts(shown)
    guard !scores.isEmpty || !losses.isEmpty || !missing.isEmpty else { return [] }
    var note = "Curves of single cells: \(group.labelText(at: first.labels)) labels, seed \(seed)"
    if isCut { note += ", the \(best.count) best methods by \(summary.metrics[0].rawValue)" }
    note += "."
    if let labels { note += " \(labels)" }
    if !scores.isEmpty {
      note +=
        " Reliability: each point is a bin of test memes of like confidence, with the standard error of its accuracy."
    }
    if !missing.isEmpty {
      note += " There is no log of the training of \(missing.joined(separator: ", "))."
    }
    return [.note(note), .charts(scores), .charts(losses)]
  }

  /// `nil` where the method has no result at that seed.
  private func shownCell(
    of row: BenchmarkSummary.Row, in group: BenchmarkSummary.Group, seed: UInt64
  ) -> Shown? {
    guard let cell = plan.cell(of: row, in: group, seed: seed),
      let result = outcome.results.first(where: { $0.place == cell.place })
    else { return nil }
    return Shown(name: row.method, cell: cell, kind: result.taskKind)
  }

  /// ROC, precision and recall of each label, or of each class against the rest, and reliability, each a chart of all methods.
  ///
  /// - Returns: The charts, and which labels they are of where those are not all.
  private func scoreCharts(_ shown: [Shown]) throws -> (charts: [any Chart], labels: String?) {
    let scored = try shown.map { method in
      (
        name: method.name,
        memes: try ScoredMemes(ofCell: plan.folder.appending(path: method.cell.path), kind: method.kind)
      )
    }
    guard let first = scored.first?.memes else { return ([], nil) }
    let columns = Self.columns(of: scored.map(\.memes))
    func title(_ name: String, _ column: Int) -> String {
      first.labels.count > 1 ? "\(name), \(first.labels[column])" : name
    }
    let curves = try columns.flatMap { column -> [any Chart] in
      let ranked = try scored.map { (name: $0.name, scores: try $0.memes.columns[column].ranked()) }
      return [
        LineChart.roc(ranked, title: title("ROC", column), pointLimit: Self.pointLimit),
        LineChart.precisionRecall(ranked, title: title("Precision and recall", column), pointLimit: Self.pointLimit),
      ]
    }
    // Labels are decided one by one; of classes a meme is given one.
    let deciders =
      first.kind == .multilabel ? columns.map { ($0, title("Reliability", $0)) } : [(0, "Reliability")]
    let bins = scored.map { (name: $0.name, bins: $0.memes.reliabilities) }
    let reliabilities = deciders.map { column, title in
      LineChart.reliability(bins.map { ($0.name, $0.bins[column]) }, title: title)
    }
    let isCut = columns.count < first.labels.count
    let labels = "Of \(first.labels.count) labels \(columns.count) have curves: those of the most test memes."
    return (curves + reliabilities, isCut ? labels : nil)
  }

  /// The labels that most test memes carry, in the order of the task, of those that some carry and some do not: without both
  /// there is nothing to rank.
  private static func columns(of scored: [ScoredMemes]) -> [Int] {
    let counts = scored.map { memes in memes.labels.indices.map { column in memes.truth.count { $0[column] } } }
    let mixed = scored[0].labels.indices.filter { column in
      zip(scored, counts).allSatisfy { (1..<max(1, $0.truth.count)).contains($1[column]) }
    }
    return mixed.sorted { (counts[0][$1], $0) < (counts[0][$0], $1) }.prefix(labelLimit).sorted()
  }

  /// Loss by epoch, a chart a method and stage, with the names of methods that were trained by epochs and have
  /// no log of it.
  private func lossCharts(_ shown: [Shown]) -> (charts: [any Chart], missing: [String]) {
    var charts: [any Chart] = []
    var missing: [String] = []
    for method in shown where type(of: method.cell.recipe.method).isTrainedByEpochs {
      let file = plan.folder.appending(path: "\(method.cell.path)/log.jsonl")
      // One that is gone or damaged takes no other chart with it; the page names it.
      guard FileManager.default.fileExists(atPath: file.path), let log = try? TrainingLog(file) else {
        missing.append(method.name)
        continue
      }
      for (stage, epochs) in log.epochs.byStage {
        let (first, last) = (epochs[0].loss, epochs[epochs.count - 1].loss)
        charts.append(
          LineChart(
            title: "\(method.name): loss, \(stage)", xLabel: "epoch", yLabel: "loss",
            series: [.init(name: stage, points: epochs.map { ChartPoint(x: Double($0.epoch), y: $0.loss) })],
            remarks: [String(format: "from %.4f to %.4f in \(epochs.count) epochs", first, last)]))
      }
    }
    return (charts, missing)
  }
}
