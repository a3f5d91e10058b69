import ArgumentParser
import Foundation
import MemeData
import Metrics
import Report
import Training

import enum Torch.Device

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

  @Flag(help: "Score the test split a second time without the memes that training or validation memes look like.")
  var deduplicated = false

  @Option(help: "Write a page with charts and memes of that split, too.", completion: .file(extensions: ["html"]))
  var report: String?

  @Option(help: Device.help)
  var device: Device = .cpu

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
    /// Scores at the temperatures and thresholds of a calibrated run, by task; all others are without them.
    var calibrated: [String: MetricReport]?
    var deduplicated: Deduplicated?
  }

  /// The test split without the memes that leak.
  private struct Deduplicated: Encodable {
    /// Ids of those memes, labelled or not.
    var leaked: [String]
    /// By task; none where no labelled meme is left.
    var metrics: [String: MetricReport]
  }

  func validate() throws {
    if deduplicated, split != .test {
      throw ValidationError("--deduplicated is of the test split, not of \(split.rawValue).")
    }
  }

  func run() throws {
    let bundle = try ModelBundle(URL(fileURLWithPath: runFolder), on: device)
    let library = try report.map { _ in try ChartLibrary.found() }
    var recipe = bundle.description.recipe
    recipe.device = device
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
    func merges(_ task: LabelTask) -> [MergedClass] { task == first.task ? merge : [] }
    let reports = try scored.map { ($0.task.name, try $0.metrics(merging: merges($0.task))) }
    let calibrated = try bundle.calibrations.map { calibrations in
      let byTask = Dictionary(uniqueKeysWithValues: zip(bundle.tasks.map(\.name), calibrations))
      return try Dictionary(
        uniqueKeysWithValues: scored.map {
          ($0.task.name, try $0.metrics(byTask[$0.task.name], merging: merges($0.task)))
        })
    }
    let leaks = deduplicated ? try leaks(in: corpus, trainedBy: bundle.description.recipe) : nil
    let rest = try leaks.map { leaks in
      let sets = scored.map { $0.excluding(leaks) }.filter { $0.labelledCount > 0 }
      return Deduplicated(
        leaked: leaks.sorted(),
        metrics: try Dictionary(
          uniqueKeysWithValues: sets.map { ($0.task.name, try $0.metrics(merging: merges($0.task))) }))
    }
    if let report, let library {
      try RunReport(
        of: bundle, in: URL(fileURLWithPath: runFolder), on: corpus, split: split, reports[0].1,
        calibrated: calibrated?[first.task.name], observer: display.observer
      ).write(to: URL(fileURLWithPath: report), library: library)
    }
    if display.json {
      try Console.printJSON(
        Result(
          run: runFolder, split: split, task: first.task.name, metrics: reports[0].1,
          tasks: bundle.tasks.count > 1 ? Dictionary(uniqueKeysWithValues: reports.dropFirst()) : nil,
          calibrated: calibrated, deduplicated: rest))
    } else {
      let tables = reports.map { task, report in
        "\(runFolder), \(split.rawValue) split, task \(task)\n\n\(report.table)"
          + (calibrated?[task].map { "\n\nWhat its calibration changes\n\n\(report.table(beside: $0))" } ?? "")
      }
      try Console.print(tables.joined(separator: "\n\n"))
      guard let rest else { return }
      for (task, report) in rest.metrics.sorted(by: { $0.key < $1.key }) {
        try Console.print("\nWithout the \(rest.leaked.count) test memes that leak, task \(task)\n\n\(report.table)")
      }
    }
  }

  /// Ids of the test memes that look like what the model was made from.
  private func leaks(in corpus: Corpus, trainedBy recipe: Recipe) throws -> Set<String> {
    let observer = display.observer
    let source = data == nil && splitFile == nil ? nil : try Corpus.dataset(of: recipe, observer: observer)
    return try TestLeaks.ids(in: corpus.dataset, trainedOn: source, observer: observer)
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
