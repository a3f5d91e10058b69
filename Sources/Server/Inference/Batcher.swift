import Synchronization

/// Gathers what many requests ask for into batches, which are computed one after another.
///
/// A batch begins as soon as the one before has ended and takes what waits by then, up to a limit. So a lone request waits
/// for nothing, and batches grow by themselves as requests come faster than they are answered; no delay is chosen.
final class Batcher<Item: Sendable, Answer: Sendable>: Sendable {
  /// Answers of a batch, in order.
  typealias Compute = @Sendable ([Item]) async -> [Result<Answer, any Error>]

  private struct State {
    var queue: [(ticket: Int, item: Item)] = []
    /// Who waits for an answer; who has given up is no longer among them.
    var waiting: [Int: CheckedContinuation<Answer, any Error>] = [:]
    var nextTicket = 0
    var isWorking = false
    /// Those that gave up before they began to wait.
    var cancelled: Set<Int> = []
  }

  private let state = Mutex(State())
  private let batchSize: Int
  private let compute: Compute

  init(batchSize: Int, compute: @escaping Compute) {
    precondition(batchSize > 0)
    self.batchSize = batchSize
    self.compute = compute
  }

  /// How many items wait for a batch.
  var queueLength: Int { state.withLock { $0.queue.count } }

  /// Waits for the answer to an item. A task that is cancelled gets its error at once, and an item that was in no batch yet
  /// is never computed.
  func answer(to item: Item) async throws -> Answer {
    let ticket = state.withLock { state in
      state.nextTicket += 1
      return state.nextTicket
    }
    defer { state.withLock { _ = $0.cancelled.remove(ticket) } }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let isCancelled = state.withLock { state in
          if state.cancelled.contains(ticket) { return true }
          state.queue.append((ticket, item))
          state.waiting[ticket] = continuation
          if !state.isWorking {
            state.isWorking = true
            Task { await work() }
          }
          return false
        }
        if isCancelled { continuation.resume(throwing: CancellationError()) }
      }
    } onCancel: {
      let continuation = state.withLock { state in
        state.cancelled.insert(ticket)
        state.queue.removeAll { $0.ticket == ticket }
        return state.waiting.removeValue(forKey: ticket)
      }
      continuation?.resume(throwing: CancellationError())
    }
  }

  private func work() async {
    while let batch = nextBatch() {
      let answers = await compute(batch.map(\.item))
      precondition(answers.count == batch.count, "one answer for each item")
      for ((ticket, _), answer) in zip(batch, answers) {
        state.withLock { $0.waiting.removeValue(forKey: ticket) }?.resume(with: answer)
      }
    }
  }

  private func nextBatch() -> [(ticket: Int, item: Item)]? {
    state.withLock { state in
      let batch = Array(state.queue.prefix(batchSize))
      state.queue.removeFirst(batch.count)
      state.isWorking = !batch.isEmpty
      return batch.isEmpty ? nil : batch
    }
  }
}

/// Something of which only so much may be in use at once.
final class Budget: Sendable {
  let capacity: Int
  private let used = Mutex(0)

  init(_ capacity: Int) { self.capacity = capacity }

  var inUse: Int { used.withLock { $0 } }

  /// Takes so much, which ``giveBack(_:)`` must give back, or nothing where that much is not left.
  func take(_ amount: Int) -> Bool {
    used.withLock { used in
      guard used + amount <= capacity else { return false }
      used += amount
      return true
    }
  }

  func giveBack(_ amount: Int) { used.withLock { $0 -= amount } }

  /// Runs `body` with so much taken, or throws `error` where that much is not left.
  func with<Value, Failure: Error>(
    _ amount: Int, orThrow error: @autoclosure () -> Failure, _ body: () async throws -> Value
  ) async throws -> Value {
    guard take(amount) else { throw error() }
    defer { giveBack(amount) }
    return try await body()
  }
}

/// The time for some work was over.
struct DeadlineExceeded: Error {}

/// Runs `body`, which is cancelled at the deadline.
///
/// - Throws: ``DeadlineExceeded`` where the deadline came first.
func withDeadline<C: Clock, Value: Sendable>(
  _ deadline: C.Instant, clock: C, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
  try await withThrowingTaskGroup(of: Value.self) { group in
    defer { group.cancelAll() }
    group.addTask(operation: body)
    group.addTask {
      try await clock.sleep(until: deadline, tolerance: nil)
      throw DeadlineExceeded()
    }
    guard let first = try await group.next() else { throw CancellationError() }
    return first
  }
}
