import Foundation
import LabelStore
import MemeData
import Training

/// Where a meme is dropped, and what the model says of it.
struct TryPage {
  var task: LabelTask
  var tasks: [LabelTask]
  var annotator: String?
  var hasModel: Bool
  var text: String?
  var explanation: MemeExplanation?
  /// The nearest labelled memes with what was decided on them.
  var neighbours: [(meme: StoredMeme, label: String, similarity: Double)] = []
  /// Whether the model sees other features than the memes are compared by, so that there are no neighbours.
  var isOfOtherEncoders = false
  var fault: String?

  var page: Page {
    Page(
      place: .meme, title: "Try a meme",
      main: """
        <h1>Try a meme</h1>
        \(hasModel ? form : noModel)
        \(fault.map { text -> HTML in "<p class=\"fault\" role=\"alert\" data-announce>\(text)</p>" })
        \(explanation.map(answer))
        """, task: task.name, annotator: annotator, status: fault == nil ? .ok : .badRequest)
  }

  private var noModel: HTML {
    """
    <p>There is no model for the task “\(task.name)” yet. <a href="/model?task=\(URLEncodedForm.encoded(task.name))">Train
    one</a> on the labels, or begin the page with <code>--run</code>.</p>
    """
  }

  private var form: HTML {
    """
    <form class="try" method="post" action="/try?task=\(URLEncodedForm.encoded(task.name))" enctype="multipart/form-data">
    <div class="drop" data-drop><label for="image">Picture</label>
    <input id="image" name="image" type="file" accept="image/jpeg,image/png,image/webp,image/gif">
    <p class="faint">Choose a file, drop one here, or paste one anywhere on this page.</p></div>
    <div><label for="text">The words on it</label>
    <textarea id="text" name="text" rows="3">\(text ?? "")</textarea></div>
    <button>What does the model say?</button>
    </form>
    """
  }

  // MARK: The answer

  private func answer(_ explanation: MemeExplanation) -> HTML {
    let names = task.kind == .binary ? [task.labels[0]] : task.labels
    let columns: [(title: String, prediction: Prediction)] =
      [("Whole meme", explanation.prediction)]
      + [("Picture alone", explanation.imageAlone), ("Words alone", explanation.textAlone)].compactMap { pair in
        pair.1.map { (pair.0, $0) }
      }
    let rows = names.map { name -> HTML in
      let cells = columns.map { column -> HTML in
        "<td class=\"number\">\((column.prediction.probabilities[name] ?? 0).percent)</td>"
      }
      let whole = Int(((explanation.prediction.probabilities[name] ?? 0) * 100).rounded())
      return """
        <tr><th scope="row">\(name)</th>\(cells)
        <td class="bar"><meter min="0" max="100" value="\(whole)">\(whole) %</meter></td></tr>
        """
    }
    let heads = columns.map { column -> HTML in "<th scope=\"col\" class=\"number\">\(column.title)</th>" }
    let probability = explanation.prediction.probabilities[explanation.label]!.percent
    return """
      <section id="answer"><h2 tabindex="-1" id="question">\(explanation.label): \(probability)</h2>
      <p class="hidden" data-announce>The model says \(probability) \(explanation.label).</p>
      <table><thead><tr><th scope="col">Label</th>\(heads)<th scope="col"><span class="hidden">Whole meme</span></th></tr></thead>
      <tbody>\(rows)</tbody></table></section>
      \(words(explanation))
      \(regions(explanation))
      \(near)
      """
  }

  private func words(_ explanation: MemeExplanation) -> HTML? {
    guard !explanation.words.isEmpty else { return nil }
    let strongest = explanation.words.map(\.effect.magnitude).max()!
    let marks = explanation.words.map { word -> HTML in
      let points = Self.points(word.effect)
      guard points != 0, strongest > 0 else { return "<span>\(word.text)</span> " }
      // Four steps of shade, and the number, so that colour alone says nothing.
      let shade = max(1, Int((4 * word.effect.magnitude / strongest).rounded(.up)))
      return """
        <mark class="\(points > 0 ? "more" : "less") shade-\(shade)">\(word.text)<sub>\(Self.signed(points))</sub></mark> \

        """
    }
    return """
      <section><h2>Which words moved it</h2>
      <p class="words">\(marks)</p>
      <p class="faint">The number is by how many points “\(explanation.label)” falls (−: rises) without the word.
      \(explanation.isTextCut ? "The first \(MemeOcclusion.wordLimit) words were tried." : "")</p></section>
      """
  }

