import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization
import Training
import UnixSignals

/// The service: one trained model behind HTTP.
///
/// Each path stands in ``routes`` with its handler; pages and a store are further routes.
public struct MemeServer: Service {
  /// A path, its method, and what answers it.
  private struct Route: Sendable {
    var method: HTTPRequest.Method
    var path: String
    /// Whether a key is needed where there are keys.
    var needsKey = true
    var handle: @Sendable (Request, ServerContext) async throws -> Response
  }

  private let settings: ServerSettings
  private let service: ModelService
  private let metrics = ServerMetrics()
  private let limiter: ConnectionLimiter
  /// Bytes of bodies in memory.
  private let bodies: Budget
  private let isDraining = Draining()
  private let openAPI: Data
  private let logger: Logger
  private let onRunning: @Sendable (_ port: Int) async -> Void

  private final class Draining: Sendable {
    let value = Mutex(false)
  }

  /// Loads the model.
  ///
  /// - Parameter onRunning: told of the port once requests are answered.
  /// - Throws: `TrainingError` for a folder that is no finished run, and what its files are at fault for.
  public init(
    run folder: URL, settings: ServerSettings, logger: Logger,
    onRunning: @escaping @Sendable (_ port: Int) async -> Void
  ) throws {
    self.settings = settings
    self.logger = logger
    self.onRunning = onRunning
    service = try ModelService(run: folder, settings: settings, metrics: metrics)
    limiter = ConnectionLimiter(limit: settings.connectionLimit)
    bodies = Budget(max(settings.bodyBudget, settings.bodyLimit))
    let file = try ProgramResources.url(of: "openapi.json", target: "Server", what: "API descriptions")
    openAPI = try Data(contentsOf: file)
  }

  /// Answers until SIGTERM or SIGINT; SIGHUP exchanges the model.
  public func runUntilSignalled() async throws {
    try await ServiceGroup(
      configuration: .init(services: [self], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    ).run()
  }

  /// Answers until the service group shuts down: then nothing new is accepted and what was begun is answered.
  public func run() async throws {
    let model = service.current.facts
    logger.info("serving", metadata: ["model": "\(model.name)", "version": "\(model.version)"])
    let guardTimeouts = ConnectionGuard.Timeouts(
      head: TimeAmount(settings.headTimeout), body: TimeAmount(settings.bodyTimeout),
      answer: TimeAmount(settings.deadline + .seconds(10)))
    let (bodyLimit, limiter) = (settings.bodyLimit, limiter)
    let application = Application(
      router: router,
      server: .http1(
        configuration: .init(
          additionalChannelHandlers: [
            ConnectionGuard(timeouts: guardTimeouts, bodyLimit: bodyLimit, limiter: limiter)
          ],
          httpDecoderConfiguration: .init(
            maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100))),
      configuration: .init(
        address: .hostname(settings.host, port: settings.port), serverName: "memesense", backlog: 1024),
      services: [Reloading(service: service, logger: logger)],
      onServerRunning: { [onRunning] channel in await onRunning(channel.localAddress?.port ?? 0) },
      logger: logger)
    try await withGracefulShutdownHandler {
      do {
        try await application.run()
      } catch let error as IOError {
        throw ServerError.cannotListen(
          host: settings.host, port: settings.port, reason: String(cString: strerror(error.errnoCode)))
      }
    } onGracefulShutdown: { [isDraining, logger] in
      isDraining.value.withLock { $0 = true }
      logger.info("draining")
    }
  }

  /// Loads the model anew; one that cannot be loaded leaves the old one in place.
  func reload() async throws { _ = try await service.reload() }

  /// Memes that wait or are worked on.
  var load: Int { service.load }

  var openConnections: Int { limiter.openCount }

  /// Exchanges the model at each SIGHUP.
  private struct Reloading: Service {
    let service: ModelService
    let logger: Logger

    func run() async throws {
      for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
        do {
          let model = try await service.reload()
          logger.info("model exchanged", metadata: ["model": "\(model.name)", "version": "\(model.version)"])
        } catch {
          logger.error("the model was not exchanged; the old one goes on", metadata: ["reason": "\(error)"])
        }
      }
    }
  }

  // MARK: Routes

  private var router: Router<ServerContext> {
    let router = Router(context: ServerContext.self)
    let routes = routes
    router.middlewares.add(
      RequestRecorder(metrics: metrics) { path in routes.filter { $0.path == path }.map(\.method) })
    let keyed = router.group().add(middleware: KeyCheck(keys: settings.keys))
    for route in routes {
      let group: any RouterMethods<ServerContext> = route.needsKey ? keyed : router
      group.on(RouterPath(route.path), method: route.method) { request, context in
        try await route.handle(request, context)
      }
    }
    return router
  }

  private var routes: [Route] {
    [
      Route(method: .post, path: "/v1/predict") { try await answer($0, $1, as: PredictFormat.self) },
      Route(method: .post, path: "/v1/moderations") { try await answer($0, $1, as: ModerationsFormat.self) },
      Route(method: .post, path: "/v1alpha1/comments:analyze") {
        try await answer($0, $1, as: PerspectiveFormat.self)
      },
      Route(method: .get, path: "/metrics") { _, _ in
        .bytes(
          Data(metrics.text(load: load, connections: openConnections).utf8),
          type: "text/plain; version=0.0.4; charset=utf-8")
      },
      Route(method: .get, path: "/openapi.json", needsKey: false) { _, _ in
        .bytes(openAPI, type: "application/json")
      },
      Route(method: .get, path: "/healthz", needsKey: false) { _, _ in try .json(["status": "ok"]) },
      Route(method: .get, path: "/readyz", needsKey: false) { _, _ in
        guard !isDraining.value.withLock({ $0 }) else {
          return try .json(["status": "draining"], status: .serviceUnavailable)
        }
        let model = service.current.facts
        return try .json(["status": "ready", "model": model.name, "version": model.version])
      },
    ]
  }

  /// Reads a request, asks the model, and answers in the request's own shape.
  private func answer(
    _ request: Request, _ context: ServerContext, as format: any RequestFormat.Type
  ) async throws -> Response {
    let announced = try announcedLength(of: request)
    var full = APIError.full("\(bodies.capacity) bytes of requests are worked on already", retryAfter: 1)
    full.closesConnection = true
    return try await bodies.with(announced ?? settings.bodyLimit, orThrow: full) {
      let bytes: [UInt8]
      do {
        bytes = Array(try await request.body.collect(upTo: settings.bodyLimit).readableBytesView)
      } catch is NIOTooManyBytesError {
        throw tooLarge
      }
      context.notes.bytes = bytes.count
      // An exchange of the model meanwhile does not concern this request.
      let model = service.current
      let body = RequestBodyContent(bytes: bytes, contentType: request.headers[.contentType])
      let limits = settings.requestLimits
      let understood = try await service.onPool {
        try format.understand(body, for: model.facts, limits: limits)
      }
      context.notes.memes = understood.memes.count
      let predictions = try await service.predictions(for: understood.memes, from: model)
      metrics.memes.add(Double(predictions.count))
      return try .json(understood.answer(predictions))
    }
  }

  /// The length of a body; `nil` where the request does not tell it beforehand.
  private func announcedLength(of request: Request) throws(APIError) -> Int? {
    guard let length = request.headers[.contentLength].flatMap({ Int($0) }) else { return nil }
    guard length <= settings.bodyLimit else { throw tooLarge }
    return length
  }

  private var tooLarge: APIError {
    var error = APIError.tooLarge("a body may have \(settings.bodyLimit) bytes")
    error.closesConnection = true
    return error
  }
}
