import Checkpoints
import Foundation
import MemeData
import Metrics
import Report
import Training

/// `report.html` of one run: its scores, its curves and some of its test memes.
struct RunReport {
  let run: TrainingRun
  let outcome: TrainingRun.Outcome
  let command: [String]

  func write() throws {
    try writeAtomically(Data(page().html().utf8), to: run.folder.appending(path: "report.html"))
  }

  private func page() throws -> ReportPage {
    let summary = outcome.summary
    let method = outcome.recipe.methodName
    let columns: [Metric] = [.auroc, .averagePrecision, .f1Macro, .accuracy]
    let shown = [Split.validation, .test].filter { summary.metrics[$0.rawValue] != nil }
    var rows = shown.map { split in
      Comparison.Row(
        method: "\(method), \(split.rawValue)", labels: "\(summary.labels)",
        scores: columns.map { metric in summary.metrics[split.rawValue]?[metric]?.value.map { Spread(mean: $0) } })
    }
    if let calibrated = summary.calibration?.test[outcome.task.name] {
      rows.append(
        Comparison.Row(
          method: "\(method), test, calibrated", labels: "\(summary.labels)",
          scores: columns.map { metric in calibrated[metric]?.value.map { Spread(mean: $0) } }))
    }
    let finding = shown.last.flatMap { summary.metrics[$0.rawValue]?[.auroc]?.value }.map {
      "\(method) learned '\(outcome.task.name)' from \(summary.labels) labelled and \(summary.unlabelled) unlabelled "
        + "memes: AUROC \(String(format: "%.4f", $0)) on the \(shown.last!.rawValue) split."
    }
    return ReportPage(
      title: "\(method) on \(outcome.dataset)",
      summary: finding ?? "\(method) learned '\(outcome.task.name)'; no split has labels to score it on.",
      comparisons: [Comparison(columns: columns.map { Comparison.Column($0.rawValue) }, rows: rows)],
      charts: lossCharts(outcome.epochs) + (try scoreCharts()),
      gallery: outcome.predictions.last.map { GalleryItem.selection(of: [(method, $0)], count: 12) } ?? [],
      nextSteps: [
        .init(
          purpose: "Classify a meme", command: "memesense predict \(run.folder.relativePath) IMAGE --text \"WORDS\""),
        .init(purpose: "Score the run again", command: "memesense evaluate \(run.folder.relativePath)"),
      ],
      provenance: ReportPage.Provenance(
        command: command.joined(separator: " "), date: Date(), machine: Machine.summary,
        seeds: [Int(outcome.recipe.seed)],
        details: [
          ("data", outcome.dataset), ("encoder", outcome.recipe.encoder),
          ("training", String(format: "%.1f s", summary.seconds)),
        ] + keptEpoch))
  }

  /// Which epoch the recipe chose, where it did.
  private var keptEpoch: [(name: String, value: String)] {
    guard let selection = outcome.recipe.selection, let epoch = outcome.summary.epoch else { return [] }
    return [("epoch kept", "\(epoch), by \(selection.metric.rawValue) on the validation split")]
  }

  private func scoreCharts() throws -> [any Chart] {
    guard let set = outcome.predictions.last else { return [] }
    let split = set.split
    var charts: [any Chart] = []
    if set.task.kind == .binary {
      charts.append(
        ROCChart(
          title: "ROC, \(split.rawValue) split", curves: [.init(name: set.task.name, scores: try set.rankedScores())]))
    }
    if let counts = outcome.summary.metrics[split.rawValue]?.confusionMatrix {
      let names = set.task.kind == .binary ? ["not \(set.task.labels[0])", set.task.labels[0]] : set.task.labels
      charts.append(
        ConfusionChart(title: "Truth against prediction, \(split.rawValue) split", labels: names, counts: counts))
    }
    return charts
  }
}

