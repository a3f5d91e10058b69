import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// A path, its method, and what answers it.
struct Route: Sendable {
  var method: HTTPRequest.Method
  var path: String
  /// Whether a key is needed where there are keys.
  var needsKey = true
  var handle: @Sendable (Request, ServerContext) async throws -> Response
}

/// What every service of the program listens by: limits of time, size and number, the log, and an orderly end.
final class Listener: Sendable {
  let metrics = ServerMetrics()
  private let settings: ServerSettings
  private let logger: Logger
  private let onRunning: @Sendable (_ port: Int) async -> Void
  private let limiter: ConnectionLimiter
  /// Bytes of bodies in memory; what is announced and has not come takes none of it.
  private let bodies: Budget
  private let draining = Mutex(false)

  /// - Parameter onRunning: told of the port once requests are answered.
  init(settings: ServerSettings, logger: Logger, onRunning: @escaping @Sendable (_ port: Int) async -> Void) {
    self.settings = settings
    self.logger = logger
    self.onRunning = onRunning
    limiter = ConnectionLimiter(limit: settings.connectionLimit)
    bodies = Budget(max(settings.bodyBudget, settings.bodyLimit))
  }

  var openConnections: Int { limiter.openCount }

  /// Whether nothing new is accepted any more.
  var isDraining: Bool { draining.withLock { $0 } }

  /// Answers until the service group shuts down: then nothing new is accepted and what was begun is answered.
  ///
  /// - Parameter origins: what refuses requests that pages of others send; `nil` for none.
  func run(
    _ routes: [Route], checking origins: SameOriginCheck? = nil, services: [any Service] = []
  ) async throws {
    let guardTimeouts = ConnectionGuard.Timeouts(
      head: TimeAmount(settings.headTimeout), body: TimeAmount(settings.bodyTimeout),
      answer: TimeAmount(settings.deadline + .seconds(10)))
    let (bodyLimit, limiter) = (settings.bodyLimit, limiter)
    let application = Application(
      router: router(routes, origins),
      server: .http1(
        configuration: .init(
          additionalChannelHandlers: [
            ConnectionGuard(timeouts: guardTimeouts, bodyLimit: bodyLimit, limiter: limiter)
          ],
          httpDecoderConfiguration: .init(
            maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100))),
      configuration: .init(
        address: .hostname(settings.host, port: settings.port), serverName: "memesense", backlog: 1024),
      services: services,
      onServerRunning: { [onRunning] channel in await onRunning(channel.localAddress?.port ?? 0) },
      logger: logger)
    try await withGracefulShutdownHandler {
      do {
        try await application.run()
      } catch let error as IOError {
        throw ServerError.cannotListen(
          host: settings.host, port: settings.port, reason: String(cString: strerror(error.errnoCode)))
      } catch let error as SocketAddressError.UnknownHost {
        throw ServerError.cannotListen(host: settings.host, port: settings.port, reason: error.errorDescription)
      }
    } onGracefulShutdown: { [self] in
      draining.withLock { $0 = true }
      logger.info("draining")
    }
  }

  private func router(_ routes: [Route], _ origins: SameOriginCheck?) -> Router<ServerContext> {
    let router = Router(context: ServerContext.self)
    router.middlewares.add(
      RequestRecorder(metrics: metrics) { path in routes.filter { $0.path == path }.map(\.method) })
    if let origins { router.add(middleware: origins) }
    let keyed = router.group().add(middleware: KeyCheck(keys: settings.keys))
    for route in routes {
      let group: any RouterMethods<ServerContext> = route.needsKey ? keyed : router
      group.on(RouterPath(route.path), method: route.method) { request, context in
        try await route.handle(request, context)
      }
    }
    return router
  }

  // MARK: Bodies

  /// Reads a request's body and answers it, within what bodies may take altogether.
  ///
  /// - Parameter limit: bytes of the body; the settings' where it is `nil`.
  func withBody(
    of request: Request, _ context: ServerContext, limit: Int? = nil,
    _ answer: @Sendable ([UInt8]) async throws -> Response
  ) async throws -> Response {
    let limit = min(limit ?? settings.bodyLimit, settings.bodyLimit)
    var tooLarge = APIError.tooLarge("a body may have \(limit) bytes")
    tooLarge.closesConnection = true
    let announced = request.headers[.contentLength].flatMap { Int($0) }
    if let announced, announced > limit { throw tooLarge }
    var full = APIError.full("\(bodies.capacity) bytes of requests are worked on already", retryAfter: 1)
    full.closesConnection = true
    var bytes: [UInt8] = []
    defer { bodies.giveBack(bytes.count) }
    for try await part in request.body {
      guard bytes.count + part.readableBytes <= limit else { throw tooLarge }
      guard bodies.take(part.readableBytes) else { throw full }
      bytes += part.readableBytesView
    }
    context.notes.bytes = bytes.count
    return try await answer(bytes)
  }
}
