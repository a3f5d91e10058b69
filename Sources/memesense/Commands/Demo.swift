import ArgumentParser
import Checkpoints
import Foundation
import MemeData
import Metrics
import Report
import Training

/// `memesense demo`: the whole way from images to a report, on memes that the program draws itself.
struct Demo: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draw a small corpus of memes, learn from few labels, and write a report.",
    discussion: """
      Draws harmless image macros whose label depends on picture and caption together, embeds them, trains
      labelled-only methods and SemiMemes on few labels, and prints what won. The report is OUTPUT/report.html.
      """)

  @Option(name: .shortAndLong, help: "Where corpus, runs and report go.")
  var output = "runs/demo"

  @Option(help: "How many memes are drawn.")
  var memes = 2000

  @Option(help: "The labelled fraction of the training memes.")
  var labels = 0.05

  @Option(help: "How many seeds each method is trained with.")
  var seeds = 3

  @OptionGroup var display: OutputOptions

  func validate() throws {
    guard (100...20_000).contains(memes) else { throw ValidationError("--memes is 100 to 20000, not \(memes).") }
    guard labels > 0, labels <= 0.9 else { throw ValidationError("--labels is a fraction such as 0.05.") }
    guard (1...20).contains(seeds) else { throw ValidationError("--seeds is 1 to 20, not \(seeds).") }
  }

  /// From the least to the most that a method is told.
  private static let methods = ["image-only", "text-only", "concat", "logistic-regression", "semimemes"]

  private struct Result: Encodable {
    var memes: Int
    var labels: Int
    var report: String
    /// Test AUROC by method: mean and deviation over seeds.
    var auroc: [String: Spread]
  }

  /// Where the runs of all methods and seeds go, those of an earlier demo in their place.
  private func runFolders(in folder: URL) throws -> [(method: String, seed: Int, folder: URL)] {
    let runs = Self.methods.flatMap { method in
      (42..<42 + seeds).map { (method: method, seed: $0, folder: folder.appending(path: "\(method)-\($0)")) }
    }
    for run in runs where FileManager.default.fileExists(atPath: run.folder.path) {
      let recipe = FileManager.default.contents(atPath: run.folder.appending(path: "recipe.yaml").path)
      guard let recipe, String(decoding: recipe, as: UTF8.self).contains("/corpus-") else {
        throw ValidationError("\(run.folder.path) is there and no run of a demo: give another --output, or remove it.")
      }
    }
    return runs
  }

  func run() throws {
    let observer = display.observer
    let library = try ChartLibrary.found()
    let folder = URL(fileURLWithPath: output)
    let runs = try runFolders(in: folder)
    let corpusFolder = folder.appending(path: "corpus-\(memes)")
    try DemoCorpus(memeCount: memes).writeUnlessThere(to: corpusFolder, observer: observer)
    let corpus = try Corpus.load(recipe("concat", seed: 42, data: corpusFolder), observer: observer)
    var outcomes: [String: [TrainingRun.Outcome]] = [:]
    for (method, seed, runFolder) in runs {
      if FileManager.default.fileExists(atPath: runFolder.path) { try FileManager.default.removeItem(at: runFolder) }
      let run = TrainingRun(
        recipe: try recipe(method, seed: seed, data: corpusFolder), folder: runFolder, observer: observer)
      outcomes[method, default: []].append(try run.execute(on: corpus, resumes: false))
      try run.finish()
    }
    let comparison = Comparison(
      columns: Self.shownMetrics.map { Comparison.Column($0.rawValue) },
      rows: Self.methods.map { method in
        Comparison.Row(
          method: method, labels: "\(outcomes[method]![0].summary.labels)",
          scores: Self.shownMetrics.map { spread($0, of: outcomes[method]!) })
      })
    let report = folder.appending(path: "report.html")
    let shown = outcomes["semimemes"]![0]
    let run = TrainingRun(recipe: shown.recipe, folder: folder.appending(path: "semimemes-42"), observer: observer)
    let page = try page(
      comparison: comparison, outcomes: outcomes,
      analysis: RunReport(of: run, shown, on: corpus, observer: observer).analysisSections())
    try writeAtomically(Data(page.html(library: library).utf8), to: report)
    try present(comparison: comparison, outcomes: outcomes, page: page, report: report, corpus: corpusFolder)
  }

  // MARK: Working

  private func recipe(_ method: String, seed: Int, data: URL) throws -> Recipe {
    let name = try RecipeLibrary.defaultName(method: method, encoder: "lite")
    var recipe = try Recipe(yaml: RecipeLibrary.text(named: name), source: name)
    recipe.data = data.path
    recipe.task = DemoCorpus.task.name
    recipe.labels = labels
    recipe.seed = UInt64(seed)
    return recipe
  }

  private static let shownMetrics: [Metric] = [.auroc, .averagePrecision, .f1Macro, .accuracy]

  private func spread(_ metric: Metric, of outcomes: [TrainingRun.Outcome]) -> Spread? {
    Spread(of: outcomes.compactMap { $0.summary.metrics[Split.test.rawValue]?[metric]?.value })
  }

  // MARK: Telling

  private func finding(_ outcomes: [String: [TrainingRun.Outcome]]) -> String {
    let ranked = Self.methods.compactMap { method in spread(.auroc, of: outcomes[method]!).map { (method, $0) } }
      .sorted { $0.1.mean > $1.1.mean }
    guard let best = ranked.first else { return "No method could be scored." }
    let labels = outcomes[best.0]![0].summary.labels
    let others = ranked.dropFirst().map { "\($0.0) \($0.1.formatted(digits: 3))" }.joined(separator: ", ")
    return "From \(labels) labelled memes, \(best.0) reads the drawn memes best: "
      + "test AUROC \(best.1.formatted(digits: 3)); then \(others)."
  }

  private func page(
    comparison: Comparison, outcomes: [String: [TrainingRun.Outcome]], analysis: [ReportPage.Section]
  ) throws -> ReportPage {
    let curves = try Self.methods.compactMap { method -> (name: String, scores: RankedScores)? in
      guard let column = outcomes[method]![0].predictions.last?.scored.columns.first else { return nil }
      return (method, try column.ranked())
    }
    let summary = outcomes["semimemes"]![0].summary
    return ReportPage(
      title: "MemeSense demo", summary: finding(outcomes),
      sections: [
        .init(
          "Which method reads best?",
          [
            .comparison(comparison),
            .charts([
              DotChart(
                title: "Test AUROC, mean and deviation over seeds", axisLabel: "AUROC",
                rows: Self.methods.map { DotChart.Row(name: $0, value: spread(.auroc, of: outcomes[$0]!)) }),
              LineChart.roc(curves, title: "ROC on the test split, seed 42"),
            ]),
            .note("All that follows is of semimemes with seed 42."),
          ])
      ] + analysis,
      nextSteps: nextSteps,
      provenance: ReportPage.Provenance(
        command: CommandLine.arguments.shellCommand, date: Date(), machine: Machine.summary,
        seeds: Array(42..<42 + seeds),
        details: [
          ("memes", "\(memes), drawn by the program"),
          ("labelled", "\(summary.labels) of \(summary.labels + summary.unlabelled) training memes"),
          ("encoder", "lite"),
        ]))
  }

  private var nextSteps: [ReportPage.NextStep] {
    [
      .init(
        purpose: "Classify a meme with the trained model",
        command: "memesense predict \("\(output)/semimemes-42".shellQuoted) IMAGE --text \"WORDS\""),
      .init(purpose: "Look into your own memes", command: "memesense data inspect PATH"),
      .init(
        purpose: "Learn from your own memes",
        command: "memesense train --data PATH --task TASK --labels 0.05 --output runs/first"),
    ]
  }

  private func present(
    comparison: Comparison, outcomes: [String: [TrainingRun.Outcome]], page: ReportPage, report: URL, corpus: URL
  ) throws {
    if display.json {
      return try Console.printJSON(
        Result(
          memes: memes, labels: outcomes["semimemes"]![0].summary.labels, report: report.path,
          auroc: outcomes.compactMapValues { spread(.auroc, of: $0) }))
    }
    try Console.print("\(comparison.textTable.text)\n\n\(page.summary)\n\nReport: \(report.path)\nNext:")
    for step in page.nextSteps { try Console.print("  \(step.command)    # \(step.purpose)") }
  }
}
