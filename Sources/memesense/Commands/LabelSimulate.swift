import ArgumentParser
import Audit
import Foundation
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
      regression on the features of frozen encoders, and scored on the test split. Fractions are of the labelled
      training memes; above 1 they are counts. --output writes points.csv and simulation.json.
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

  @Option(name: .shortAndLong, help: "A folder for the points, new or empty.", completion: .directory)
  var output: String?

  @OptionGroup var display: OutputOptions

  func validate() throws {
    guard step > 0, until >= step else { throw ValidationError("--step is above 0 and at most --until.") }
    guard (1...1000).contains(seeds) else { throw ValidationError("--seeds is 1 to 1000, not \(seeds).") }
  }

  func run() throws {
    var options = recipe
    if options.recipe == nil, options.method == nil { options.method = "logistic-regression" }
    let recipe = try options.resolved()
    let observer = display.observer
    let folder = try output.map { try Self.emptyFolder($0) }
    let corpus = try Corpus.load(recipe, splits: [.train, .test], observer: observer)
    let name = try corpus.task(named: recipe.task).name
    let pool = corpus.memes(in: .train).count { $0.labels[name] != nil }
    func count(_ amount: Double) -> Int { Int((amount > 1 ? amount : amount * Double(pool)).rounded()) }
    let (batch, last) = (max(2, count(step)), count(until))
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
    let prints = try Corpus.fingerprints(of: corpus.memes(in: .train), observer: observer).fingerprints
    let clusters = Duplicates(prints, splits: prints.map { _ in nil }).clusters
    let simulation = try LabelSimulation(corpus, recipe: recipe, settings: settings, clusters: clusters)
    let points = try simulation.run(observer: observer)
    let result = SimulationResult(
      dataset: corpus.dataset.name, task: simulation.task.name, method: recipe.methodName, encoder: recipe.encoder,
      pool: simulation.poolCount, settings: settings, points: points)
    if let folder {
      try JSON.pretty(result).write(to: folder.appending(path: "simulation.json"), options: .atomic)
      try Data(result.csv.utf8).write(to: folder.appending(path: "points.csv"), options: .atomic)
    }
    if display.json { return try Console.printJSON(result) }
    try Console.print(result.text)
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

/// What a simulation found.
struct SimulationResult: Encodable {
  var dataset: String
  var task: String
  var method: String
  var encoder: String
  /// Training memes that could be labelled.
  var pool: Int
  var settings: LabelSimulation.Settings
  var points: [LabelSimulation.Point]

  /// One row a score.
  var csv: String {
    "strategy,seed,labels,\(settings.metric.rawValue)\n"
      + points.map { "\($0.strategy.rawValue),\($0.seed),\($0.labels),\($0.score.map { "\($0)" } ?? "")\n" }.joined()
  }

  /// For people: means over seeds, and how many labels each order needs for the score that chance reaches at last.
  var text: String {
    var table = TextTable(
      columns: [TextTable.Column("labels", alignment: .right)]
        + settings.strategies.map { TextTable.Column($0.rawValue, alignment: .right) })
    for labels in settings.steps {
      table.append(
        ["\(labels)"] + settings.strategies.map { points.spread($0, labels: labels)?.formatted(digits: 3) ?? "" })
    }
    return """
      \(dataset), task \(task): \(settings.metric.rawValue) of \(method) on \(encoder) after so many of \(pool) labels, \
      \(settings.seeds.count) \(settings.seeds.count == 1 ? "seed" : "seeds")

      \(table.text)\(comparison.map { "\n\n\($0)" } ?? "")
      """
  }

  private var comparison: String? {
    guard settings.strategies.contains(.random), let last = settings.steps.last,
      let target = points.spread(.random, labels: last)?.mean
    else { return nil }
    let needed = settings.strategies.filter { $0 != .random }.map { strategy in
      let labels = points.labelsNeeded(by: strategy, for: target)
      return labels.map { "\(strategy.rawValue) with \($0) (\($0 * 100 / last) %)" }
        ?? "\(strategy.rawValue) with none of these"
    }
    return "What random reaches with \(last) labels is reached by " + needed.joined(separator: ", ") + "."
  }
}
