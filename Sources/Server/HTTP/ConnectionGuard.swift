import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Bounds the time of each step of a connection, whatever trickles in meanwhile, and ends connections so that the last answer
/// arrives.
///
/// It stands between the HTTP decoder and Hummingbird. A client that is too slow is cut off without an answer.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  struct Timeouts: Sendable {
    /// For a request's head; the time between requests counts.
    var head: TimeAmount
    var body: TimeAmount
    /// For an answer, from the request's last byte until it is written.
    var answer: TimeAmount
    /// For the client to read the last answer.
    var farewell = TimeAmount.seconds(2)
  }

  private let timeouts: Timeouts
  private let bodyLimit: Int
  private let limiter: ConnectionLimiter
  private var timer: Scheduled<Void>?
  private var isOpen = false
  /// A request's head has come and its end has not.
  private var isReceiving = false
  private var unanswered = 0
  private var isLastAnswer = false

  init(timeouts: Timeouts, bodyLimit: Int, limiter: ConnectionLimiter) {
    self.timeouts = timeouts
    self.bodyLimit = bodyLimit
    self.limiter = limiter
  }

  // MARK: Opening and closing

  func handlerAdded(context: ChannelHandlerContext) {
    if context.channel.isActive { open(context) }
  }

  func channelActive(context: ChannelHandlerContext) {
    open(context)
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) {
    close(context)
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) { close(context) }

  private func open(_ context: ChannelHandlerContext) {
    guard !isOpen else { return }
    isOpen = true
    limiter.opened(context.channel)
    enterStep(context)
  }

  private func close(_ context: ChannelHandlerContext) {
    timer?.cancel()
    guard isOpen else { return }
    isOpen = false
    limiter.closed(context.channel)
  }

  // MARK: Steps

  /// Begins to time what comes next. An answer to a connection that has closed meanwhile begins nothing: the limiter would
  /// count a dead one among those that can give way, for ever.
  private func enterStep(_ context: ChannelHandlerContext) {
    guard isOpen else { return }
    let isIdle = !isReceiving && unanswered == 0
    limiter.setWaiting(context.channel, isIdle || isReceiving)
    setTimer(isIdle ? timeouts.head : isReceiving ? timeouts.body : timeouts.answer, context)
  }

  private func setTimer(_ time: TimeAmount, _ context: ChannelHandlerContext) {
    timer?.cancel()
    let channel = context.channel
    timer = context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      isReceiving = true
      unanswered += 1
      enterStep(context)
      if invitesContinue(head) {
        context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
      }
    case .body: break
    case .end:
      isReceiving = false
      enterStep(context)
    }
    context.fireChannelRead(data)
  }

  /// Whether the client waits to be told that it may send a body (RFC 9110 §10.1.1), and may.
  private func invitesContinue(_ head: HTTPRequest) -> Bool {
    head.headerFields[.expect]?.lowercased() == "100-continue"
      && Int(head.headerFields[.contentLength] ?? "0").map { $0 <= bodyLimit } == true
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    switch unwrapOutboundIn(data) {
    case .head(let head):
      if head.headerFields[.connection]?.lowercased() == "close" { isLastAnswer = true }
      context.write(data, promise: promise)
    case .body: context.write(data, promise: promise)
    case .end:
      unanswered = max(0, unanswered - 1)
      guard isLastAnswer else {
        context.write(data, promise: promise)
        return enterStep(context)
      }
      context.writeAndFlush(data, promise: promise)
      // Closing both ways while the client still sends would reset the connection and lose the answer on its way.
      context.close(mode: .output, promise: nil)
      setTimer(timeouts.farewell, context)
    }
  }
}
