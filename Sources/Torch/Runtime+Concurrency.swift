import Dispatch
import Synchronization

extension Runtime {
  /// Runs `body` for each index below `count` at once, every operation of one on `threadsEach` threads, and throws the
  /// first error when all have ended.
  ///
  /// - Parameter body: may ask `isWanted` now and then, which is false once another has failed.
  public static func concurrently(
    _ count: Int, threadsEach: Int, _ body: @Sendable (_ index: Int, _ isWanted: () -> Bool) throws -> Void
  ) throws {
    let threads = threadCount
    let failure = Mutex<(any Error)?>(nil)
    DispatchQueue.concurrentPerform(iterations: count) { index in
      threadCount = threadsEach
      do {
        try body(index) { failure.withLock { $0 == nil } }
      } catch {
        failure.withLock { $0 = $0 ?? error }
      }
    }
    threadCount = threads
    if let error = failure.withLock({ $0 }) { throw error }
  }
}
