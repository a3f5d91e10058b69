import Foundation
import HTTPTypes
import Hummingbird
import LabelStore
import MemeData

// The queue, the people and their progress.
extension LabelServer {
  /// The longest side of a picture on a page.
  private static let pictureSide = 1280

  func labelPage(_ visit: Visit) throws -> Response {
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

  func label(_ visit: Visit, _ form: URLEncodedForm) throws -> Response {
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

  func undo(_ visit: Visit, _ form: URLEncodedForm) throws -> Response {
    let task = try desk.task(named: form["task"])
    let query = "/?task=\(URLEncodedForm.encoded(task.name))"
    let person = try visit.person
    guard let event = try desk.store.undo(task: task.name, by: person) else {
      return .forward(to: "\(query)&said=nothing")
    }
    // The page goes back to it, and nobody else is asked meanwhile.
    desk.keep(event.meme, of: task, for: person)
    return .forward(to: "\(query)&meme=\(event.meme)&said=undone")
  }

  func annotatorPage(_ visit: Visit) throws -> Response {
    Page.annotator(known: try desk.store.annotators(), task: visit.task, current: visit.annotator, fault: nil).response
  }

  func setAnnotator(_ visit: Visit, _ form: URLEncodedForm) throws -> Response {
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

  func picture(_ request: Request, _ context: ServerContext) async throws -> Response {
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

  func progressPage(_ visit: Visit) throws -> Response {
    let store = desk.store
    let task = try desk.task(named: visit.task)
    // All is made from one look at the labels. Memes are counted after it, so that never more are labelled than there are.
    let events = try store.currentLabels(task: task.name)
    var page = ProgressPage(
      task: task, tasks: try store.tasks(), annotator: visit.annotator, memeCount: try store.memeCount(),
      events: events)
    for meme in page.listedMemes { page.memeNames[meme] = try store.meme(meme)?.name }
    return page.page.response
  }
}
