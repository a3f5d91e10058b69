import Foundation
import LabelStore
import MemeData

/// The trainings of a task, the button for another, and what the model feeds of other services.
struct ModelPage {
  var task: LabelTask
  var tasks: [LabelTask]
  var annotator: String?
  var runs: [StoredRun]
  var labelled: Int
  var state: ModelDesk.State
  /// What the last training of the task warned of.
  var warnings: [String] = []
  /// The model that answers for the task; `nil` where there is none yet.
  var model: ModelFacts?

  var page: Page {
    Page(
      place: .model, title: "Model: \(task.name)",
      main: """
        <h1>Model for \(task.name)</h1>
        \(Page.tabs(of: tasks, current: task, at: .model))
        \(now)
        \(warned)
        <section><h2>Trainings</h2>\(table)</section>
        \(model.map { CategorySection(model: $0).html })
        """, task: task.name, annotator: annotator)
  }

  private var now: HTML {
    switch state {
    case .running(let name, let phase, let done, let total):
      return """
        <div class="progress" data-watch="/model/status"><label for="training">Training for \(name):
        <span data-phase>\(phase)\(total > 0 ? " \(done)/\(total)" : "")</span></label>
        <progress id="training"\(total > 0 ? " max=\"\(total)\" value=\"\(done)\"" : "" as HTML)></progress></div>
        <p class="faint"><a href="/model?task=\(URLEncodedForm.encoded(task.name))">Look again</a>; labelling goes on meanwhile.</p>
        """
    case .failed(let name, let reason) where name == task.name:
      return "<p class=\"fault\" role=\"alert\" data-announce>The training failed: \(reason)</p>\(form)"
    case .idle, .failed: return form
    }
  }

  /// Warnings that are shown; the log has all.
  private static let warningLimit = 10

  private var warned: HTML? {
    guard !warnings.isEmpty else { return nil }
    let items = warnings.prefix(Self.warningLimit).map { text -> HTML in "<li class=\"lines\">\(text)</li>" }
    let rest = warnings.count - Self.warningLimit
    return """
      <section><h2>What the last training warns of</h2>
      <ul>\(items)</ul>\(rest > 0 ? "<p class=\"faint\">… and \(rest) more, which the log has.</p>" : nil as HTML?)</section>
      """
  }

  private var form: HTML {
    """
    <form method="post" action="/model"><input type="hidden" name="task" value="\(task.name)">
    <p>\(labelled) memes are labelled. A training learns from them, scores the model on memes that are held out (a dataset’s
    validation and test memes, or every fifth), and orders the queue anew: what it is unsure of comes first, look-alikes
    last.</p>
    <button>Train now</button></form>
    """
  }

  private var table: HTML {
    guard !runs.isEmpty else { return "<p>There was none yet.</p>" }
    let rows = runs.map { run -> HTML in
      """
      <tr><td><time>\(run.time.formatted(LabelPage.timeStyle))</time></td>
      <td class="number">\(run.labels)</td><td class="number">\(Self.score(run.scoreBefore))</td>
      <td class="number">\(Self.score(run.scoreAfter))</td><td class="number">\(run.scoredMemes)</td>
      <td><code>\(run.folder.lastPathComponent)</code></td></tr>
      """
    }
    return """
      <div class="wide" tabindex="0" role="region" aria-label="Trainings"><table><thead><tr><th scope="col">When (UTC)</th>
      <th scope="col" class="number">Labels</th><th scope="col" class="number">AUROC before</th>
      <th scope="col" class="number">after</th><th scope="col" class="number">Held out</th><th scope="col">Run</th></tr></thead>
      <tbody>\(rows)</tbody></table></div>
      <p class="faint">Before is the model of the training before, on the same memes. A score on few memes means little.</p>
      """
  }

  private static func score(_ value: Double?) -> String { value.map { $0.rounded(digits: 3) } ?? "–" }
}
