import Foundation
import HTTPTypes
import Hummingbird
import LabelStore
import MemeData

// What models say, and their trainings.
extension LabelServer {
  func modelPage(_ visit: Visit) throws -> Response {
    let task = try desk.task(named: visit.task)
    return ModelPage(
      task: task, tasks: try desk.store.tasks(), annotator: visit.annotator,
      runs: try desk.store.runs(task: task.name), labelled: try desk.store.labelledCount(task: task.name),
      state: models.state, warnings: models.warnings(of: task.name),
      model: models.service(for: task.name)?.current.facts
    ).page.response
  }

  func train(_ visit: Visit, _ form: URLEncodedForm) throws -> Response {
    _ = try visit.person
    let task = try desk.task(named: form["task"])
    models.train(task)
    return .forward(to: "/model?task=\(URLEncodedForm.encoded(task.name))")
  }

  /// How far a training is, for the page's script.
  struct Status: Encodable {
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

  func tryPage(_ visit: Visit) throws -> Response {
    let task = try desk.task(named: visit.task)
    return TryPage(
      task: task, tasks: try desk.store.tasks(), annotator: visit.annotator,
      hasModel: models.service(for: task.name) != nil
    ).page.response
  }

  func explain(_ request: Request, _ context: ServerContext) async throws -> Response {
    let visit = try visit(request, context)
    return try await listener.withBody(of: request, context) { bytes in
      let fields = try multipart(bytes, request)
      let (task, tasks) = try await desk.onPool { (try desk.task(named: visit.task), try desk.store.tasks()) }
      guard let service = models.service(for: task.name) else {
        throw APIError.invalid("there is no model for the task '\(task.name)' yet")
      }
      let picture = fields.first { $0.name == "image" }.flatMap { $0.content.isEmpty ? nil : Data($0.content) }
      var page = TryPage(task: task, tasks: tasks, annotator: visit.annotator, hasModel: true)
      do {
        let text = try fields.first { $0.name == "text" }.map { field in
          guard let text = String(validating: field.content, as: UTF8.self) else {
            throw APIError.invalid("the words are not valid UTF-8; send them as UTF-8", parameter: "text")
          }
          return text
        }
        let trimmed = text?.trimmingCharacters(in: .whitespacesAndNewlines).nonEmpty
        page.text = trimmed
        let meme = MemeInput(id: "meme", picture: picture, text: trimmed, field: "image")
        guard picture != nil || trimmed != nil else {
          throw APIError.invalid("give a picture or the words on it, or both")
        }
        try meme.check(settings.requestLimits)
        let consensus = try await desk.onPool { try desk.store.consensus(task: task.name) }
        let labelled = Set(consensus.keys)
        let model = service.current
        let explanation = try await MemeExplanation(of: meme, by: service, task: task.name, decoder: decoder) {
          features in
          models.nearest(to: features, of: model, labelled: labelled, count: Self.neighbourCount)
        }
        page.isOfOtherEncoders = !models.compares(model)
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
