import Checkpoints
import Foundation
import MemeData
import Metrics
import Report
import Training

/// `report.html` of one run: its scores, how they come about, and its memes.
struct RunReport {
  let recipe: Recipe
  let folder: URL
  let dataset: String
  /// The first sentence of the page.
  let finding: String
  /// Scores by split. What is of another split is no rival, so that none stands out as best.
  let scores: PlainTable
  let epochs: [TrainingLog.Epoch]
  /// What the model makes of the split that the charts are of; `nil` where no split has labels.
  let analysis: RunAnalysis?
  /// Further rows of where the numbers come from.
  let details: [(name: String, value: String)]

  /// The report of a training that has just ended.
  init(of run: TrainingRun, _ outcome: TrainingRun.Outcome, on corpus: Corpus, observer: any ProgressObserver) throws {
    let summary = outcome.summary
    let method = outcome.recipe.methodName
    let shown = [Split.validation, .test].filter { summary.metrics[$0.rawValue] != nil }
    recipe = outcome.recipe
    folder = run.folder
    dataset = outcome.dataset
    epochs = outcome.epochs
    scores = Self.table(
      shown.map { ($0.rawValue, summary.metrics[$0.rawValue]) },
      calibrated: summary.calibration?.test[outcome.task.name], labels: "\(summary.labels)")
    let score = shown.last.flatMap { summary.metrics[$0.rawValue]?[.auroc]?.value }
    finding =
      "\(method) learned '\(outcome.task.name)' from \(summary.labels) labelled and \(summary.unlabelled) unlabelled memes"
      + (score.map { ": AUROC \(String(format: "%.4f", $0)) on the \(shown.last!.rawValue) split." }
        ?? "; no split has labels to score it on.")
    analysis = try shown.last.flatMap {
      try RunAnalysis(ModelBundle(run.folder), on: corpus, split: $0, observer: observer)
    }
    var details = [("training", String(format: "%.1f s", summary.seconds))]
    if let selection = outcome.recipe.selection, let epoch = summary.epoch {
      details.append(("epoch kept", "\(epoch), by \(selection.metric.rawValue) on the validation split"))
    }
    self.details = details
  }

  /// The report of an earlier run on a split of some corpus.
  ///
  /// - Parameter calibrated: Scores of that split at the run's temperatures and thresholds.
  init(
    of bundle: ModelBundle, in folder: URL, on corpus: Corpus, split: Split, _ report: MetricReport,
    calibrated: MetricReport?, observer: any ProgressObserver
  ) throws {
    let recipe = bundle.description.recipe
    let log = folder.appending(path: "log.jsonl")
    self.recipe = recipe
    self.folder = folder
    dataset = corpus.dataset.name
    epochs = FileManager.default.fileExists(atPath: log.path) ? try TrainingLog(log).epochs : []
    scores = Self.table([(split.rawValue, report)], calibrated: calibrated, labels: Self.brief(recipe.labels))
    finding =
      "\(recipe.methodName), trained on '\(bundle.task.name)'"
      + (report[.auroc]?.value.map { ": AUROC \(String(format: "%.4f", $0)) on the \(split.rawValue) split." } ?? ".")
    analysis = try RunAnalysis(bundle, on: corpus, split: split, observer: observer)
    details = []
  }

  private static let columns: [Metric] = [.auroc, .averagePrecision, .f1Macro, .accuracy, .ece]

  /// - Parameter calibrated: Scores of the last split at the run's temperatures and thresholds.
  private static func table(
    _ reports: [(name: String, report: MetricReport?)], calibrated: MetricReport?, labels: String
  ) -> PlainTable {
    let all = reports + (calibrated.map { [("\(reports.last?.name ?? ""), calibrated", $0)] } ?? [])
    return PlainTable(
      title: "By split, trained with \(labels) labels",
      columns: [.init("split")] + columns.map { .init($0.rawValue, isNumber: true) },
      rows: all.map { name, report in [name] + columns.map { report?[$0]?.formatted(digits: 4) ?? "—" } })
  }

  private static func brief(_ labels: Double) -> String {
    labels > 1 ? "\(Int(labels))" : "\(String(format: "%g", labels * 100)) %"
  }

  func write(to file: URL, library: ChartLibrary) throws {
    try writeAtomically(Data(try page().html(library: library).utf8), to: file)
  }

  private func page() throws -> ReportPage {
    let run = folder.relativePath.shellQuoted
    return ReportPage(
      title: "\(recipe.methodName) on \(dataset)", summary: finding,
      sections: [
        .init("Scores", [.table(scores)])
      ] + (try analysisSections()),
      nextSteps: [
        .init(
          purpose: "Classify a meme", command: "memesense predict \(run) IMAGE --text \"WORDS\""),
        .init(purpose: "Score the run again", command: "memesense evaluate \(run)"),
      ],
      provenance: ReportPage.Provenance(
        command: CommandLine.arguments.shellCommand, date: Date(), machine: Machine.summary,
        seeds: [Int(clamping: recipe.seed)], details: [("data", dataset), ("encoder", recipe.encoder)] + details))
  }

  /// Everything but the scores.
  func analysisSections() throws -> [ReportPage.Section] {
    let training = ReportPage.Section("Training", [.charts(lossCharts(epochs))])
    guard let analysis else { return [training] }
    let isOne = analysis.sets.count == 1
    let tasks = try analysis.sets.flatMap { set -> [ReportPage.Section] in
      let suffix = isOne ? "" : ", \(set.task.name)"
      return [
        .init("Right and wrong\(suffix)", [.charts(try set.charts(set.metrics())), .note(Self.note(of: set))]),
        .init("Another threshold\(suffix)", [.thresholds(set.thresholds)]),
      ]
    }
    return tasks + [
      training, .init("Memes side by side", [.charts(analysis.maps)] + analysis.maps.prefix(1).map { .note($0.note) }),
      .init("Memes, right and wrong", [.gallery(gallery(of: analysis)), .note(Self.galleryNote)]),
    ]
  }

  private func gallery(of analysis: RunAnalysis) -> Gallery {
    Gallery(
      [("image and text", analysis.sets[0])] + [
        ("image alone", analysis.alone[.image]!), ("text alone", analysis.alone[.text]!),
      ])
  }

  private static let galleryNote =
    "What the model says of the whole meme, and what it would say had the meme no text or no picture. A meme counts as "
    + "right or wrong by the first."

  private static func note(of set: PredictionSet) -> String {
    "\(set.labelledRows.count) labelled memes of the \(set.split.rawValue) split; what is predicted has more than half the "
      + "probability, or the most of exclusive classes. Reliability: each point is a bin of memes of like confidence, with "
      + "the standard error of its accuracy; a well calibrated model lies on the diagonal."
  }
}
