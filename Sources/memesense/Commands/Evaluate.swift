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

  @Option(
    help: ArgumentHelp(
      "Labels of a multi-class task to report as one, such as negative=very_negative,negative; may be repeated.",
      valueName: "name=label,label"))
  var merge: [MergedClass] = []

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
    guard merge.isEmpty || first.task.kind == .multiclass else {
      throw ValidationError("--merge: the task '\(first.task.name)' has no exclusive classes to report as one")
    }
    let reports = try scored.map { ($0.task.name, try $0.metrics(merging: $0.task == first.task ? merge : [])) }
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

extension MergedClass: ExpressibleByArgument {
  public init?(argument: String) {
    let sides = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard sides.count == 2, !sides[0].isEmpty, !sides[1].isEmpty else { return nil }
    self.init(name: sides[0], members: sides[1].split(separator: ",").map(String.init))
  }
}
