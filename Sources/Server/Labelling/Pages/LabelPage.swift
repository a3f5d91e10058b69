import Foundation
import LabelStore
import MemeData

/// The page that asks for the label of one meme.
struct LabelPage {
  var task: LabelTask
  var tasks: [LabelTask]
  var annotator: String
  var labelled: Int
  var total: Int
  /// The meme with why it is asked for; `nil` where there is none left.
  var meme: StoredMeme?
  var reason: String?
  /// What was said of the meme.
  var history: [LabelEvent] = []
  /// Whether the page stays at this meme instead of going on.
  var stays = false
  /// What has just been done, for people.
  var said: String?
  var canUndo = false

  var page: Page {
    Page(
      place: .label, title: "Label: \(task.name)",
      main: """
        <div class="top">
        \(taskChoice)
        <div class="progress"><label for="done">\(labelled) of \(total) memes labelled</label>
        <progress id="done" max="\(max(total, 1))" value="\(labelled)"></progress></div>
        </div>
        \(said.map { text -> HTML in "<p class=\"said\" data-announce>\(text)</p>" })
        \(meme.map(question) ?? end)
        """,
      task: task.name, annotator: annotator)
  }

  private var taskChoice: HTML? {
    guard tasks.count > 1 else { return nil }
    let options = tasks.map { each -> HTML in
      "<option\(each.name == task.name ? " selected" : "" as HTML)>\(each.name)</option>"
    }
    return """
      <form class="tasks" method="get" action="/"><label for="task">Task</label>
      <select id="task" name="task" data-submits>\(options)</select> <button class="quiet">Go</button></form>
      """
  }

  private var undo: HTML? {
    guard canUndo else { return nil }
    return """
      <form class="undo" method="post" action="/undo"><input type="hidden" name="task" value="\(task.name)">
      <button class="quiet" data-key="u">Undo<kbd>u</kbd></button></form>
      """
  }

  private var end: HTML {
    """
    <h1>Nothing is left to label</h1>
    <p>You have decided on, or left open, every meme of this task that waits for somebody.
    <a href="/progress?task=\(URLEncodedForm.encoded(task.name))">See how far the others are.</a></p>
    \(undo)
    """
  }

  private func question(_ meme: StoredMeme) -> HTML {
    """
    <article class="work">
    <figure>
    \(Self.picture(meme))
    \(meme.text.map { text -> HTML in "<figcaption><span class=\"hidden\">Its text: </span>\(text)</figcaption>" })
    </figure>
    <div class="ask">
    <form id="ask" method="post" action="/label">
    <input type="hidden" name="meme" value="\(meme.id)">
    <input type="hidden" name="task" value="\(task.name)">
    \(stays ? "<input type=\"hidden\" name=\"stay\" value=\"1\">" : "" as HTML)
    <fieldset><legend><h1 id="question" tabindex="-1">\(legend)</h1></legend>
    <div class="choices">\(choices)</div></fieldset>
    <p class="note"><label for="note">Note <span class="faint">(optional, goes with the label)</span></label>
    <textarea id="note" name="note" rows="2" maxlength="\(LabelStore.longestNote)" data-focus="n"></textarea></p>
    <div class="row"><button class="quiet" name="skip" value="1" data-key="s">Leave open<kbd>s</kbd></button></div>
    </form>
    \(undo)
    <p class="faint why">\(meme.name)\(reason.map { ": \($0)" } ?? "")</p>
    \(past)
    <p class="faint keys"><label><input type="checkbox" id="keys" checked> Keys: a number chooses,
    <kbd>s</kbd> leaves open, <kbd>u</kbd> undoes, <kbd>n</kbd> goes to the note</label></p>
    </div>
    </article>
    """
  }

  static func picture(_ meme: StoredMeme) -> HTML {
    guard meme.image != nil else { return "<p class=\"faint\">This meme has no picture.</p>" }
    return "<img src=\"/image/\(meme.id)\" alt=\"The picture of meme \(meme.name)\">"
  }

  private var legend: String {
    switch task.kind {
    case .binary: task.name == task.labels[0] ? "\(task.name)?" : "\(task.name): \(task.labels[0])?"
    case .multiclass: "\(task.name): which one?"
    case .multilabel: "\(task.name): which of these?"
    }
  }

  private var choices: HTML {
    // The keys 1 to 9; further choices have none.
    let numbered = task.choices.enumerated().map { index, name -> (name: String, key: HTML, attribute: HTML) in
      guard index < 9 else { return (name, "", "") }
      return (name, "<kbd>\(index + 1)</kbd>", " data-key=\"\(index + 1)\"")
    }
    guard task.kind == .multilabel else {
      return
        "\(numbered.map { "<button name=\"label\" value=\"\($0.name)\"\($0.attribute)>\($0.name)\($0.key)</button>" as HTML })"
    }
    let boxes = numbered.map { each -> HTML in
      "<label class=\"box\"><input type=\"checkbox\" name=\"label\" value=\"\(each.name)\"\(each.attribute)> \(each.name)\(each.key)</label>"
    }
    return "\(boxes)<button data-key=\"Enter\">Save<kbd>Enter</kbd></button>"
  }

  private var past: HTML? {
    guard !history.isEmpty else { return nil }
    let rows = history.map { event -> HTML in
      let label = event.label.map { Self.list(task.chosenNames(of: $0)) } ?? "left open"
      return """
        <tr\(event.undone == nil ? "" : " class=\"undone\"" as HTML)><td>\(event.annotator)</td>
        <td>\(label)\(event.undone == nil ? "" : " (undone)")</td><td>\(event.note ?? "")</td>
        <td><time>\(event.time.formatted(Self.timeStyle))</time></td></tr>
        """
    }
    return """
      <details\(stays ? " open" : "" as HTML)><summary>What was said of it</summary>
      <table><thead><tr><th scope="col">Who</th><th scope="col">Label</th><th scope="col">Note</th>
      <th scope="col">When (UTC)</th></tr></thead><tbody>\(rows)</tbody></table></details>
      """
  }

  static let timeStyle = Date.ISO8601FormatStyle(dateTimeSeparator: .space).year().month().day()
    .time(includingFractionalSeconds: false)

  static func list(_ names: [String]) -> String { names.isEmpty ? "none of them" : names.joined(separator: ", ") }
}
