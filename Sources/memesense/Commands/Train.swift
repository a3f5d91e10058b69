import ArgumentParser
import Foundation
import MemeData
import Metrics
import Report
import Training

/// `memesense train`: from a recipe to a scored model in a run folder.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a classifier and score it.",
    discussion: """
        memesense train --data PATH --task harmful --labels 0.05 --output runs/first
        memesense train --method logistic-regression --data PATH --task harmful --output runs/linear
        memesense train --recipe mine.yaml --set settings.head.hidden=128 --output runs/second

      The rest of the training memes is used without labels. A killed run goes on with --resume and ends with the
      bytes of one that was never interrupted.
      """)

  @OptionGroup var recipe: RecipeOptions

  @Option(name: .shortAndLong, help: "The run's folder, new or empty.")
  var output: String

  @Flag(help: "Go on with what a killed run left in --output.")
  var resume = false

  @Flag(help: "Fail at bad rows of the dataset instead of leaving them out.")
  var strict = false

  @OptionGroup var display: OutputOptions

  func run() throws {
    let recipe = try recipe.resolved()
    let observer = display.observer
    let run = TrainingRun(recipe: recipe, folder: URL(fileURLWithPath: output), observer: observer)
    try run.checkFolder(resumes: resume)
    if resume, let metrics = try run.finishedMetrics() {
      Console.error("\(output) is complete; there is nothing to resume")
      return try Console.write(metrics)
    }
    try run.checkWeights()
    // Before any long work: without it there is no report.
    let library = try ChartLibrary.found()
    let corpus = try Corpus.load(recipe, strict: strict, observer: observer)
    let outcome = try run.execute(on: corpus, resumes: resume)
    try RunReport(of: run, outcome, on: corpus, observer: observer).write(
      to: run.folder.appending(path: "report.html"), library: library)
    try run.finish()
    if display.json { return try Console.printJSON(outcome.summary) }
    try Console.print(outcome.summary.text)
    try Console.print("\nmodel and report are in \(output); try\n  memesense predict \(output) IMAGE --text \"WORDS\"")
  }
}

extension TrainingRun.Summary {
  /// The main scores by split, for people.
  var text: String {
    let shown: [Metric] = [.auroc, .averagePrecision, .f1Macro, .accuracy]
    var table = TextTable(
      columns: ["split"] + shown.map { TextTable.Column($0.rawValue, alignment: .right) })
    for split in Split.allCases {
      let further = (tasks ?? [:]).sorted { $0.key < $1.key }.map { ("\(split.rawValue), \($0)", $1[split.rawValue]) }
      for (name, report) in [(split.rawValue, metrics[split.rawValue])] + further {
        guard let report else { continue }
        table.append([name] + shown.map { report[$0]?.formatted(digits: 4) ?? "" })
      }
    }
    let time = String(format: "%.1f", seconds)
    let kept = epoch.map { ", epoch \($0) kept" } ?? ""
    return "\(labels) labelled and \(unlabelled) unlabelled memes, \(parameters) parameters, \(time) s\(kept)\n\n"
      + table.text + (calibrationText.map { "\n\n\($0)" } ?? "")
  }

  /// What was calibrated, and the test scores that this changes.
  private var calibrationText: String? {
    guard let calibration else { return nil }
    let tables = calibration.tasks.sorted { $0.key < $1.key }.map { task, chosen in
      let before = tasks?[task]?[Split.test.rawValue] ?? metrics[Split.test.rawValue]
      return "Calibrated on the validation split, task \(task)\n\n\(chosen.table)"
        + (before.flatMap { before in calibration.test[task].map { "\n\n\(before.table(beside: $0))" } } ?? "")
    }
    return tables.joined(separator: "\n\n")
  }
}
