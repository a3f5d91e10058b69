import Foundation
import HTTPTypes
import Hummingbird
import Logging
import ServiceLifecycle
import Training
import UnixSignals

/// The service: one trained model behind HTTP.
///
/// Each path stands in ``routes`` with its handler; pages and a store are further routes.
public struct MemeServer: Service {
  private let settings: ServerSettings
  private let listener: Listener
  private let service: ModelService
  private let openAPI: Data
  private let logger: Logger

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
    listener = Listener(settings: settings, logger: logger, onRunning: onRunning)
    service = try ModelService(run: folder, settings: settings, metrics: listener.metrics)
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
    try await listener.run(routes, services: [Reloading(service: service, logger: logger)])
  }

  /// Loads the model anew; one that cannot be loaded leaves the old one in place.
  func reload() async throws { _ = try await service.reload() }

  /// Memes that wait or are worked on.
  var load: Int { service.load }

  var openConnections: Int { listener.openConnections }

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

  private var routes: [Route] {
    [
      Route(method: .post, path: "/v1/predict") { try await answer($0, $1, as: PredictFormat.self) },
      Route(method: .post, path: "/v1/moderations") { try await answer($0, $1, as: ModerationsFormat.self) },
      Route(method: .post, path: "/v1alpha1/comments:analyze") {
        try await answer($0, $1, as: PerspectiveFormat.self)
      },
      Route(method: .get, path: "/metrics") { _, _ in
        .bytes(
          Data(listener.metrics.text(load: load, connections: openConnections).utf8),
          type: "text/plain; version=0.0.4; charset=utf-8")
      },
      Route(method: .get, path: "/openapi.json", needsKey: false) { _, _ in
        .bytes(openAPI, type: "application/json")
      },
      Route(method: .get, path: "/healthz", needsKey: false) { _, _ in try .json(["status": "ok"]) },
      Route(method: .get, path: "/readyz", needsKey: false) { _, _ in
        guard !listener.isDraining else {
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
    try await listener.withBody(of: request, context) { bytes in
      let end = service.nextDeadline
      // An exchange of the model meanwhile does not concern this request.
      let model = service.current
      let body = RequestBodyContent(bytes: bytes, contentType: request.headers[.contentType])
      let limits = settings.requestLimits
      let understood = try await service.before(end) {
        try await service.onPool { try format.understand(body, for: model.facts, limits: limits) }
      }
      context.notes.memes = understood.memes.count
      let predictions = try await service.predictions(for: understood.memes, from: model, before: end)
      listener.metrics.memes.add(Double(predictions.count))
      return try .json(understood.answer(predictions))
    }
  }
}
