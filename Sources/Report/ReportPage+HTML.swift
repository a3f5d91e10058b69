import Foundation
import Metrics

extension ReportPage {
  /// The whole page, which is well-formed XML too.
  public func html() -> String {
    let sections =
      comparisons.map { section(of: $0) } + [chartSection] + tables.map { section(of: $0) }
      + [gallerySection, nextSection, provenanceSection]
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8"/>
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; \
      style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"/>
      <meta name="viewport" content="width=device-width, initial-scale=1"/>
      <meta name="color-scheme" content="light dark"/>
      <meta name="referrer" content="no-referrer"/>
      <title>\(title.escaped)</title>
      <style>
      \(Stylesheet.css)
      </style>
      </head>
      <body>
      <header>
      <p class="brand">MemeSense</p>
      <h1>\(title.escaped)</h1>
      <p class="summary">\(summary.escaped)</p>
      </header>
      <main>
      \(sections.compactMap(\.self).joined(separator: "\n"))
      </main>
      </body>
      </html>

      """
  }

  private func section(of comparison: Comparison) -> String? {
    guard !comparison.rows.isEmpty else { return nil }
    let head = comparison.columns.map { #"<th scope="col" class="number">\#($0.name.escaped)</th>"# }
    let rows = comparison.rows.indices.map { index in
      let row = comparison.rows[index]
      let startsGroup = index > 0 && comparison.rows[index - 1].labels != row.labels
      let cells = row.scores.indices.map { column in
        let best = comparison.isBest(row: index, column: column) ? " best" : ""
        let published = comparison.publishedText(row: index, column: column).map {
          #"<span class="published">\#($0.escaped)</span>"#
        }
        return
          #"<td class="number\#(best)">\#((row.scores[column]?.formatted() ?? "—").escaped)\#(published ?? "")</td>"#
      }
      return """
        <tr\(startsGroup ? #" class="start""# : "")><th scope="row">\(row.method.escaped)</th>\
        <td class="number">\(row.labels.escaped)</td>\(cells.joined())</tr>
        """
    }
    let sources = comparison.sources.enumerated().map { index, source in
      "<br/>[\(index + 1)] Published, not measured here: \(source.escaped)."
    }
    return """
      <section>
      <h2>\(comparison.title.escaped)</h2>
      <div class="scroll" tabindex="0" role="group" aria-label="\(comparison.title.escaped), table">
      <table>
      <thead><tr><th scope="col">method</th><th scope="col" class="number">labels</th>\(head.joined())</tr></thead>
      <tbody>
      \(rows.joined(separator: "\n"))
      </tbody>
      </table>
      </div>
      <p class="note">\(comparison.note.escaped)\(sources.joined())</p>
      </section>
      """
  }

  private func section(of table: PlainTable) -> String? {
    guard !table.rows.isEmpty else { return nil }
    func cells(_ row: [String], _ tag: String) -> String {
      zip(table.columns, row).map { column, cell in
        "<\(tag)\(column.isNumber ? #" class="number""# : "")>\(cell.escaped)</\(tag)>"
      }.joined()
    }
    let rows = table.rows.indices.map { index in
      let startsGroup = index > 0 && table.rows[index - 1].first != table.rows[index].first
      return "<tr\(startsGroup ? #" class="start""# : "")>\(cells(table.rows[index], "td"))</tr>"
    }
    return """
      <section>
      <h2>\(table.title.escaped)</h2>
      <div class="scroll" tabindex="0" role="group" aria-label="\(table.title.escaped), table">
      <table>
      <thead><tr>\(cells(table.columns.map(\.name), "th"))</tr></thead>
      <tbody>
      \(rows.joined(separator: "\n"))
      </tbody>
      </table>
      </div>
      <p class="note">\(table.note.escaped)</p>
      </section>
      """
  }

  private var chartSection: String? {
    guard !charts.isEmpty else { return nil }
    let figures = charts.enumerated().map { index, chart in
      "<figure>\n<figcaption>\(chart.title.escaped)</figcaption>\n\(chart.svg(id: "chart\(index + 1)"))\n</figure>"
    }
    return """
      <section>
      <h2>Scores and curves</h2>
      <div class="charts">
      \(figures.joined(separator: "\n"))
      </div>
      </section>
      """
  }

  private var gallerySection: String? {
    guard !gallery.isEmpty else { return nil }
    return """
      <section>
      <h2>Example memes</h2>
      <div class="gallery">
      \(gallery.map(\.html).joined(separator: "\n"))
      </div>
      </section>
      """
  }

  private var nextSection: String? {
    guard !nextSteps.isEmpty else { return nil }
    let lines = nextSteps.map { step in
      #"<span class="comment"># \#(step.purpose.escaped)</span>\#n\#(step.command.escaped)"#
    }
    return """
      <section>
      <h2>What to type next</h2>
      <pre tabindex="0"><code>\(lines.joined(separator: "\n\n"))</code></pre>
      </section>
      """
  }

  private var provenanceSection: String? {
    var rows = [
      ("command", "<code>\(provenance.command.escaped)</code>"),
      ("date", provenance.date.formatted(.iso8601).escaped),
      ("machine", provenance.machine.escaped),
    ]
    if !provenance.seeds.isEmpty {
      rows.append(
        (provenance.seeds.count == 1 ? "seed" : "seeds", provenance.seeds.map(String.init).joined(separator: ", ")))
    }
    rows += provenance.details.map { ($0.name.escaped, $0.value.escaped) }
    return """
      <section>
      <h2>Where these numbers come from</h2>
      <dl>
      \(rows.map { "<dt>\($0)</dt><dd>\($1)</dd>" }.joined(separator: "\n"))
      </dl>
      </section>
      """
  }
}

extension GalleryItem {
  /// Captions longer than this are cut: a card is for a glance.
  private static let textLimit = 280

  fileprivate var html: String {
    let caption = text.map { $0.truncated(to: Self.textLimit) }
    let words = caption.map { #"<p class="words"><bdi>\#($0.escaped)</bdi></p>"# }
    let picture = jpeg.map { data in
      let description = ["Meme", caption].compactMap(\.self).joined(separator: ": ")
      return """
        <img loading="lazy" alt="\(description.escaped)" src="data:image/jpeg;base64,\(data.base64EncodedString())"/>
        """
    }
    return """
      <article>
      <div class="picture">\(picture ?? "<span>no picture</span>")</div>
      <div class="facts">
      \(words ?? #"<p class="words none">no text</p>"#)
      <p class="truth"><span>truth</span> <bdi>\(truth.escaped)</bdi></p>
      <ul>
      \(predictions.map(\.html).joined(separator: "\n"))
      </ul>
      <p class="id"><bdi>\(id.truncated(to: 80).escaped)</bdi></p>
      </div>
      </article>
      """
  }
}

extension GalleryItem.Prediction {
  fileprivate var html: String {
    let (style, mark, word) = isRight ? ("right", "✓", "right") : ("wrong", "✗", "wrong")
    let percent = probability.isFinite ? "\((probability * 100).fixed(0)) %" : "—"
    return """
      <li class="\(style)"><span class="mark" role="img" aria-label="\(word)">\(mark)</span>\
      <span class="answer"><bdi>\(label.escaped)</bdi></span><span class="percent">\(percent)</span>\
      <span class="method">\(method.escaped)</span></li>
      """
  }
}
