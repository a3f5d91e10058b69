import Foundation
import LabelStore
import MemeData
import NIOPosix
import Synchronization

/// What a page of labels is made from: the store, the order of its queues, and who looks at what.
final class LabelDesk: Sendable {
  let store: LabelStore
  private let firstTask: String?
  /// How many people are to decide on each meme.
  let overlap: Int
  /// Threads that ask the store and decode pictures.
  private let pool = NIOThreadPool(numberOfThreads: 4)
  /// What somebody was shown, and until when it is kept for that person.
  private let shown = Mutex<[Showing: ContinuousClock.Instant]>([:])

  private struct Showing: Hashable {
    var task: String
    var meme: Int64
    var annotator: String
  }

  /// How long a meme is kept for somebody who was shown it.
  private static let patience = Duration.seconds(300)

  init(store: LabelStore, firstTask: String?, overlap: Int) {
    self.store = store
    self.firstTask = firstTask
    self.overlap = overlap
    pool.start()
  }

  deinit { pool.shutdownGracefully { _ in } }

  /// Runs what waits for the disk on a thread where it holds nothing up.
  func onPool<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await pool.runIfActive(body)
  }

  /// The task of a name, or the one to begin with.
  func task(named name: String?) throws -> LabelTask {
    let tasks = try store.tasks()
    guard let name = name ?? firstTask else {
      guard let first = tasks.first else { throw LabelStoreError.unknown(what: "task", name: "") }
      return first
    }
    guard let task = tasks.first(where: { $0.name == name }) else {
      throw LabelStoreError.unknown(what: "task", name: name)
    }
    return task
  }

  /// The next meme for somebody. For a while it is shown to no more people than are still to decide on it.
  func next(task: LabelTask, for annotator: String) throws -> (meme: StoredMeme, reason: String)? {
    // One lock over the choice and what follows from it, so that it counts for who asks at the same moment.
    try shown.withLock { shown -> (meme: StoredMeme, reason: String)? in
      let now = ContinuousClock.now
      shown = shown.filter { $0.value > now }
      let taken = try takenMemes(of: task, besides: annotator, &shown)
      func first(leavingOut: Set<Int64>) throws -> (meme: StoredMeme, reason: String)? {
        try store.nextMemes(
          task: task.name, for: annotator, overlap: overlap, leavingOut: leavingOut, limit: 1
        ).first
      }
      // At the very end more people may decide on the same meme rather than wait for each other.
      guard let next = try first(leavingOut: taken) ?? first(leavingOut: []) else { return nil }
      shown[Showing(task: task.name, meme: next.meme.id, annotator: annotator)] = now + Self.patience
      return next
    }
  }

  /// Keeps a meme for somebody as if it had just been shown.
  func keep(_ meme: Int64, of task: LabelTask, for annotator: String) {
    shown.withLock {
      $0[Showing(task: task.name, meme: meme, annotator: annotator)] = ContinuousClock.now + Self.patience
    }
  }

  /// The memes on which as many people have decided, or are about to, as are to; who was shown one and has answered is
  /// forgotten.
  private func takenMemes(
    of task: LabelTask, besides annotator: String, _ shown: inout [Showing: ContinuousClock.Instant]
  ) throws -> Set<Int64> {
    let others = shown.keys.filter { $0.task == task.name && $0.annotator != annotator }
    var taken: Set<Int64> = []
    for (meme, showings) in Dictionary(grouping: others, by: \.meme) {
      let lastWords = try store.currentLabels(of: meme, task: task.name)
      let deciders = lastWords.count { $0.label != nil }
      let answered = Set(lastWords.map(\.annotator))
      for showing in showings where answered.contains(showing.annotator) { shown[showing] = nil }
      let waiting = showings.count { !answered.contains($0.annotator) }
      if deciders + waiting >= overlap { taken.insert(meme) }
    }
    return taken
  }
}
