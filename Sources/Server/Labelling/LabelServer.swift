import Foundation
import HTTPTypes
import Hummingbird
import LabelStore
import Logging
import MemeData
import ServiceLifecycle
import Training
import UnixSignals

/// The pages on which people label memes: a queue, progress, a model's answers and trainings, import and export, over a
/// `LabelStore`.
public struct LabelServer: Service {
  let settings: ServerSettings
  let listener: Listener
  let desk: LabelDesk
  let models: ModelDesk
  let decoder: ImageDecoder
  private let stylesheet: Data
  private let script: Data
  private let logger: Logger

  /// Bytes of a form without files.
  private static let formLimit = 64 << 10

  /// - Parameters:
  ///   - firstTask: the task that the pages begin with; `nil` for the store's first.
  ///   - overlap: how many people are to decide on each meme.
  ///   - run: a finished run that answers for its tasks until a training from the page takes its place.
  ///   - recipe: what is trained from the page.
  ///   - onRunning: told of the port once requests are answered.
  /// - Throws: `LabelStoreError`, and `TrainingError` for a run that cannot answer for a task of the store.
  public init(
    store: LabelStore, firstTask: String? = nil, overlap: Int, run: URL? = nil, recipe: Recipe,
    settings: ServerSettings, logger: Logger,
    onRunning: @escaping @Sendable (_ port: Int) async -> Void
  ) throws {
    self.settings = settings
    self.logger = logger
    listener = Listener(settings: settings, logger: logger, onRunning: onRunning)
    desk = LabelDesk(store: store, firstTask: firstTask, overlap: overlap)
    models = try ModelDesk(
      store: store, run: run, recipe: recipe, settings: settings, metrics: listener.metrics, logger: logger)
    decoder = ImageDecoder(limits: .init(pixelCount: settings.pixelLimit, byteCount: settings.bodyLimit))
    let assets = try ProgramResources.url(of: "Assets", target: "Server", what: "parts of pages")
    stylesheet = try Data(contentsOf: assets.appending(path: "labelling.css"))
    script = try Data(contentsOf: assets.appending(path: "labelling.js"))
    try store.completeQueues()
  }

  /// Answers until SIGTERM or SIGINT.
  public func runUntilSignalled() async throws {
    try await ServiceGroup(
      configuration: .init(services: [self], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    ).run()
  }

  /// Answers until the service group shuts down; what was begun is answered, and every label that was answered for is on the
  /// disk. A training, or what else takes a while, may still be computed: a process must end by `_exit` then, for `exit` takes
  /// libtorch down under the thread.
  public func run() async throws {
    models.beginIndex()
    try await listener.run(routes, checking: SameOriginCheck(isLocal: settings.isLocal))
  }

  // MARK: Routes

  private var routes: [Route] {
    [
      page("/", labelPage), page("/meme/{meme}", labelPage), page("/annotator", annotatorPage),
      page("/progress", progressPage), page("/exchange", exchangePage), page("/export/{format}", export),
      page("/try", tryPage), page("/model", modelPage), form("/model", train),
      Route(method: .get, path: "/model/status") { _, _ in try .json(Status(models.state)) },
      Route(method: .post, path: "/try") { request, context in await shown { try await explain(request, context) } },
      form("/annotator", setAnnotator), form("/label", label), form("/undo", undo),
      Route(method: .post, path: "/import") { request, context in
        await shown { try await importFile(request, context) }
      },
      Route(method: .get, path: "/image/{meme}") { request, context in
        await shown { try await picture(request, context) }
      },
      Route(method: .get, path: "/style.css") { _, _ in .bytes(stylesheet, type: "text/css; charset=utf-8") },
      Route(method: .get, path: "/script.js") { _, _ in .bytes(script, type: "text/javascript; charset=utf-8") },
      Route(method: .get, path: "/healthz", needsKey: false) { _, _ in try .json(["status": "ok"]) },
    ]
  }

  /// What a page or a form is made from.
  struct Visit: Sendable {
    var query: URLEncodedForm
    var annotator: String?
    /// The meme that the path names.
    var meme: Int64?
    /// The form of file that the path names.
    var format: String?
    var task: String? { query["task"] }

    /// The name under which somebody labels.
    var person: String {
      get throws {
        guard let annotator else {
          throw APIError(status: .forbidden, code: "no_name", message: "nobody has said who you are; do so first")
        }
        return annotator
      }
    }
  }

  private func page(_ path: String, _ make: @escaping @Sendable (Visit) throws -> Response) -> Route {
    Route(method: .get, path: path) { request, context in
      await shown {
        let visit = try visit(request, context)
        return try await desk.onPool { try make(visit) }
      }
    }
  }

  private func form(
    _ path: String, _ take: @escaping @Sendable (Visit, URLEncodedForm) throws -> Response
  ) -> Route {
    Route(method: .post, path: path) { request, context in
      await shown {
        let visit = try visit(request, context)
        return try await listener.withBody(of: request, context, limit: Self.formLimit) { bytes in
          guard try HeaderValue(request.headers[.contentType] ?? "").value == "application/x-www-form-urlencoded" else {
            throw RequestBodyContent.unsupported(
              request.headers[.contentType], expected: "application/x-www-form-urlencoded")
          }
          let form = try URLEncodedForm(bytes)
          return try await desk.onPool { try take(visit, form) }
        }
      }
    }
  }

  func visit(_ request: Request, _ context: ServerContext) throws -> Visit {
    let cookies = (request.headers[.cookie] ?? "").split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces) }
    let name = cookies.first { $0.hasPrefix("annotator=") }.flatMap {
      $0.dropFirst("annotator=".count).removingPercentEncoding
    }
    return Visit(
      query: try URLEncodedForm((request.uri.query ?? "").utf8),
      annotator: name.flatMap { try? LabelStore.annotatorName($0) },
      meme: try context.parameters.get("meme").map { text throws(LabelStoreError) in
        guard let meme = Int64(text) else { throw .unknown(what: "meme", name: text) }
        return meme
      },
      format: context.parameters.get("format"))
  }

  /// Turns what goes wrong into a page that says so.
  func shown(_ body: () async throws -> Response) async -> Response {
    do {
      return try await body()
    } catch let error as LabelStoreError {
      return Page.failure(APIError(error, logger: logger)).response
    } catch {
      let told = APIError(error)
      if told.status == .internalServerError { logger.error("fault", metadata: ["reason": "\(error)"]) }
      return Page.failure(told).response
    }
  }
}

extension APIError {
  /// What is told of an error of the store. A person can do something about most of them.
  init(_ error: LabelStoreError, logger: Logger) {
    switch error {
    case .unknown: self.init(status: .notFound, code: "unknown", message: "\(error)")
    case .unusable, .newer:
      logger.error("fault", metadata: ["reason": "\(error)"])
      self.init(
        status: .internalServerError, code: "internal",
        message: "the store could not be used; the server's log says more")
    default: self = .invalid("\(error)")
    }
  }
}
