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
  /// Memes that are shown to somebody, with whom and until when they are kept from others.
  private let shown = Mutex<[Int64: (annotator: String, until: ContinuousClock.Instant)]>([:])

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

  /// The next meme for somebody, which nobody else is shown for a while.
  func next(task: LabelTask, for annotator: String) throws -> (meme: StoredMeme, reason: String)? {
    let now = ContinuousClock.now
    let others = shown.withLock { shown in
      shown = shown.filter { $0.value.until > now }
      return Set(shown.filter { $0.value.annotator != annotator }.keys)
    }
    func first(leavingOut: Set<Int64>) throws -> (meme: StoredMeme, reason: String)? {
      try store.nextMemes(
        task: task.name, for: annotator, overlap: overlap, leavingOut: leavingOut, limit: 1
      ).first
    }
    // At the very end two people may decide on the same meme rather than wait for each other.
    guard let next = try first(leavingOut: overlap > 1 ? [] : others) ?? first(leavingOut: []) else { return nil }
    shown.withLock { $0[next.meme.id] = (annotator, now + Self.patience) }
    return next
  }
}
