import Audit
import Encoders
import Foundation
import LabelStore
import Logging
import MemeData
import Synchronization
import Torch
import Training

/// The models of a store's tasks: what they say, and how they are trained anew.
final class ModelDesk: Sendable {
  /// What a training is doing.
  enum State: Sendable {
    case idle
    case running(task: String, phase: String, done: Int, total: Int)
    case failed(task: String, reason: String)
  }

  private struct Content {
    /// By task.
    var services: [String: ModelService] = [:]
    /// Of the features that the recipe's encoders see.
    var index: FeatureIndex?
    /// The meme of each row of the index.
    var rows: [Int64] = []
    var state = State.idle
    /// The task that was trained last, and what that training warned of.
    var warnings: (task: String, texts: [String]) = ("", [])
  }

  let store: LabelStore
  private let recipe: Recipe
  private let settings: ServerSettings
  private let metrics: ServerMetrics
  private let logger: Logger
  private let content = Mutex(Content())
  /// Of a thread that computes by itself. A new thread otherwise takes what the last one chose that answers memes: one.
  private let threadCount = Runtime.threadCount

  /// - Parameter run: a finished run that answers for its tasks until a training of this desk takes its place.
  /// - Throws: `TrainingError` for a run that answers for none of the store's tasks, or for another one of the same name.
  init(
    store: LabelStore, run: URL?, recipe: Recipe, settings: ServerSettings, metrics: ServerMetrics, logger: Logger
  ) throws {
    self.store = store
    self.recipe = recipe
    self.settings = settings
    self.metrics = metrics
    self.logger = logger
    if let run { try serve(run) }
    for task in try store.tasks() where service(for: task.name) == nil {
      guard let latest = try store.runs(task: task.name).first,
        FileManager.default.fileExists(atPath: latest.folder.path)
      else { continue }
      // The pages are of use without it, and another training replaces it.
      do { try serve(latest.folder) } catch {
        logger.warning("a run cannot answer", metadata: ["reason": "\(error)"])
      }
    }
    do { try removeUnfinishedRuns() } catch {
      logger.warning("what an interrupted training left is still there", metadata: ["reason": "\(error)"])
    }
  }

  func service(for task: String) -> ModelService? { content.withLock { $0.services[task] } }

  var state: State { content.withLock { $0.state } }

  /// What the last training warned of, where it was of this task.
  func warnings(of task: String) -> [String] {
    content.withLock { $0.warnings.task == task ? $0.warnings.texts : [] }
  }

  /// Whether a model sees the features that memes are compared by, which are those of what the page trains.
  func compares(_ model: ServedModel) -> Bool { model.recipe.hasFeatures(of: recipe) }

  /// The labelled memes most like another one.
  ///
  /// - Parameter model: whose features these are; there are no neighbours where it does not see those of the other memes.
  func nearest(
    to features: FeatureTable, of model: ServedModel, labelled: Set<Int64>, count: Int
  ) -> [(meme: Int64, similarity: Double)] {
    let (index, rows) = content.withLock { ($0.index, $0.rows) }
    guard let index, compares(model) else { return [] }
    return index.nearest(to: features, count: count) { labelled.contains(rows[$0]) }
      .map { (rows[$0.row], $0.similarity) }
  }

  /// Lets a run answer for its tasks.
  private func serve(_ folder: URL) throws {
    let service = try ModelService(run: folder, settings: settings, metrics: metrics)
    let (tasks, known) = (service.current.facts.tasks, try store.tasks())
    for task in tasks {
      guard let asked = known.first(where: { $0.name == task.name }), asked != task else { continue }
      throw TrainingError.invalid(
        "\(folder.path) answers for '\(task.name)' as \(Self.summary(task)), and the store asks for it as "
          + "\(Self.summary(asked)): give a run that was trained on the store's task")
    }
    guard tasks.contains(where: known.contains) else {
      throw TrainingError.invalid(
        "\(folder.path) answers for \(Self.names(tasks)), and the store asks for \(Self.names(known)): give a run of one of "
          + "the store's tasks")
    }
    content.withLock { content in
      for task in tasks { content.services[task.name] = service }
    }
  }

  private static func summary(_ task: LabelTask) -> String {
    "\(task.kind.rawValue) (\(task.labels.joined(separator: ", ")))"
  }

  private static func names(_ tasks: [LabelTask]) -> String {
    tasks.isEmpty ? "nothing" : tasks.map { "'\($0.name)'" }.joined(separator: ", ")
  }

  /// Finds the features of all memes in the cache, on a thread of its own, where there is a model that sees the same ones.
  func beginIndex() {
    guard content.withLock({ $0.services.values.contains { compares($0.current) } }) else { return }
    onOwnThread { [self] in
      do {
        let memes = try store.memes()
        let table = try Retraining.features(
          of: memes.map { Meme(id: $0.name, image: $0.image, text: $0.text) }, recipe: recipe,
          observer: WarningLog(work: "the comparison of memes", logger: logger))
        content.withLock {
          // A training may have been quicker, and knows of memes that came since.
          guard $0.index == nil else { return }
          $0.index = FeatureIndex(table)
          $0.rows = memes.map(\.id)
        }
      } catch {
        logger.error("no memes can be shown beside others", metadata: ["reason": "\(error)"])
      }
    }
  }

  /// Runs `body`, which computes, on a thread of its own.
  private func onOwnThread(_ body: @escaping @Sendable () -> Void) {
    Thread.detachNewThread { [threadCount] in
      Runtime.threadCount = threadCount
      body()
    }
  }

  // MARK: Training

