import Dispatch
import Foundation
import Methods
import Torch

/// Makes the inputs of batches on threads of its own while earlier ones train, a few ahead.
///
/// What is made depends on no thread: see ``TrainingStage/preparation``. An error is thrown where the batch is asked for.
final class PreparedInputs: @unchecked Sendable {
  private typealias Inputs = Result<[Tensor], any Error>

  private let rows: [[Int]]
  /// How far the batch that is made may be ahead of the one that is asked for.
  private let limit: Int
  private let prepare: (_ rows: [Int]) throws -> [Tensor]
  /// Guards everything below.
  private let condition = NSCondition()
  /// By the number of their batch.
  private var ready: [Int: Inputs] = [:]
  /// The batch that is made next, and the one that is asked for next.
  private var (nextMade, nextTaken) = (0, 0)
  private var isWanted = true
  private var workerCount: Int

  /// - Parameters:
  ///   - rows: Of each batch, in the order they will be asked for.
  ///   - workers: Threads that make them, each another batch.
  ///   - prepare: Is called from any of those threads.
  init(of rows: [[Int]], workers: Int = 1, prepare: @escaping (_ rows: [Int]) throws -> [Tensor]) {
    precondition(workers > 0, "\(workers) workers")
    self.rows = rows
    self.prepare = prepare
    workerCount = workers
    limit = workers + 1
    let queue = DispatchQueue(label: "inputs of batches", attributes: .concurrent)
    for _ in 0..<workers { queue.async { self.work() } }
  }

  /// The inputs of the next batch; waits for them. After an error there are no further ones.
  func next() throws -> [Tensor] {
    let inputs = condition.withLock {
      precondition(nextTaken < rows.count, "more batches are asked for than there are")
      while ready[nextTaken] == nil { condition.wait() }
      defer { nextTaken += 1 }
      condition.broadcast()
      return ready.removeValue(forKey: nextTaken)!
    }
    return try inputs.get()
  }

  /// Prepares nothing more, and returns when nothing is under way: what `prepare` reads may go then.
  func stop() {
    condition.withLock {
      isWanted = false
      condition.broadcast()
      while workerCount > 0 { condition.wait() }
    }
  }

  private func work() {
    while let batch = takeNext() {
      let inputs = Inputs { try prepare(rows[batch]) }
      condition.withLock {
        ready[batch] = inputs
        // Whoever asks for this batch ends there, so that none after it is needed.
        if case .failure = inputs { isWanted = false }
        condition.broadcast()
      }
    }
    condition.withLock {
      workerCount -= 1
      condition.broadcast()
    }
  }

  /// The number of a batch to make, once there is room for it; `nil` where none is wanted any more.
  private func takeNext() -> Int? {
    condition.withLock {
      while isWanted, nextMade < rows.count, nextMade - nextTaken >= limit { condition.wait() }
      guard isWanted, nextMade < rows.count else { return nil }
      defer { nextMade += 1 }
      return nextMade
    }
  }
}
