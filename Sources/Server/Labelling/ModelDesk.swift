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
    var index: FeatureIndex?
    /// The meme of each row of the index.
    var rows: [Int64] = []
    var state = State.idle
  }

  let store: LabelStore
  private let recipe: Recipe
  private let settings: ServerSettings
  private let metrics: ServerMetrics
  private let logger: Logger
  private let content = Mutex(Content())

  /// - Parameter run: a finished run that answers for its task until a training takes its place.
  init(
    store: LabelStore, run: URL?, recipe: Recipe, settings: ServerSettings, metrics: ServerMetrics, logger: Logger
  ) throws {
    self.store = store
    self.recipe = recipe
    self.settings = settings
    self.metrics = metrics
    self.logger = logger
    if let run { try serve(run) }
    for task in try store.tasks() {
      guard let latest = try store.runs(task: task.name).first,
        FileManager.default.fileExists(atPath: latest.folder.path)
      else { continue }
      // The pages are of use without it, and another training replaces it.
      do { try serve(latest.folder) } catch {
        logger.warning("a run cannot answer", metadata: ["reason": "\(error)"])
      }
    }
    if content.withLock({ !$0.services.isEmpty }) { buildIndex() }
  }

  func service(for task: String) -> ModelService? { content.withLock { $0.services[task] } }

  var state: State { content.withLock { $0.state } }

  /// The labelled memes most like another one.
  func nearest(
    to features: FeatureTable, labelled: Set<Int64>, count: Int
  ) -> [(meme: Int64, similarity: Double)] {
    let (index, rows) = content.withLock { ($0.index, $0.rows) }
    guard let index else { return [] }
    return index.nearest(to: features, count: count) { labelled.contains(rows[$0]) }
      .map { (rows[$0.row], $0.similarity) }
  }

  private func serve(_ folder: URL) throws {
    let service = try ModelService(run: folder, settings: settings, metrics: metrics)
    content.withLock { content in
      for task in service.current.facts.tasks { content.services[task.name] = service }
    }
  }

  /// Finds the features of all memes in the cache, on a thread of its own.
  private func buildIndex() {
    Thread.detachNewThread { [self] in
      do {
        let memes = try store.memes()
        let table = try Retraining.features(
          of: memes.map { Meme(id: $0.name, image: $0.image, text: $0.text) }, recipe: recipe,
          observer: SilentObserver())
        content.withLock {
          $0.index = FeatureIndex(table)
          $0.rows = memes.map(\.id)
        }
      } catch {
        logger.error("no memes can be shown beside others", metadata: ["reason": "\(error)"])
      }
    }
  }

  // MARK: Training

  /// Begins a training on the labels as they stand; one that is under way goes on alone.
  func train(_ task: LabelTask) {
    let begins = content.withLock { content in
      if case .running = content.state { return false }
      content.state = .running(task: task.name, phase: "Beginning", done: 0, total: 0)
      return true
    }
    guard begins else { return }
    Thread.detachNewThread { [self] in
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
    let runs = URL(filePath: store.file.path + ".runs", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: runs, withIntermediateDirectories: true)
    let folder = runs.appending(path: "run-\(Int(Date().timeIntervalSince1970 * 1000))", directoryHint: .isDirectory)
    let observer = TrainingObserver { [self] phase, done, total in
      content.withLock { $0.state = .running(task: task.name, phase: phase, done: done, total: total) }
    }
    let outcome: Retraining.Outcome
    do {
      outcome = try Retraining(memes: labelled, task: task, recipe: recipe, observer: observer).run(
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

  private struct TrainingObserver: ProgressObserver {
    let tell: @Sendable (_ phase: String, _ done: Int, _ total: Int) -> Void

    init(_ tell: @escaping @Sendable (_ phase: String, _ done: Int, _ total: Int) -> Void) { self.tell = tell }

    func observe(_ event: ProgressEvent) {
      switch event {
      case .phase(let name): tell(name, 0, 0)
      case .items(let phase, let done, let total): tell(phase, done, total)
      case .epoch(let stage, let done, let total, _): tell(stage, done, total)
      case .warning: break
      }
    }
  }
}
