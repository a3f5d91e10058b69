import ArgumentParser
import Audit
import Encoders
import Foundation
import Methods
import Metrics
import Report
import Training

/// `memesense label simulate`: how many labels an order of asking would have saved.
struct LabelSimulate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Label a labelled dataset over again in several orders, and score the model after each batch.",
    discussion: """
        memesense label simulate --data harmeme/ --task harmful --output runs/simulation
        memesense label simulate --data harmeme/ --task harmful --until 0.2 --step 0.02 --seeds 3

      Orders: random; uncertainty (entropy); diversity (k-center); ours (unsure and unlike each other, look-alikes folded),
      which is the order of the labelling page. A model is trained anew after each batch, by default a logistic
      regression on the features of frozen encoders, and scored on the test split. Methods that read more than such
      features are refused, and so are --labels and --calibrate. Fractions are of the labelled training memes; above 1
      they are counts. --output writes points.csv, simulation.json and report.html, a page with the curves.
      """)

  @OptionGroup var recipe: RecipeOptions

  @Option(help: "The first batch, and how many labels each further one adds: a fraction or a count.")
  var step = 0.01

  @Option(help: "How many labels there are at last: a fraction or a count.")
  var until = 0.1

  @Option(help: "How many seeds, from --seed on (42).")
  var seeds = 5

  @Option(
    help: ArgumentHelp("Of \(QueryStrategy.allCases.map(\.rawValue).joined(separator: ",")).", valueName: "a,b,…"))
  var orders = QueryStrategy.allCases.map(\.rawValue).joined(separator: ",")

  @Option(help: "What is scored, such as auroc, f1_macro or accuracy.")
  var metric = Metric.auroc.rawValue

  @Option(name: .shortAndLong, help: "A folder for the points and the page, new or empty.", completion: .directory)
  var output: String?

  @OptionGroup var display: OutputOptions

  func validate() throws {
    guard [step, until].allSatisfy({ $0 > 0 && $0 <= Recipe.labelLimit }) else {
      throw ValidationError("--step and --until are above 0, fractions such as 0.1 or counts such as 300.")
    }
    guard (1...1000).contains(seeds) else { throw ValidationError("--seeds is 1 to 1000, not \(seeds).") }
    guard recipe.labels == nil, !recipe.calibrate else {
      throw ValidationError(
        "--labels and --calibrate have no effect here; --step and --until say how many are labelled.")
    }
  }

  func run() throws {
    var options = recipe
    if options.recipe == nil, options.method == nil { options.method = LogisticRegression.name }
    let recipe = try options.resolved()
    guard recipe.method.request == FeatureRequest() else {
      throw ValidationError(
        "The next memes are chosen by encoders' features, and \(recipe.methodName) reads more; take a head on features, such "
          + "as logistic-regression.")
    }
    let observer = display.observer
    if recipe.selection != nil {
      observer.observe(.warning("the recipe's selection is not used here: each training keeps its last epoch"))
    }
    // A missing library is told before anything is computed or made.
    let library = try output.map { _ in try ChartLibrary.found() }
    let folder = try output.map { try Self.emptyFolder($0) }
    let corpus = try Corpus.load(recipe, splits: [.train, .test], observer: observer)
    let settings = try settings(for: recipe, on: corpus)
    let prints = try Corpus.fingerprints(of: corpus.memes(in: .train), observer: observer).fingerprints
    let clusters = Duplicates(prints, splits: prints.map { _ in nil }).clusters
    let simulation = try LabelSimulation(corpus, recipe: recipe, settings: settings, clusters: clusters)
    let points = try simulation.run(observer: observer)
    let result = SimulationResult(
      dataset: corpus.dataset.name, task: simulation.task.name, method: recipe.methodName, encoder: recipe.encoder,
      pool: simulation.poolCount, settings: settings, points: points)
    if let folder, let library {
      try write(result, data: corpus.dataset.root, to: folder, library: library)
    }
    if display.json { return try Console.printJSON(result) }
    try Console.print(result.text)
    if let folder { try Console.print("\nReport: \(folder.appending(path: "report.html").path)") }
  }

  private func settings(for recipe: Recipe, on corpus: Corpus) throws -> LabelSimulation.Settings {
    let name = try corpus.task(named: recipe.task).name
    let pool = corpus.memes(in: .train).count { $0.labels[name] != nil }
    func count(_ amount: Double) -> Int { Int((amount > 1 ? amount : amount * Double(pool)).rounded()) }
    let (batch, last) = (max(2, count(step)), count(until))
    guard last <= pool else {
      throw ValidationError("--until is \(last) labels; the training split has \(pool) for '\(name)'.")
    }
    guard recipe.seed <= Recipe.seeds.upperBound - UInt64(seeds) else {
      throw ValidationError("--seed \(recipe.seed) is too large; the last seed may be \(Recipe.seeds.upperBound).")
    }
    var settings = LabelSimulation.Settings(
      steps: Array(stride(from: batch, through: last, by: batch)),
      seeds: (0..<UInt64(seeds)).map { recipe.seed + $0 })
    guard !settings.steps.isEmpty else {
      throw ValidationError("--until is \(last) labels, less than the first batch of \(batch).")
    }
    settings.metric = try Metric(name: metric)
    settings.strategies = try orders.split(separator: ",").map { name in
      guard let strategy = QueryStrategy(rawValue: String(name)) else {
        throw ValidationError(
          "There is no order '\(name)'; there are \(QueryStrategy.allCases.map(\.rawValue).joined(separator: ", ")).")
      }
      return strategy
    }
    guard !settings.strategies.isEmpty, Set(settings.strategies).count == settings.strategies.count else {
      throw ValidationError("--orders \(orders) names none, or one twice.")
    }
    return settings
  }

  private func write(_ result: SimulationResult, data: URL, to folder: URL, library: ChartLibrary) throws {
    let page = SimulationReport(result: result, data: data).page.html(library: library)
    for (name, content) in [
      ("simulation.json", try JSON.pretty(result)), ("points.csv", Data(result.csv.utf8)),
      ("report.html", Data(page.utf8)),
    ] {
      try content.write(to: folder.appending(path: name), options: .atomic)
    }
  }

  private static func emptyFolder(_ path: String) throws -> URL {
    let folder = URL(filePath: path, directoryHint: .isDirectory)
    if let contents = try? FileManager.default.contentsOfDirectory(atPath: path), !contents.isEmpty {
      throw ValidationError("\(path) is not empty; give another --output.")
    }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }
}
