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
  private let settings: ServerSettings
  private let listener: Listener
  private let desk: LabelDesk
  private let models: ModelDesk
  private let decoder: ImageDecoder
  private let stylesheet: Data
  private let script: Data
  private let logger: Logger

  /// The longest side of a picture on a page.
  private static let pictureSide = 1280
  /// Bytes of a form without files.
  private static let formLimit = 64 << 10

  /// - Parameters:
  ///   - firstTask: the task that the pages begin with; `nil` for the store's first.
  ///   - overlap: how many people are to decide on each meme.
  ///   - run: a finished run that answers for its task until a training takes its place.
  ///   - recipe: what is trained from the page.
  ///   - onRunning: told of the port once requests are answered.
  /// - Throws: `LabelStoreError`.
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
    try desk.completeQueues()
  }

  /// Answers until SIGTERM or SIGINT.
  public func runUntilSignalled() async throws {
    try await ServiceGroup(
      configuration: .init(services: [self], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    ).run()
  }

  /// Answers until the service group shuts down; what was begun is answered.
  public func run() async throws {
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
  private struct Visit: Sendable {
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

  private func visit(_ request: Request, _ context: ServerContext) throws -> Visit {
    let cookies = (request.headers[.cookie] ?? "").split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces) }
    let name = cookies.first { $0.hasPrefix("annotator=") }.flatMap {
      $0.dropFirst("annotator=".count).removingPercentEncoding
    }
    return Visit(
      query: try URLEncodedForm((request.uri.query ?? "").utf8),
      annotator: name.flatMap { try? LabelStore.annotatorName($0) },
      meme: context.parameters.get("meme").flatMap { Int64($0) } ?? (context.parameters.get("meme") == nil ? nil : -1),
      format: context.parameters.get("format"))
  }

  /// Turns what goes wrong into a page that says so.
  private func shown(_ body: () async throws -> Response) async -> Response {
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

  // MARK: Labelling

  private func labelPage(_ visit: Visit) throws -> Response {
    let task = try desk.task(named: visit.task)
    guard let annotator = visit.annotator else {
      return .forward(to: "/annotator?task=\(URLEncodedForm.encoded(task.name))")
    }
    let store = desk.store
    let wanted = visit.meme ?? visit.query["meme"].flatMap { Int64($0) }
    var page = LabelPage(
      task: task, tasks: try store.tasks(), annotator: annotator, labelled: try store.labelledCount(task: task.name),
      total: try store.memeCount())
    if let wanted {
      guard let meme = try store.meme(wanted) else { throw LabelStoreError.unknown(what: "meme", name: "\(wanted)") }
      page.meme = meme
    } else if let next = try desk.next(task: task, for: annotator) {
      page.meme = next.meme
      page.reason = next.reason
    }
    page.stays = visit.meme != nil
    if let meme = page.meme { page.history = try store.history(of: meme.id, task: task.name) }
    let last = try store.lastLabel(task: task.name, by: annotator)
    page.canUndo = last != nil
    switch visit.query["said"] {
    case "saved":
      page.said = try last.map { last in
        let meme = try store.meme(last.meme)?.name ?? ""
        guard let label = last.label else { return "Left open: \(meme)." }
        return "Saved for \(meme): \(LabelPage.list(task.chosenNames(of: label)))."
      }
    case "undone": page.said = "Undone. Decide again on \(page.meme?.name ?? "it")."
    case "nothing": page.said = "There is nothing to undo."
    default: break
    }
    return page.page.response
  }

  private func label(_ visit: Visit, _ form: URLEncodedForm) throws -> Response {
    let annotator = try visit.person
    let task = try desk.task(named: form["task"])
    guard let meme = form["meme"].flatMap({ Int64($0) }) else {
      throw APIError.invalid("the form names no meme", parameter: "meme")
    }
    let names = form.all("label")
    guard form["skip"] != nil || !names.isEmpty || task.kind == .multilabel else {
      throw APIError.invalid("the form names no label", parameter: "label")
    }
    let label = form["skip"] == nil ? try task.label(choosing: names) : nil
    try desk.store.record(label, of: meme, task: task.name, by: annotator, note: form["note"])
    let query = "?task=\(URLEncodedForm.encoded(task.name))&said=saved"
    return .forward(to: form["stay"] == nil ? "/\(query)" : "/meme/\(meme)\(query)")
  }

  private func undo(_ visit: Visit, _ form: URLEncodedForm) throws -> Response {
    let task = try desk.task(named: form["task"])
    let query = "/?task=\(URLEncodedForm.encoded(task.name))"
    guard let event = try desk.store.undo(task: task.name, by: visit.person) else {
      return .forward(to: "\(query)&said=nothing")
    }
    return .forward(to: "\(query)&meme=\(event.meme)&said=undone")
  }

  private func annotatorPage(_ visit: Visit) throws -> Response {
    Page.annotator(known: try desk.store.annotators(), task: visit.task, current: visit.annotator, fault: nil).response
  }

  private func setAnnotator(_ visit: Visit, _ form: URLEncodedForm) throws -> Response {
    let name: String
    do throws(LabelStoreError) {
      name = try LabelStore.annotatorName(form["name"] ?? "")
      if name == LabelStore.datasetAnnotator { throw .invalidAnnotator("is that of labels that came with a dataset") }
    } catch {
      return Page.annotator(
        known: try desk.store.annotators(), task: form["task"], current: form["name"], fault: "\(error)"
      ).response
    }
    let query = form["task"].map { "?task=\(URLEncodedForm.encoded($0))" } ?? ""
    return .forward(
      to: "/\(query)",
      cookie: "annotator=\(URLEncodedForm.encoded(name)); Path=/; Max-Age=31536000; SameSite=Strict; HttpOnly")
  }

  private func picture(_ request: Request, _ context: ServerContext) async throws -> Response {
    guard let id = try visit(request, context).meme else { throw LabelStoreError.unknown(what: "meme", name: "") }
    return try await desk.onPool {
      guard let image = try desk.store.meme(id)?.image else {
        throw LabelStoreError.unknown(what: "picture of meme", name: "\(id)")
      }
      let data = try decoder.thumbnail(
        of: decoder.bytes(contentsOf: image), name: image.lastPathComponent, maxSide: Self.pictureSide)
      return .bytes(data, type: "image/jpeg")
    }
  }

  // MARK: Progress

  private func progressPage(_ visit: Visit) throws -> Response {
    let store = desk.store
    let task = try desk.task(named: visit.task)
    return ProgressPage(
      task: task, tasks: try store.tasks(), annotator: visit.annotator, progress: try store.progress(task: task.name),
      events: try store.currentLabels(task: task.name), consensus: try store.consensus(task: task.name),
      memeNames: Dictionary(uniqueKeysWithValues: try store.memes().map { ($0.id, $0.name) })
    ).page.response
  }
}

// MARK: Models

extension LabelServer {
  private func modelPage(_ visit: Visit) throws -> Response {
    let task = try desk.task(named: visit.task)
    return ModelPage(
      task: task, tasks: try desk.store.tasks(), annotator: visit.annotator,
      runs: try desk.store.runs(task: task.name), labelled: try desk.store.labelledCount(task: task.name),
      state: models.state, model: models.service(for: task.name)?.current.facts
    ).page.response
  }

  private func train(_ visit: Visit, _ form: URLEncodedForm) throws -> Response {
    _ = try visit.person
    let task = try desk.task(named: form["task"])
    models.train(task)
    return .forward(to: "/model?task=\(URLEncodedForm.encoded(task.name))")
  }

  /// How far a training is, for the page's script.
  private struct Status: Encodable {
    var isRunning = false
    var phase = ""
    var done = 0
    var total = 0

    init(_ state: ModelDesk.State) {
      if case .running(_, let phase, let done, let total) = state {
        (isRunning, self.phase, self.done, self.total) = (true, phase, done, total)
      }
    }
  }

  private func tryPage(_ visit: Visit) throws -> Response {
    let task = try desk.task(named: visit.task)
    return TryPage(
      task: task, tasks: try desk.store.tasks(), annotator: visit.annotator,
      hasModel: models.service(for: task.name) != nil
    ).page.response
  }

  private func explain(_ request: Request, _ context: ServerContext) async throws -> Response {
    let visit = try visit(request, context)
    return try await listener.withBody(of: request, context) { bytes in
      let fields = try multipart(bytes, request)
      let (task, tasks) = try await desk.onPool { (try desk.task(named: visit.task), try desk.store.tasks()) }
      guard let service = models.service(for: task.name) else {
        throw APIError.invalid("there is no model for the task '\(task.name)' yet")
      }
      let picture = fields.first { $0.name == "image" }.flatMap { $0.content.isEmpty ? nil : Data($0.content) }
      let text = fields.first { $0.name == "text" }.flatMap { String(validating: $0.content, as: UTF8.self) }
      let trimmed = text?.trimmingCharacters(in: .whitespacesAndNewlines).nonEmpty
      var page = TryPage(task: task, tasks: tasks, annotator: visit.annotator, hasModel: true, text: trimmed)
      let meme = MemeInput(id: "meme", picture: picture, text: trimmed, field: "image")
      do {
        guard picture != nil || trimmed != nil else {
          throw APIError.invalid("give a picture or the words on it, or both")
        }
        try meme.check(settings.requestLimits)
        let consensus = try await desk.onPool { try desk.store.consensus(task: task.name) }
        let labelled = Set(consensus.keys)
        let explanation = try await MemeExplanation(of: meme, by: service, task: task.name, decoder: decoder) {
          features in
          models.nearest(to: features, labelled: labelled, count: Self.neighbourCount)
        }
        page.neighbours = try await desk.onPool {
          try explanation.neighbours.compactMap { each in
            guard let meme = try desk.store.meme(each.meme), let label = consensus[each.meme] else { return nil }
            return (meme, LabelPage.list(task.chosenNames(of: label)), each.similarity)
          }
        }
        page.explanation = explanation
      } catch let error as APIError where error.status.code < 500 {
        page.fault = error.message
      }
      return page.page.response
    }
  }

  /// How many labelled memes are shown beside one that is tried.
  private static let neighbourCount = 5
}

// MARK: Files

extension LabelServer {
  private func exchangePage(_ visit: Visit) throws -> Response {
    Page.exchange(task: visit.task, annotator: visit.annotator, said: nil, fault: nil).response
  }

  private func export(_ visit: Visit) throws -> Response {
    guard let format = visit.format.flatMap(LabelFormat.init) else {
      throw LabelStoreError.unknown(what: "form of files", name: visit.format ?? "")
    }
    var headers = HTTPFields()
    headers[.contentDisposition] = "attachment; filename=\"\(format.fileName)\""
    return .bytes(try desk.store.exported(as: format), type: format.mediaType, headers: headers)
  }

  private func importFile(_ request: Request, _ context: ServerContext) async throws -> Response {
    let visit = try visit(request, context)
    let annotator = try visit.person
    return try await listener.withBody(of: request, context) { bytes in
      let fields = try multipart(bytes, request)
      return try await desk.onPool {
        guard let file = fields.first(where: { $0.name == "file" }), let name = file.fileName, !file.content.isEmpty
        else {
          throw APIError.invalid("choose a file first", parameter: "file")
        }
        func answer(said: String?, fault: String?) -> Response {
          Page.exchange(task: visit.task, annotator: annotator, said: said, fault: fault).response
        }
        do throws(LabelStoreError) {
          let added = try desk.store.importLabels(Data(file.content), named: name, annotator: annotator)
          try desk.completeQueues()
          return answer(
            said: "\(added.labels) labels and \(added.memes) memes were added; \(added.known) were known already.",
            fault: nil)
        } catch {
          return answer(said: nil, fault: "\(error)")
        }
      }
    }
  }

  private func multipart(_ bytes: [UInt8], _ request: Request) throws -> [FormField] {
    let type = try HeaderValue(request.headers[.contentType] ?? "")
    guard type.value == "multipart/form-data", let boundary = type.parameters["boundary"] else {
      throw RequestBodyContent.unsupported(request.headers[.contentType], expected: "multipart/form-data")
    }
    return try MultipartParser.fields(of: bytes, boundary: boundary, maximumCount: 20)
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
