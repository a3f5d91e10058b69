import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Testing

@testable import Server

/// What becomes of a connection's place among those that can give way.
@Suite struct ConnectionGuardTests {
  /// Ends an answer when the connection has closed already, as one that was still at work does.
  private final class LateAnswer: ChannelInboundHandler {
    typealias InboundIn = HTTPRequestPart
    typealias OutboundOut = HTTPResponsePart

    func channelInactive(context: ChannelHandlerContext) {
      context.write(wrapOutboundOut(.end(nil)), promise: nil)
      context.fireChannelInactive()
    }
  }

  private let limiter = ConnectionLimiter(limit: 1)

  private func connection() throws -> EmbeddedChannel {
    let timeouts = ConnectionGuard.Timeouts(head: .seconds(9), body: .seconds(9), answer: .seconds(9))
    let channel = EmbeddedChannel(handlers: [
      ConnectionGuard(timeouts: timeouts, bodyLimit: 1000, limiter: limiter), LateAnswer(),
    ])
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    return channel
  }

  /// A dead connection that counted among the waiting ones would give way in place of a living one.
  @Test func aConnectionThatHasClosedGivesWayNoMore() throws {
    let first = try connection()
    first.close(promise: nil)
    #expect(limiter.openCount == 0)
    let second = try connection()
    let third = try connection()
    #expect(limiter.openCount == 1 && !second.isActive && third.isActive)
  }
}
