import Crypto
import Foundation
import Metrics

extension ReportPage {
  /// The whole page, which is well-formed XML too but for its two scripts.
  ///
  /// - Parameter library: goes into the page once; without charts it is left out.
  public func html(library: ChartLibrary) -> String {
    let parts = sections.enumerated().compactMap { index, section in
      section.html(id: "s\(index + 1)").map { (id: "s\(index + 1)", title: section.title, html: $0) }
    }
    let hasScript = parts.contains { $0.html.contains(#"<script type="application/json""#) }
    let scripts = hasScript ? [library.text, Self.script] : []
    let ends = [nextSection, provenanceSection].compactMap(\.self)
    let links = parts.map { ##"<li><a href="#\##($0.id)">\##($0.title.escaped)</a></li>"## }.joined(separator: "\n")
    let navigation = parts.count > 3 ? "<nav aria-label=\"Sections\">\n<ul>\n\(links)\n</ul>\n</nav>\n" : ""
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8"/>
      <meta http-equiv="Content-Security-Policy" content="\(Self.policy(scripts))"/>
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
      \(navigation)</header>
      <main>
      \((parts.map(\.html) + ends).joined(separator: "\n"))
      </main>
      \(scripts.map { "<script>\($0)</script>\n" }.joined())</body>
      </html>

      """
  }

  /// The script of all pages.
  static let script = String(decoding: PackageResources.report_js, as: UTF8.self)

  /// No script runs but those given, by their hashes; nothing is fetched. The library sets styles of its own.
  private static func policy(_ scripts: [String]) -> String {
    let hashes = scripts.map { " 'sha256-\(Data(SHA256.hash(data: Data($0.utf8))).base64EncodedString())'" }
    let allowed = hashes.isEmpty ? "" : "script-src\(hashes.joined()); "
    return "default-src 'none'; \(allowed)img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
      + "form-action 'none'"
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

extension ReportPage.Section {
  /// `nil` where no block shows anything.
  fileprivate func html(id: String) -> String? {
    let shown = blocks.enumerated().compactMap { index, block in block.html(id: "\(id)-\(index + 1)") }
    guard !shown.isEmpty else { return nil }
    return "<section id=\"\(id)\">\n<h2>\(title.escaped)</h2>\n\(shown.joined(separator: "\n"))\n</section>"
  }
}

extension ReportPage.Block {
  /// `nil` where there is nothing to show.
  fileprivate func html(id: String) -> String? {
    switch self {
    case .comparison(let comparison): comparison.rows.isEmpty ? nil : comparison.html
    case .table(let table):
      table.rows.isEmpty ? nil : "<h3>\(table.title.escaped)</h3>\n\(table.html)"
    case .charts(let charts):
      charts.isEmpty
        ? nil
        : "<div class=\"charts\">\n"
          + charts.enumerated().map { $1.html(id: "\(id)-\($0 + 1)") }.joined(separator: "\n") + "\n</div>"
    case .thresholds(let explorer): explorer.html(id: id)
    case .gallery(let gallery): gallery.items.isEmpty ? nil : gallery.html
    case .note(let text): "<p class=\"note\">\(text.escaped)</p>"
    }
  }
}

extension JSONValue {
  /// An element with the document for the page's script.
  fileprivate func html(class name: String) -> String {
    #"<script type="application/json" class="\#(name)">\#(scriptText)</script>"#
  }
}

// MARK: Tables

extension Comparison {
  fileprivate var html: String {
    let head = columns.map { #"<th scope="col" class="number">\#($0.name.escaped)</th>"# }
    let body = rows.indices.map { index in
      let row = rows[index]
      let startsGroup = index > 0 && rows[index - 1].group != row.group
      let cells = row.scores.indices.map { column in
        let best = isBest(row: index, column: column) ? " best" : ""
        let published = publishedText(row: index, column: column).map {
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
    let sources = sources.enumerated().map { index, source in
      "<br/>[\(index + 1)] Published, not measured here: \(source.escaped)."
    }
    return """
      <div class="scroll" tabindex="0" role="group" aria-label="\(title.escaped), table">
      <table>
      <thead><tr><th scope="col">method</th><th scope="col" class="number">labels</th>\(head.joined())</tr></thead>
      <tbody>
      \(body.joined(separator: "\n"))
      </tbody>
      </table>
      </div>
      <p class="note">\(note.escaped)\(sources.joined())</p>
      """
  }
}

extension PlainTable {
  fileprivate var html: String {
    func cells(_ row: [String], _ tag: String) -> String {
      zip(columns, row).map { column, cell in
        "<\(tag)\(column.htmlClass)>\(cell.escaped)</\(tag)>"
      }.joined()
    }
    let body = rows.indices.map { index in
      let startsGroup = index > 0 && rows[index - 1].first != rows[index].first && columns.count > 2
      return "<tr\(startsGroup ? #" class="start""# : "")>\(cells(rows[index], "td"))</tr>"
    }
    return """
      <div class="scroll" tabindex="0" role="group" aria-label="\(title.escaped), table">
      <table>
      <thead><tr>\(cells(columns.map(\.name), "th"))</tr></thead>
      <tbody>
      \(body.joined(separator: "\n"))
      </tbody>
      </table>
      </div>
      \(note.isEmpty ? "" : "<p class=\"note\">\(note.escaped)</p>")
      """
  }
}

extension PlainTable.Column {
  fileprivate var htmlClass: String {
    if isNumber { #" class="number""# } else if isName { #" class="name""# } else { "" }
  }
}

// MARK: Charts

extension Chart {
  fileprivate func html(id: String) -> String {
    let numbers =
      table.rows.isEmpty ? "" : "\n<details>\n<summary>The numbers</summary>\n\(table.html)\n</details>"
    let caption = #"<figcaption id="\#(id)">\#(title.escaped)</figcaption>"#
    if let cloud = self as? WordCloud {
      return "<figure class=\"wide\">\n\(caption)\n\(cloud.svg)\(numbers)\n</figure>"
    }
    guard let drawing = (self as? any DrawnChart)?.drawing else { return "" }
    return """
      <figure class="drawn">
      \(caption)
      \(drawing.legendHTML)<div class="chart" style="height:\(drawing.height)px" role="img" \
      aria-label="\("\(title). \(summary)".escaped)"></div>
      <noscript><p class="note">The chart is drawn by a script; its numbers stand below.</p></noscript>
      \(drawing.option.html(class: "option"))\(numbers)
      </figure>
      """
  }
}

extension Drawing {
  /// Buttons that switch series on and off, each with the line and marker of its series.
  fileprivate var legendHTML: String {
    guard !legend.isEmpty else { return "" }
    let items = legend.map { entry in
      let (name, style) = (entry.name, entry.style)
      let note = entry.note.isEmpty ? "" : " <span>\(entry.note.escaped)</span>"
      let lengths = style.dash.map(String.init).joined(separator: " ")
      let dash = lengths.isEmpty ? "" : #" stroke-dasharray="\#(lengths)""#
      let line = #"<path d="M0 5H26" stroke="currentColor" stroke-width="2"\#(dash)/>"#
      let marker = #"<path transform="translate(8.5 .5) scale(.9)" d="\#(style.marker)" fill="currentColor"/>"#
      let swatch = entry.isFilled ? #"<rect width="26" height="10" fill="currentColor"/>"# : line + marker
      return """
        <li><button type="button" aria-pressed="true" data-series="\(name.escaped)">\
        <svg viewBox="0 0 26 10" width="26" height="10" aria-hidden="true" style="color:\(style.cssColor)">\
        \(swatch)</svg>\
        <bdi>\(name.escaped)</bdi>\(note)</button></li>
        """
    }
    return "<ul class=\"legend\" aria-label=\"Series\">\n\(items.joined(separator: "\n"))\n</ul>\n"
  }
}

extension ThresholdExplorer {
  private static let scores = ["precision", "recall", "F1", "flagged share", "flagged"]

  fileprivate func html(id: String) -> String? {
    guard let chart else { return nil }
    let options = labels.map { "<option>\($0.name.escaped)</option>" }.joined()
    let choice = labels.count > 1 ? "<label>label <select>\(options)</select></label>\n" : ""
    let outputs = Self.scores.map { #"<div><dt>\#($0)</dt><dd><output data-score="\#($0)"></output></dd></div>"# }
    return """
      <div class="thresholds">
      <div class="controls" hidden="hidden">
      \(choice)<label class="slide">threshold <output data-score="threshold"></output>
      <input type="range" min="0" max="\(Self.steps)" value="\(Self.steps / 2)"/></label>
      </div>
      <dl class="scores">\(outputs.joined())</dl>
      <div class="charts">
      \(ThresholdChart(chart: chart, table: table).html(id: id))
      </div>
      \(json.html(class: "counts"))
      </div>
      """
  }
}

/// The explorer's chart, with a table of all labels behind it.
private struct ThresholdChart: DrawnChart {
  let chart: LineChart
  let table: PlainTable
  var title: String { chart.title }
  var summary: String { "Precision, recall, F1 and the share of flagged memes by threshold." }
  var drawing: Drawing { chart.drawing }
}

// MARK: The gallery

extension Gallery {
  fileprivate var html: String {
    """
    <div class="memes">
    <noscript><p class="note">The gallery is turned by a script.</p></noscript>
    <div class="controls" hidden="hidden">
    <label>show <select><option value="all">all</option><option value="wrong">wrong</option>\
    <option value="right">right</option><option value="divided">divided answers</option></select></label>
    <label>order <select><option value="given">wrong first</option><option value="sure">surest first</option>\
    <option value="unsure">least sure first</option></select></label>
    <label>find <input type="search" placeholder="words, id or label"/></label>
    <span class="count" role="status"></span>
    </div>
    <div class="gallery"></div>
    <div class="pages" hidden="hidden"><button type="button">← previous</button> \
    <button type="button">next →</button></div>
    \(json.html(class: "items"))
    </div>
    """
  }
}
