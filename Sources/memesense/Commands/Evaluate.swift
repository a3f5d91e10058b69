import ArgumentParser
import Foundation
import MemeData
import Metrics
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

  @Flag(help: "Fail at bad rows of the dataset instead of leaving them out.")
  var strict = false

  @OptionGroup var display: OutputOptions

  private struct Result: Encodable {
    var run: String
    var split: Split
    var task: String
    var metrics: MetricReport
  }

  func run() throws {
    let bundle = try ModelBundle(URL(fileURLWithPath: runFolder))
    var recipe = bundle.description.recipe
    if let data {
      recipe.data = URL(fileURLWithPath: data).standardizedFileURL.path
      recipe.splitFile = nil  // it lists memes of the run's own dataset
    }
    if let splitFile { recipe.splitFile = URL(fileURLWithPath: splitFile).standardizedFileURL.path }
    let corpus = try Corpus.load(recipe, splits: [split], strict: strict, observer: display.observer)
    let task = try corpus.task(named: bundle.task.name)
    guard task == bundle.task else {
      throw TrainingError.invalid(
        "the task '\(task.name)' has labels \(task.labels) there; the model was trained on \(bundle.task.labels)")
    }
    guard let scored = try TrainingRun.score(bundle.classifier, on: corpus, split: split, task: task) else {
      throw TrainingError.noMemes(split: split.rawValue, task: task.name)
    }
    let metrics = try scored.metrics()
    if display.json {
      try Console.printJSON(Result(run: runFolder, split: split, task: task.name, metrics: metrics))
    } else {
      try Console.print("\(runFolder), \(split.rawValue) split, task \(task.name)\n\n\(metrics.table)")
    }
  }
}

extension Split: ExpressibleByArgument {}