/// One line chart for each stage that was trained by epochs.
func lossCharts(_ epochs: [TrainingLog.Epoch]) -> [any Chart] {
  Dictionary(grouping: epochs, by: \.stage).sorted { $0.key < $1.key }.map { stage, epochs in
    LineChart(
      title: "Training loss, \(stage)", xLabel: "epoch", yLabel: "loss",
      series: [.init(name: stage, points: epochs.map { ChartPoint(x: Double($0.epoch), y: $0.loss) })])
  }
}

extension GalleryItem {
  /// Memes for the gallery, as many wrong as right where there are; the images are shrunk.
  static func selection(of sets: [(method: String, set: PredictionSet)], count: Int) -> [GalleryItem] {
    guard let first = sets.last?.set else { return [] }
    let labelled = first.memes.indices.filter { first.memes[$0].labels[first.task.name] != nil }
    let wrong = labelled.filter { !first.isRight($0) }.prefix(count / 2)
    let right = labelled.filter { first.isRight($0) }.prefix(count - wrong.count)
    return (wrong + right).sorted().map { index in
      let meme = first.memes[index]
      return GalleryItem(
        id: meme.id, text: meme.text, jpeg: meme.image.flatMap(thumbnail), truth: first.truthName(index),
        predictions: sets.map { method, set in
          let (name, probability) = set.answer(index)
          return .init(method: method, label: name, probability: probability, isRight: set.isRight(index))
        })
    }
  }

  /// A picture that cannot be read is shown as missing: the report is of the model, not of the file.
  private static func thumbnail(_ file: URL) -> Data? {
    guard let data = FileManager.default.contents(atPath: file.path) else { return nil }
    return try? ImageDecoder().thumbnail(of: data, name: file.lastPathComponent, maxSide: 240)
  }
}

extension PredictionSet {
  /// The labelled memes of a binary task, ranked by probability.
  func rankedScores() throws -> RankedScores {
    let labelled = memes.indices.filter { memes[$0].labels[task.name] != nil }
    return try RankedScores(
      truth: labelled.map { memes[$0].labels[task.name] == .binary(true) },
      scores: labelled.map { probabilities[$0][0] })
  }

  /// Whether every label of a meme is predicted as it is.
  func isRight(_ index: Int) -> Bool {
    let prediction = Prediction(id: "", probabilities: probabilities[index], task: task)
    switch memes[index].labels[task.name] {
    case .binary(let value): return prediction.labels[task.labels[0]] == (value ? 1 : 0)
    case .multiclass(let value): return prediction.label == task.labels[value]
    case .multilabel(let values):
      return task.labels.indices.allSatisfy {
        prediction.labels[task.labels[$0]] == (values[$0] ? 1 : 0)
      }
    case nil: return false
    }
  }

  /// The truth in words.
  func truthName(_ index: Int) -> String {
    switch memes[index].labels[task.name] {
    case .binary(let value): value ? task.labels[0] : "not \(task.labels[0])"
    case .multiclass(let value): task.labels[value]
    case .multilabel(let values):
      zip(task.labels, values).filter(\.1).map(\.0).joined(separator: ", ").nonEmpty ?? "none"
    case nil: "unlabelled"
    }
  }

  /// What is predicted in words, with its probability.
  func answer(_ index: Int) -> (name: String, probability: Double) {
    let row = probabilities[index]
    switch task.kind {
    case .binary: return row[0] > 0.5 ? (task.labels[0], row[0]) : ("not \(task.labels[0])", 1 - row[0])
    case .multiclass:
      let name = Prediction(id: "", probabilities: row, task: task).label ?? ""
      return (name, row.max() ?? 0)
    case .multilabel:
      let names = zip(task.labels, row).filter { $0.1 > 0.5 }
      return (names.map(\.0).joined(separator: ", ").nonEmpty ?? "none", row.map { max($0, 1 - $0) }.min() ?? 1)
    }
  }
}

extension String {
  fileprivate var nonEmpty: String? { isEmpty ? nil : self }
}
