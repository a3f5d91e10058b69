import NIOCore
import Synchronization

/// Keeps the count of open connections below a limit.
///
/// Where one too many is opened, the connection that has waited longest for a request gives way: one that opens
/// connections and sends nothing closes its own, and a client that sends its request at once is let in.
final class ConnectionLimiter: Sendable {
  private struct State {
    var open = 0
    var nextTurn: UInt64 = 0
    /// Connections between requests, with the turn at which they began to wait.
    var idle: [ObjectIdentifier: (turn: UInt64, channel: any Channel)] = [:]
  }

  private let limit: Int
  private let state = Mutex(State())

  init(limit: Int) { self.limit = limit }

  var openCount: Int { state.withLock { $0.open } }

  func opened(_ channel: any Channel) {
    let surplus: (any Channel)? = state.withLock { state in
      state.open += 1
      guard state.open > limit else { return nil }
      guard let oldest = state.idle.min(by: { $0.value.turn < $1.value.turn }) else { return channel }
      state.idle[oldest.key] = nil
      return oldest.value.channel
    }
    surplus?.close(promise: nil)
  }

  func closed(_ channel: any Channel) {
    state.withLock { state in
      state.open -= 1
      state.idle[ObjectIdentifier(channel)] = nil
    }
  }

  /// Says whether a connection waits for a request.
  func setIdle(_ channel: any Channel, _ isIdle: Bool) {
    state.withLock { state in
      state.nextTurn += 1
      state.idle[ObjectIdentifier(channel)] = isIdle ? (state.nextTurn, channel) : nil
    }
  }
}
