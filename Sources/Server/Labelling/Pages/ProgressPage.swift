import LabelStore
import MemeData
import Metrics

/// How far a task has come, who did what, and how far people agree.
struct ProgressPage {
  var task: LabelTask
  var tasks: [LabelTask]
  var annotator: String?
  /// The names of ``listedMemes``.
  var memeNames: [Int64: String] = [:]
  private let progress: LabelProgress
  private let consensus: [Int64: Label]
  /// What several people said of the same memes.
  private let judgements: [(meme: Int64, labels: [Label])]

  /// Memes on which people differ that are listed.
  private static let listLimit = 50

  /// - Parameters:
  ///   - memeCount: how many memes the store has.
  ///   - events: what stands of everybody.
  init(task: LabelTask, tasks: [LabelTask], annotator: String?, memeCount: Int, events: [LabelEvent]) {
    self.task = task
    self.tasks = tasks
    self.annotator = annotator
    progress = LabelProgress(memes: memeCount, events: events)
    consensus = LabelStore.consensus(of: events)
    judgements = Dictionary(grouping: events.filter { $0.label != nil }, by: \.meme)
      .map { ($0, $1.compactMap(\.label)) }
      .filter { $0.1.count > 1 }.sorted { $0.0 < $1.0 }
  }

  /// The memes that the page calls by name.
  var listedMemes: [Int64] { differing.prefix(Self.listLimit).map(\.meme) }

  var page: Page {
    Page(
      place: .progress, title: "Progress: \(task.name)",
      main: """
        <h1>\(task.name)</h1>
        \(Page.tabs(of: tasks, current: task, at: .progress))
        <div class="progress"><label for="done">\(progress.labelled) of \(progress.memes) memes labelled</label>
        <progress id="done" max="\(max(progress.memes, 1))" value="\(progress.labelled)"></progress></div>
        <section><h2>Labels</h2>\(labels)</section>
        <section><h2>People</h2>\(people)</section>
        <section><h2>Agreement</h2>\(agreement)</section>
        \(differences)
        """, task: task.name, annotator: annotator)
  }

  private var labels: HTML {
    var counts: [String: Int] = [:]
    for label in consensus.values {
      for name in task.chosenNames(of: label) { counts[name, default: 0] += 1 }
    }
    let rows = task.choices.map { name -> HTML in
      """
      <tr><th scope="row">\(name)</th><td class="number">\(counts[name] ?? 0)</td>
      <td class="bar"><meter min="0" max="\(max(consensus.count, 1))" value="\(counts[name] ?? 0)">\(counts[name] ?? 0)</meter></td></tr>
      """
    }
    let open = progress.labelled - consensus.count
    return """
      <table><thead><tr><th scope="col">Label</th><th scope="col" class="number">Memes</th>
      <th scope="col"><span class="hidden">Share</span></th></tr></thead><tbody>\(rows)</tbody></table>
      <p class="faint">The label that most people chose counts.\(open > 0 ? " On \(open) there is a tie." : "")</p>
      """
  }

  private var people: HTML {
    guard !progress.annotators.isEmpty else { return "<p>Nobody has labelled yet.</p>" }
    let rows = progress.annotators.map { person -> HTML in
      """
      <tr><th scope="row">\(person.name)</th><td class="number">\(person.labels)</td>
      <td class="number">\(person.skipped)</td></tr>
      """
    }
    return """
      <table><thead><tr><th scope="col">Name</th><th scope="col" class="number">Labelled</th>
      <th scope="col" class="number">Left open</th></tr></thead><tbody>\(rows)</tbody></table>
      """
  }

  private var agreement: HTML {
    let judged = judgements.map(\.labels)
    guard !judged.isEmpty else {
      return """
        <p>No meme has been labelled by two people yet. Start the page with <code>--overlap 2</code> to have each meme
        labelled by two.</p>
        """
    }
    let alphas: [(name: String, alpha: KrippendorffAlpha)] =
      task.kind == .multilabel
      ? task.labels.indices.map { index in
        (
          task.labels[index],
          KrippendorffAlpha(
            judged.map { $0.map { if case .multilabel(let flags) = $0 { flags[index] } else { false } } })
        )
      } : [(task.name, KrippendorffAlpha(judged.map { labels in labels.map { task.chosenNames(of: $0)[0] } }))]
    let rows = alphas.map { each -> HTML in
      """
      <tr><th scope="row">\(each.name)</th>
      <td class="number">\(each.alpha.value.map { $0.rounded(digits: 3) } ?? "–")</td>
      <td class="number">\(each.alpha.units)</td></tr>
      """
    }
    return """
      <table><thead><tr><th scope="col">Question</th><th scope="col" class="number">Krippendorff’s alpha</th>
      <th scope="col" class="number">Memes</th></tr></thead><tbody>\(rows)</tbody></table>
      <p class="faint">1 is perfect agreement, 0 what chance gives; Krippendorff asks for 0.8, and for 0.667 at least.</p>
      """
  }

  /// The judgements on which people differ.
  private var differing: [(meme: Int64, labels: [Label])] {
    judgements.filter { Set($0.labels.map { "\($0)" }).count > 1 }
  }

  private var differences: HTML? {
    let differing = differing
    guard !differing.isEmpty else { return nil }
    let query = "task=\(URLEncodedForm.encoded(task.name))"
    let items = differing.prefix(Self.listLimit).map { each -> HTML in
      let names = each.labels.map { LabelPage.list(task.chosenNames(of: $0)) }
      return
        "<li><a href=\"/meme/\(each.meme)?\(query)\">\(memeNames[each.meme] ?? "")</a>: \(names.joined(separator: " / "))</li>"
    }
    let rest = differing.count - Self.listLimit
    return """
      <section><h2>Memes on which people differ</h2><ul>\(items)</ul>\(rest > 0 ? "<p>… and \(rest) more</p>" : nil as HTML?)</section>
      """
  }
}
