import Dispatch
import Foundation
import Methods
import Torch

/// Makes the inputs of batches on a thread of its own while earlier ones train, a few ahead.
///
/// What is made depends on no thread: see ``TrainingStage/preparation``. An error is thrown where the batch is asked for.
final class PreparedInputs: @unchecked Sendable {
  private typealias Inputs = Result<[Tensor], any Error>

  private let rows: [[Int]]
  private let limit: Int
  private let prepare: (_ rows: [Int]) throws -> [Tensor]
  /// Guards everything below.
  private let condition = NSCondition()
  private var ready: [Inputs] = []
  private var isWanted = true
  private var isRunning = true

  /// - Parameters:
  ///   - rows: Of each batch, in the order they will be asked for.
  ///   - limit: Batches that wait at most.
  init(of rows: [[Int]], limit: Int = 2, prepare: @escaping (_ rows: [Int]) throws -> [Tensor]) {
    self.rows = rows
    self.limit = limit
    self.prepare = prepare
    DispatchQueue(label: "inputs of batches").async { self.run() }
  }

  /// The inputs of the next batch; waits for them.
  func next() throws -> [Tensor] {
    let inputs = condition.withLock {
      while ready.isEmpty {
        precondition(isRunning, "more batches are asked for than there are")
        condition.wait()
      }
      condition.broadcast()
      return ready.removeFirst()
    }
    return try inputs.get()
  }

  /// Prepares nothing more, and returns when nothing is under way: what `prepare` reads may go then.
  func stop() {
    condition.withLock {
      isWanted = false
      condition.broadcast()
      while isRunning { condition.wait() }
    }
  }

  private func run() {
    for rows in rows {
      let isNext = condition.withLock {
        while isWanted, ready.count >= limit { condition.wait() }
        return isWanted
      }
      guard isNext else { break }
      let inputs = Inputs { try prepare(rows) }
      condition.withLock {
        ready.append(inputs)
        condition.broadcast()
      }
      if case .failure = inputs { break }
    }
    condition.withLock {
      isRunning = false
      condition.broadcast()
    }
  }
}
