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
    let scores = group.split == .test ? try scoreCharts(shown) : []
    let (losses, missing) = lossCharts(shown)
    guard !scores.isEmpty || !losses.isEmpty || !missing.isEmpty else { return [] }
    var note = "Curves of single cells: \(group.labelText(at: first.labels)) labels, seed \(seed)"
    if isCut { note += ", the \(best.count) best methods by \(summary.metrics[0].rawValue)" }
    note += "."
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

  /// ROC, precision and recall of a binary task, reliability of one that is decided once a meme. Of several labels each
  /// would need charts of its own.
  private func scoreCharts(_ shown: [Shown]) throws -> [any Chart] {
    let scored = try shown.map { method in
      (
        name: method.name,
        memes: try ScoredMemes(ofCell: plan.folder.appending(path: method.cell.path), kind: method.kind)
      )
    }
    let ranked = try scored.filter { $0.memes.kind == .binary }.map { name, memes in
      (
        name: name,
        scores: try RankedScores(truth: memes.truth.map { $0[0] }, scores: memes.probabilities.map { $0[0] })
      )
    }
    let reliabilities = scored.compactMap { name, memes in memes.reliability.map { (name: name, bins: $0) } }
    var charts: [any Chart] = []
    if !ranked.isEmpty {
      charts.append(LineChart.roc(ranked, pointLimit: Self.pointLimit))
      charts.append(LineChart.precisionRecall(ranked, pointLimit: Self.pointLimit))
    }
    if !reliabilities.isEmpty { charts.append(LineChart.reliability(reliabilities)) }
    return charts
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
