import NIOCore
import Synchronization

/// Keeps the count of open connections below a limit.
///
/// Where one too many is opened, the connection that has waited longest for a request gives way, or where none waits for one,
/// the one whose body has been coming longest: one that opens connections and sends nothing, or sends a body byte by byte,
/// closes its own, and a client that sends its request at once is let in. What is being answered never gives way.
final class ConnectionLimiter: Sendable {
  /// What a connection does.
  enum Step {
    case idle, receiving, answering
  }

  /// Connections in a step, with the turn at which they entered it.
  private typealias Waiting = [ObjectIdentifier: (turn: UInt64, channel: any Channel)]

  private struct State {
    var open = 0
    var nextTurn: UInt64 = 0
    var idle: Waiting = [:]
    var receiving: Waiting = [:]
  }

  private let limit: Int
  private let state = Mutex(State())

  init(limit: Int) { self.limit = limit }

  var openCount: Int { state.withLock { $0.open } }

  func opened(_ channel: any Channel) {
    let surplus: (any Channel)? = state.withLock { state in
      state.open += 1
      guard state.open > limit else { return nil }
      let waiting = state.idle.isEmpty ? state.receiving : state.idle
      guard let oldest = waiting.min(by: { $0.value.turn < $1.value.turn }) else { return channel }
      state.idle[oldest.key] = nil
      state.receiving[oldest.key] = nil
      return oldest.value.channel
    }
    surplus?.close(promise: nil)
  }

  func closed(_ channel: any Channel) {
    state.withLock { state in
      state.open -= 1
      state.idle[ObjectIdentifier(channel)] = nil
      state.receiving[ObjectIdentifier(channel)] = nil
    }
  }

  /// Says what a connection does now.
  func enter(_ step: Step, _ channel: any Channel) {
    state.withLock { state in
      state.nextTurn += 1
      state.idle[ObjectIdentifier(channel)] = step == .idle ? (state.nextTurn, channel) : nil
      state.receiving[ObjectIdentifier(channel)] = step == .receiving ? (state.nextTurn, channel) : nil
    }
  }
}
