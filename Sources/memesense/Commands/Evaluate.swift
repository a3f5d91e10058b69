import ArgumentParser
import Foundation
import MemeData
import Metrics
import Report
import Training

/// `memesense evaluate`: the scores of a trained run.
struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Score a trained run on its own dataset or another.")

  @Argument(help: ArgumentHelp("A run's folder.", valueName: "run"), completion: .directory)
  var runFolder: String

  @Option(help: "Another dataset with the same task.", completion: .directory)
  var data: String?

  @Option(help: "Which memes of that dataset take part, and in which split.", completion: .file())
  var splitFile: String?

  @Option(help: "The split to score: train, validation or test.")
  var split: Split = .test

  @Option(help: "Write a page with charts and memes of that split, too.", completion: .file(extensions: ["html"]))
  var report: String?

  @Flag(help: "Fail at bad rows of the dataset instead of leaving them out.")
  var strict = false

  @OptionGroup var display: OutputOptions

  private struct Result: Encodable {
    var run: String
    var split: Split
    var task: String
    var metrics: MetricReport
    /// Scores of the other tasks of a run that learned several.
    var tasks: [String: MetricReport]?
  }

  func run() throws {
    let bundle = try ModelBundle(URL(fileURLWithPath: runFolder))
    let library = try report.map { _ in try ChartLibrary.found() }
    var recipe = bundle.description.recipe
    if let data {
      recipe.data = URL(fileURLWithPath: data).standardizedFileURL.path
      recipe.splitFile = nil  // it lists memes of the run's own dataset
    }
    if let splitFile { recipe.splitFile = URL(fileURLWithPath: splitFile).standardizedFileURL.path }
    let corpus = try Corpus.load(recipe, splits: [split], strict: strict, observer: display.observer)
    for learned in bundle.tasks {
      let task = try corpus.task(named: learned.name)
      guard task == learned else {
        throw TrainingError.invalid(
          "the task '\(task.name)' has labels \(task.labels) there; the model was trained on \(learned.labels)")
      }
    }
    try bundle.check(try corpus.features(in: split))
    let scored = try TrainingRun.score(bundle.classifier, on: corpus, split: split, tasks: bundle.tasks)
    guard let first = scored.first, first.task == bundle.task else {
      throw TrainingError.noMemes(split: split.rawValue, task: bundle.task.name)
    }
    let reports = try scored.map { ($0.task.name, try $0.metrics()) }
    if let report, let library {
      try RunReport(
        of: bundle, in: URL(fileURLWithPath: runFolder), on: corpus, split: split, reports[0].1,
        observer: display.observer
      ).write(to: URL(fileURLWithPath: report), library: library)
    }
    if display.json {
      try Console.printJSON(
        Result(
          run: runFolder, split: split, task: first.task.name, metrics: reports[0].1,
          tasks: bundle.tasks.count > 1 ? Dictionary(uniqueKeysWithValues: reports.dropFirst()) : nil))
    } else {
      let tables = reports.map { "\(runFolder), \(split.rawValue) split, task \($0)\n\n\($1.table)" }
      try Console.print(tables.joined(separator: "\n\n"))
    }
  }
}

extension Split: ExpressibleByArgument {}
