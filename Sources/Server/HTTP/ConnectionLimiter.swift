import NIOCore
import Synchronization

/// Keeps the count of open connections below a limit.
///
/// Where one too many is opened, the connection gives way that has waited longest for a request or for the rest of one: one
/// that opens connections and sends nothing, or sends bodies byte by byte, closes its own, and a client that sends its request
/// at once is let in. What is being answered never gives way.
final class ConnectionLimiter: Sendable {
  private struct State {
    var open = 0
    var nextTurn: UInt64 = 0
    /// Connections that wait for bytes of the client, with the turn at which they began to.
    var waiting: [ObjectIdentifier: (turn: UInt64, channel: any Channel)] = [:]
  }

  private let limit: Int
  private let state = Mutex(State())

  init(limit: Int) { self.limit = limit }

  var openCount: Int { state.withLock { $0.open } }

  func opened(_ channel: any Channel) {
    let surplus: (any Channel)? = state.withLock { state in
      state.open += 1
      guard state.open > limit else { return nil }
      guard let oldest = state.waiting.min(by: { $0.value.turn < $1.value.turn }) else { return channel }
      state.waiting[oldest.key] = nil
      return oldest.value.channel
    }
    surplus?.close(promise: nil)
  }

  func closed(_ channel: any Channel) {
    state.withLock { state in
      state.open -= 1
      state.waiting[ObjectIdentifier(channel)] = nil
    }
  }

  /// Says whether a connection waits for bytes of the client, from now on.
  func setWaiting(_ channel: any Channel, _ isWaiting: Bool) {
    state.withLock { state in
      state.nextTurn += 1
      state.waiting[ObjectIdentifier(channel)] = isWaiting ? (state.nextTurn, channel) : nil
    }
  }
}
