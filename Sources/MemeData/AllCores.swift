import Dispatch
import Synchronization

/// Work on many items that all cores share.
package enum AllCores {
  /// Calls `body` for every number below `count`. After an error nothing more is begun, and the first one is thrown.
  ///
  /// - Parameter finished: told how many calls have ended, one call at a time and in order.
  package static func forEach<Failure: Error>(
    below count: Int, _ body: @Sendable (_ index: Int) throws(Failure) -> Void,
    finished: @Sendable (_ done: Int) -> Void
  ) throws(Failure) {
    let state = Mutex<(done: Int, failure: Failure?)>((0, nil))
    DispatchQueue.concurrentPerform(iterations: count) { index in
      guard state.withLock({ $0.failure == nil }) else { return }
      do throws(Failure) {
        try body(index)
        state.withLock {
          $0.done += 1
          finished($0.done)
        }
      } catch {
        state.withLock { $0.failure = $0.failure ?? error }
      }
    }
    if let failure = state.withLock({ $0.failure }) { throw failure }
  }
}
