import Encoders
import Foundation
import MemeData
import Methods
import Metrics
import Synchronization
import Torch

/// Labels a labelled dataset over again, some memes at a time, and scores the model on the test split after each batch.
public struct LabelSimulation: @unchecked Sendable {  // its tensors are only read
  /// How a simulation goes.
  public struct Settings: Sendable, Codable, Equatable {
    public var strategies = QueryStrategy.allCases
    /// Numbers of labels to score at, rising; the first batch is chosen without a model.
    public var steps: [Int]
    public var seeds: [UInt64]
    public var metric = Metric.auroc

    public init(steps: [Int], seeds: [UInt64]) {
      self.steps = steps
      self.seeds = seeds
    }
  }

  /// One score.
  public struct Point: Sendable, Codable, Equatable {
    public var strategy: QueryStrategy
    public var seed: UInt64
    public var labels: Int
    /// `nil` where the test split does not have it.
    public var score: Double?
  }

  public let settings: Settings
  public let task: LabelTask
  /// The training memes that are labelled for the task.
  public let poolCount: Int
  private let recipe: Recipe
  private let training: Corpus
  private let labels: [Label]
  /// Rows of the training features that are in the pool.
  private let rows: [Int]
  private let pool: QueryPool

  /// - Parameters:
  ///   - corpus: with features of its training and test splits.
  ///   - clusters: one number for each training meme, equal where memes look alike.
  public init(_ corpus: Corpus, recipe: Recipe, settings: Settings, clusters: [Int]) throws {
    self.settings = settings
    self.recipe = recipe
    training = corpus
    task = try corpus.task(named: recipe.task)
    let memes = corpus.memes(in: .train)
    let name = task.name
    rows = memes.indices.filter { memes[$0].labels[name] != nil }
    labels = rows.map { memes[$0].labels[name]! }
    poolCount = rows.count
    guard let last = settings.steps.last, last <= rows.count, settings.steps[0] > 1 else {
      throw TrainingError.invalid(
        "a simulation of \(settings.steps.last ?? 0) labels; the training split has \(rows.count) for '\(name)'")
    }
    guard corpus.memes(in: .test).contains(where: { $0.labels[name] != nil }) else {
      throw TrainingError.noMemes(split: Split.test.rawValue, task: name)
    }
    let blind = try TrainingRun.score(Uninformed(tasks: [task]), on: corpus, split: .test, tasks: [task])[0].metrics()
    _ = try blind.score(settings.metric)
    pool = QueryPool(try corpus.features(in: .train).gathered(rows), clusters: rows.map { clusters[$0] })
  }

  /// The scores of all strategies and seeds, several computed at once, one a core.
  public func run(observer: any ProgressObserver) throws -> [Point] {
    let work = settings.seeds.flatMap { seed in settings.strategies.map { ($0, seed) } }
    let points = Mutex([Point]())
    let total = work.count * settings.steps.count
    try Runtime.concurrently(work.count, threadsEach: 1) { index, isWanted in
      try simulate(work[index].0, seed: work[index].1, isWanted: isWanted) { point in
        let done = points.withLock {
          $0.append(point)
          return $0.count
        }
        observer.observe(.items(phase: "models trained", done: done, total: total))
      }
    }
    let order = settings.strategies
    return points.withLock { $0 }.sorted {
      (order.firstIndex(of: $0.strategy)!, $0.seed, $0.labels) < (
        order.firstIndex(of: $1.strategy)!, $1.seed, $1.labels
      )
    }
  }

  private func simulate(
    _ strategy: QueryStrategy, seed: UInt64, isWanted: () -> Bool, _ found: (Point) -> Void
  ) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "memesense-simulation-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let features = try training.features(in: .train)
    var chosen: [Int] = []  // of the pool
    var probabilities: [[Double]]?
    for step in settings.steps {
      guard isWanted() else { return }
      chosen += pool.next(
        step - chosen.count, labelled: chosen, probabilities: probabilities,
        isExclusive: task.kind == .multiclass, by: strategy, seed: seed)
      let isChosen = Set(chosen.map { rows[$0] })
      let problem = Problem(
        features: features, labelled: chosen.map { rows[$0] }, labels: chosen.map { labels[$0] },
        unlabelled: (0..<features.count).filter { !isChosen.contains($0) },
        labelRatio: Double(chosen.count) / Double(rows.count), task: task, seed: seed, device: recipe.device)
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      let trainer = CheckpointingTrainer(
        folder: folder, precision: recipe.precision, device: recipe.device,
        log: try TrainingLog(folder.appending(path: "log.jsonl")), observer: SilentObserver())
      let model = try recipe.method.fitted(to: problem, trainer: trainer)
      try FileManager.default.removeItem(at: folder)
      let all = model.classifier.probabilities(of: features).rows
      probabilities = rows.map { all[$0] }
      let scored = try TrainingRun.score(model.classifier, on: training, split: .test, tasks: [task])[0].metrics()
      found(Point(strategy: strategy, seed: seed, labels: step, score: scored[settings.metric]?.value))
    }
  }
}

extension [LabelSimulation.Point] {
  /// The scores over seeds; `nil` where none has one.
  public func spread(_ strategy: QueryStrategy, labels: Int) -> Spread? {
    Spread(ofSample: compactMap { $0.strategy == strategy && $0.labels == labels ? $0.score : nil })
  }

  /// By how much a strategy's score differs from another's of the same seed, over seeds; `nil` where none has both.
  public func difference(of strategy: QueryStrategy, from other: QueryStrategy, labels: Int) -> Spread? {
    func scores(_ strategy: QueryStrategy) -> [UInt64: Double] {
      let own = filter { $0.strategy == strategy && $0.labels == labels }
      return Dictionary(own.compactMap { point in point.score.map { (point.seed, $0) } }) { first, _ in first }
    }
    let others = scores(other)
    return Spread(
      ofSample: scores(strategy).sorted { $0.key < $1.key }.compactMap { seed, score in others[seed].map { score - $0 }
      })
  }

  /// The fewest labels with which a strategy's mean score is at least as good as `target`; `nil` where it never is.
  public func labelsNeeded(by strategy: QueryStrategy, for target: Double, of metric: Metric) -> Int? {
    Set(map(\.labels)).sorted().first { labels in
      guard let mean = spread(strategy, labels: labels)?.mean else { return false }
      return metric.isHigherBetter ? mean >= target : mean <= target
    }
  }
}