  /// Begins a training on the labels as they stand; one that is under way goes on alone.
  func train(_ task: LabelTask) {
    let begins = content.withLock { content in
      if case .running = content.state { return false }
      content.state = .running(task: task.name, phase: "Beginning", done: 0, total: 0)
      content.warnings = (task.name, [])
      return true
    }
    guard begins else { return }
    onOwnThread { [self] in
      do {
        try trainNow(task)
        content.withLock { $0.state = .idle }
      } catch {
        logger.warning("the training failed", metadata: ["reason": "\(error)"])
        content.withLock { $0.state = .failed(task: task.name, reason: "\(error)") }
      }
    }
  }

  private func trainNow(_ task: LabelTask) throws {
    let memes = try store.memes()
    let consensus = try store.consensus(task: task.name)
    let labelled = memes.map { meme in
      Meme(
        id: meme.name, image: meme.image, text: meme.text,
        labels: consensus[meme.id].map { [task.name: $0] } ?? [:], split: meme.split)
    }
    let clusters = Duplicates(memes.map(\.fingerprint), splits: memes.map { _ in nil }).clusters
    try FileManager.default.createDirectory(at: runs, withIntermediateDirectories: true)
    // Held while there may be an unfinished run, which no other process takes for one that was left behind then.
    let lock = open(runs.path, O_RDONLY | O_CLOEXEC)
    defer { close(lock) }
    flock(lock, LOCK_SH)
    let folder = runs.appending(path: "run-\(Int(Date().timeIntervalSince1970 * 1000))", directoryHint: .isDirectory)
    let observer = TrainingObserver(desk: self, task: task.name)
    let retraining = Retraining(memes: labelled, task: task, recipe: recipe, observer: observer)
    let outcome: Retraining.Outcome
    do {
      outcome = try retraining.run(
        in: folder, comparedWith: store.runs(task: task.name).first?.folder, clusters: clusters)
    } catch {
      try? FileManager.default.removeItem(at: folder)
      throw error
    }
    let names = task.labels
    let predictions = zip(memes, outcome.probabilities).map { meme, row in
      (meme.id, Dictionary(uniqueKeysWithValues: zip(names, row)))
    }
    try store.add(
      StoredRun(
        task: task.name, folder: folder, labels: outcome.labels, metric: outcome.metric.rawValue,
        scoreBefore: outcome.before, scoreAfter: outcome.after, scoredMemes: outcome.scored),
      predictions: Dictionary(uniqueKeysWithValues: predictions))
    try retraining.finish(in: folder)
    content.withLock {
      $0.index = outcome.features
      $0.rows = memes.map(\.id)
    }
    try serve(folder)
    try store.setQueue(queue(outcome, memes: memes, task: task), task: task.name)
    // Memes may have come while it trained.
    try store.completeQueues()
  }

  /// Memes without label in the order that the model asks for, then the others, for those who label a second time.
  private func queue(_ outcome: Retraining.Outcome, memes: [StoredMeme], task: LabelTask) -> [QueueEntry] {
    let asked = outcome.order.map { index in
      let row = outcome.probabilities[index]
      let best = row.indices.max { row[$0] < row[$1] }!
      return QueueEntry(
        meme: memes[index].id, reason: "the model says \(row[best].percent) \(task.labels[best])")
    }
    let isAsked = Set(asked.map(\.meme))
    let rest = memes.filter { !isAsked.contains($0.id) }.map { QueueEntry(meme: $0.id, reason: "labelled before") }
    return asked + rest
  }

  // MARK: Runs

  /// The folder of the runs that the page trains.
  private var runs: URL { URL(filePath: store.file.path + ".runs", directoryHint: .isDirectory) }

  /// Removes the runs of trainings that were interrupted: those that still have their checkpoints and that the store does not
  /// know. While another process trains on the same store none is removed.
  private func removeUnfinishedRuns() throws {
    let lock = open(runs.path, O_RDONLY | O_CLOEXEC)
    guard lock >= 0 else { return }  // no training has ever begun
    defer { close(lock) }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else { return }
    let known = Set(
      try store.tasks().flatMap { try store.runs(task: $0.name) }.map(\.folder.lastPathComponent))
    for folder in try FileManager.default.contentsOfDirectory(at: runs, includingPropertiesForKeys: nil) {
      let name = folder.lastPathComponent
      let checkpoints = folder.appending(path: "checkpoints").path
      guard name.hasPrefix("run-"), !known.contains(name), FileManager.default.fileExists(atPath: checkpoints) else {
        continue
      }
      try FileManager.default.removeItem(at: folder)
    }
  }

  // MARK: Observers

  /// Tells the pages how far a training is, and them and the log what it warns of.
  private struct TrainingObserver: ProgressObserver {
    let desk: ModelDesk
    let task: String

    func observe(_ event: ProgressEvent) {
      switch event {
      case .phase(let name): tell(name, 0, 0)
      case .items(let phase, let done, let total): tell(phase, done, total)
      case .epoch(let stage, let done, let total, _): tell(stage, done, total)
      case .warning(let text):
        WarningLog(work: "a training", logger: desk.logger).observe(event)
        desk.content.withLock { $0.warnings.texts.append(text) }
      }
    }

    private func tell(_ phase: String, _ done: Int, _ total: Int) {
      desk.content.withLock { $0.state = .running(task: task, phase: phase, done: done, total: total) }
    }
  }

  /// Writes warnings to the log.
  private struct WarningLog: ProgressObserver {
    /// What warns.
    let work: String
    let logger: Logger

    func observe(_ event: ProgressEvent) {
      if case .warning(let text) = event { logger.warning("\(work) warns", metadata: ["reason": "\(text)"]) }
    }
  }
}
