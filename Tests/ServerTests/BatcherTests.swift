import Synchronization
import Testing

@testable import Server

/// A batcher whose computation a test holds and lets go.
private final class HeldComputation: Sendable {
  private struct State {
    var batches: [[Int]] = []
    var held: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Mutex(State())

  var batches: [[Int]] { state.withLock { $0.batches } }

  /// Doubles numbers; a negative one is an error.
  func compute(_ items: [Int]) async -> [Result<Int, any Error>] {
    await withCheckedContinuation { continuation in
      state.withLock { state in
        state.batches.append(items)
        state.held.append(continuation)
      }
    }
    return items.map { $0 < 0 ? .failure(FormatError("negative")) : .success(2 * $0) }
  }

  /// Waits until a batch is computed, and lets it end.
  func release() async {
    while true {
      if let continuation = state.withLock({ $0.held.popLast() }) {
        continuation.resume()
        return
      }
      await Task.yield()
    }
  }

  func waitForBatches(_ count: Int) async { while batches.count < count { await Task.yield() } }
}

@Suite(.timeLimit(.minutes(1))) struct BatcherTests {
  private let computation = HeldComputation()

  private func batcher(size: Int) -> Batcher<Int, Int> {
    Batcher(batchSize: size) { [computation] in await computation.compute($0) }
  }

  /// Begins to wait for the answers in the order given.
  private func ask(_ items: [Int], _ batcher: Batcher<Int, Int>, behind count: Int = 0) async -> [Task<Int, any Error>]
  {
    var tasks: [Task<Int, any Error>] = []
    for item in items {
      tasks.append(Task { try await batcher.answer(to: item) })
      while batcher.queueLength < count + tasks.count { await Task.yield() }
    }
    return tasks
  }

  @Test func aLoneItemWaitsForNothingAndTheRestIsBatched() async throws {
    let batcher = batcher(size: 3)
    let first = Task { try await batcher.answer(to: 1) }
    await computation.waitForBatches(1)
    let others = await ask([2, 3, 4, 5], batcher)
    for _ in 0..<3 { await computation.release() }
    #expect(try await first.value == 2)
    for (task, expected) in zip(others, [4, 6, 8, 10]) { #expect(try await task.value == expected) }
    #expect(computation.batches == [[1], [2, 3, 4], [5]])
    #expect(batcher.queueLength == 0)
  }

  @Test func anErrorBelongsToItsOwnItem() async throws {
    let batcher = batcher(size: 3)
    let first = Task { try await batcher.answer(to: 1) }
    await computation.waitForBatches(1)
    let others = await ask([-2, 3], batcher)
    for _ in 0..<2 { await computation.release() }
    _ = try await first.value
    await #expect(throws: FormatError.self) { try await others[0].value }
    #expect(try await others[1].value == 6)
  }

  @Test func whoGivesUpIsAnsweredAtOnceAndNeverComputed() async throws {
    let batcher = batcher(size: 3)
    let first = Task { try await batcher.answer(to: 1) }
    await computation.waitForBatches(1)
    let others = await ask([2, 3], batcher)
    others[0].cancel()
    await #expect(throws: CancellationError.self) { try await others[0].value }
    // So is who waits for a batch that is being computed.
    first.cancel()
    await #expect(throws: CancellationError.self) { try await first.value }
    for _ in 0..<2 { await computation.release() }
    #expect(try await others[1].value == 6)
    #expect(computation.batches == [[1], [3]])
    let cancelled = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await batcher.answer(to: 9)
    }
    await #expect(throws: CancellationError.self) { try await cancelled.value }
  }

  @Test func deadlinesEndTheWaiting() async throws {
    let (batcher, clock) = (batcher(size: 1), ManualClock())
    let first = Task { try await batcher.answer(to: 1) }
    await computation.waitForBatches(1)
    let deadline = clock.now.advanced(by: .seconds(2))
    let late = Task {
      try await withDeadline(deadline, clock: clock) { try await batcher.answer(to: 2) }
    }
    while batcher.queueLength < 1 { await Task.yield() }
    await clock.waitForSleepers(1)
    clock.advance(by: .milliseconds(1999))
    #expect(batcher.queueLength == 1)
    clock.advance(by: .milliseconds(1))
    await #expect(throws: DeadlineExceeded.self) { try await late.value }
    #expect(batcher.queueLength == 0)
    await computation.release()
    #expect(try await first.value == 2 && computation.batches == [[1]])
    // An answer that comes in time is given, whatever the clock does after it.
    let timely = Task { try await withDeadline(clock.now.advanced(by: .seconds(1)), clock: clock) { 7 } }
    #expect(try await timely.value == 7)
  }

  @Test func budgetsAreGivenBack() async throws {
    let budget = Budget(3)
    try await budget.with(2, orThrow: FormatError("full")) {
      await #expect(throws: FormatError("full")) { try await budget.with(2, orThrow: FormatError("full")) {} }
      try await budget.with(1, orThrow: FormatError("full")) { #expect(budget.inUse == 3) }
      await #expect(throws: FormatError("inside")) {
        try await budget.with(1, orThrow: FormatError("full")) { throw FormatError("inside") }
      }
    }
    #expect(budget.inUse == 0)
  }

  @Test func budgetsAreTakenByAndBy() async throws {
    let budget = Budget(3)
    #expect(budget.take(0) && budget.take(2) && budget.inUse == 2)
    #expect(!budget.take(2) && budget.inUse == 2, "what is not left is not taken in part")
    #expect(budget.take(1) && !budget.take(1))
    await #expect(throws: FormatError("full")) { try await budget.with(1, orThrow: FormatError("full")) {} }
    budget.giveBack(3)
    #expect(budget.inUse == 0 && budget.take(3))
  }
}