  private func regions(_ explanation: MemeExplanation) -> HTML? {
    guard let picture = explanation.picture, !explanation.cells.isEmpty,
      let file = try? picture.jpegData(quality: 85)
    else { return nil }
    let strongest = max(explanation.cells.map(\.magnitude).max()!, 0.01)
    let side = MemeOcclusion.side
    let cells = explanation.cells.enumerated().map { index, effect -> HTML in
      let rows = MemeOcclusion.range(index / side, of: picture.height)
      let columns = MemeOcclusion.range(index % side, of: picture.width)
      let points = Self.points(effect)
      let opacity = points == 0 ? 0 : 0.55 * effect.magnitude / strongest
      let size = max(11, min(picture.width, picture.height) / 22)
      return """
        <rect class="\(effect > 0 ? "more" : "less")" x="\(columns.lowerBound)" y="\(rows.lowerBound)"
        width="\(columns.count)" height="\(rows.count)" fill-opacity="\(opacity.rounded(digits: 2))"/>\
        \(points == 0 ? "" : "<text x=\"\(columns.lowerBound + 4)\" y=\"\(rows.lowerBound + size + 2)\" font-size=\"\(size)\">\(Self.signed(points))</text>" as HTML)
        """
    }
    let places = ["top", "upper middle", "lower middle", "bottom"]
    let across = ["left", "middle left", "middle right", "right"]
    let best = explanation.cells.indices.max { explanation.cells[$0].magnitude < explanation.cells[$1].magnitude }!
    let summary = """
      The picture in \(side * side) cells; the \(places[best / side]) \(across[best % side]) one counts most: \
      \(Self.signed(Self.points(explanation.cells[best]))) points
      """
    return """
      <section><h2>Which regions moved it</h2>
      <figure class="regions"><svg viewBox="0 0 \(picture.width) \(picture.height)" role="img" aria-label="\(summary)">
      <image href="data:image/jpeg;base64,\(file.base64EncodedString())" width="\(picture.width)" height="\(picture.height)"/>
      \(cells)</svg>
      <figcaption class="faint">The number is by how many points “\(explanation.label)” falls (−: rises) where the cell is
      painted over.</figcaption></figure></section>
      """
  }

  private var near: HTML? {
    if isOfOtherEncoders {
      return """
        <section><h2>The nearest labelled memes</h2>
        <p class="faint">They are not shown: this model sees memes by other encoders, or cleans their texts otherwise, than
        what the page trains. Begin the page with the model’s own <code>--encoder</code> or <code>--recipe</code>, or
        <a href="/model?task=\(URLEncodedForm.encoded(task.name))">train a model</a>.</p></section>
        """
    }
    guard !neighbours.isEmpty else { return nil }
    let items = neighbours.map { each -> HTML in
      """
      <li><a href="/meme/\(each.meme.id)?task=\(URLEncodedForm.encoded(task.name))">\(each.meme.image == nil ? "" : "<img src=\"/image/\(each.meme.id)\" alt=\"\" loading=\"lazy\">" as HTML)
      <span>\(each.meme.text.map { String($0.prefix(80)) } ?? each.meme.name)</span></a>
      <p><strong>\(each.label)</strong> <span class="faint">likeness \(each.similarity.rounded(digits: 2))</span></p></li>
      """
    }
    return "<section><h2>The nearest labelled memes</h2><ul class=\"cards\">\(items)</ul></section>"
  }

  /// In points of a hundred.
  private static func points(_ effect: Double) -> Int { Int((effect * 100).rounded()) }

  private static func signed(_ points: Int) -> String { points < 0 ? "−\(-points)" : "+\(points)" }
}
