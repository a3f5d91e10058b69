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
    let (scores, labelNote) = group.split == .test ? try scoreCharts(shown) : ([], nil)
    let (losses, missing) = lossCharts(shown)
    guard !scores.isEmpty || !losses.isEmpty || !missing.isEmpty else { return [] }
    var note = "Curves of single cells: \(group.labelText(at: first.labels)) labels, seed \(seed)"
    if isCut { note += ", the \(best.count) best methods by \(summary.metrics[0].rawValue)" }
    note += "."
    if let labelNote { note += " \(labelNote)" }
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
  /// - Returns: The charts, and which labels have some where not all have.
  private func scoreCharts(_ shown: [Shown]) throws -> (charts: [any Chart], note: String?) {
    let scored = try shown.map { method in
      (
        name: method.name,
        memes: try ScoredMemes(ofCell: plan.folder.appending(path: method.cell.path), kind: method.kind)
      )
    }
    guard let first = scored.first?.memes else { return ([], nil) }
    func title(_ name: String, _ column: Int) -> String {
      first.labels.count > 1 ? "\(name), \(first.labels[column])" : name
    }
    // Where all or none are of a label there is nothing to rank.
    let ranked = first.labels.indices.filter { column in
      scored.allSatisfy { _, memes in Set(memes.truth.map { $0[column] }).count == 2 }
    }
    let frequent = Self.mostFrequent(ranked, in: first)
    let columns = scored.map { (name: $0.name, columns: $0.memes.columns) }
    let curves = try frequent.flatMap { column -> [any Chart] in
      let ranked = try columns.map { (name: $0.name, scores: try $0.columns[column].ranked()) }
      return [
        LineChart.roc(ranked, title: title("ROC", column), pointLimit: Self.pointLimit),
        LineChart.precisionRecall(ranked, title: title("Precision and recall", column), pointLimit: Self.pointLimit),
      ]
    }
    // Labels are decided one by one; of classes a meme is given one.
    let decided = first.kind == .multilabel ? Self.mostFrequent(Array(first.labels.indices), in: first) : [0]
    let bins = scored.map { (name: $0.name, bins: $0.memes.reliabilities) }
    let reliabilities = decided.map { column in
      LineChart.reliability(
        bins.map { ($0.name, $0.bins[column]) },
        title: first.kind == .multilabel ? title("Reliability", column) : "Reliability")
    }
    var notes: [String] = []
    if ranked.count < first.labels.count {
      let names = first.labels.indices.filter { !ranked.contains($0) }.map { first.labels[$0] }
      notes.append("All test memes or none are \(names.joined(separator: ", ")): there is nothing to rank.")
    }
    if first.labels.count > Self.labelLimit {
      notes.append("Of \(first.labels.count) labels those of the most test memes have curves.")
    }
    return (curves + reliabilities, notes.isEmpty ? nil : notes.joined(separator: " "))
  }

  /// Those labels that most test memes carry, at most ``labelLimit``, by their names.
  private static func mostFrequent(_ columns: [Int], in scored: ScoredMemes) -> [Int] {
    let counts = scored.labels.indices.map { column in scored.truth.count { $0[column] } }
    return columns.sorted { (counts[$1], $0) < (counts[$0], $1) }.prefix(labelLimit).sorted()
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
