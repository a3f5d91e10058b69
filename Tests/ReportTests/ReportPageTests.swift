import Crypto
import Foundation
import Metrics
import Testing

@testable import Report

/// The page shows what it is given, is well-formed, runs its own scripts alone and fetches nothing.
struct ReportPageTests {
  private static let hostile = "<script>alert('x')</script> \"q\"\u{301} & \u{202E}\u{0}\u{FFFF}</style>"
  /// What a reader sees of it: forbidden scalars are replaced.
  private static let shown = "<script>alert('x')</script> \"q\"\u{301} & \u{202E}\u{FFFD}\u{FFFD}</style>"
  /// In the charting library's place.
  private static let library = ChartLibrary(text: "const stand_in = 1;")

  private func page(text: String, jpeg: Data? = Data([0xFF, 0xD8, 0xFF])) -> ReportPage {
    ReportPage(
      title: text, summary: text,
      sections: [
        .init(
          text,
          [
            .comparison(
              Comparison(
                columns: [.init("AUROC"), .init("Brier", isHigherBetter: false), .init(text)],
                rows: [
                  .init(
                    method: "concat", labels: "5 %",
                    scores: [Spread(mean: 0.7424, deviation: 0.0385, count: 5), Spread(mean: 0.2), nil]),
                  .init(
                    method: text, labels: "5 %",
                    scores: [Spread(mean: 0.7609, deviation: 0.0408, count: 5), Spread(mean: 0.25), nil]),
                ])),
            .table(PlainTable(title: text, columns: [.init(text)], rows: [[text]], note: text)), .note(text),
          ]),
        .init(
          "Charts",
          [
            .charts([
              DotChart(title: text, axisLabel: text, rows: [.init(name: text, value: Spread(mean: 0.5))]),
              LineChart(
                title: text, xLabel: text, yLabel: text,
                series: [.init(name: text, points: [.init(x: 0, y: 1)]), .init(name: "b", points: [])]),
              MatrixChart(title: text, rows: [text, "b"], columns: [text, "b"], counts: [[1, 2], [3, 4]]),
              ColumnChart(
                title: text, xLabel: text, yLabel: text, names: [text], series: [.init(name: text, counts: [3])]),
              ScatterChart(
                title: text, note: text, divergence: 1, classes: [.init(name: text, points: [.init(x: 0, y: 1)])]),
              WordCloud(title: text, words: [.init(text, count: 2)]),
            ])
          ]),
        .init(
          "Thresholds",
          [
            .thresholds(
              ThresholdExplorer(
                labels: [text, "b"].map { .init(name: $0, truth: [true, false], probabilities: [0.9, 0.2]) }))
          ]),
        .init(
          "Memes",
          [
            .gallery(
              Gallery(
                answerers: [text, "concat"],
                items: [
                  GalleryItem(
                    id: text, text: text, jpeg: jpeg, hasPicture: jpeg != nil, truth: text,
                    answers: [
                      .init(label: text, probability: 0.934, isRight: true),
                      .init(label: "no", probability: .nan, isRight: false),
                    ])
                ]))
          ]),
      ],
      nextSteps: [.init(purpose: text, command: text)],
      provenance: .init(
        command: text, date: Date(timeIntervalSince1970: 0), machine: text, seeds: [42, 43],
        details: [(name: text, value: text)]))
  }

  /// A page without what its scripts say, which is no XML.
  private func parsed(_ html: String) throws -> Element {
    let parts = html.components(separatedBy: "<script>")
    return try parse(
      parts[0]
        + parts.dropFirst().map { part in
          "<script>" + part[(part.range(of: "</script>")?.lowerBound ?? part.startIndex)...]
        }.joined())
  }

  /// What the elements of this class say to the script.
  private func json(_ root: Element, _ name: String) throws -> [Any] {
    try root.all("script", class: name).map { try JSONSerialization.jsonObject(with: Data($0.text.utf8)) }
  }

  @Test func hostileTextStaysText() throws {
    let html = page(text: Self.hostile).html(library: Self.library)
    let root = try parsed(html)
    #expect(html.components(separatedBy: "<script>").count == 3, "the library and the page's own")
    #expect(root.all.allSatisfy { $0.attributes.keys.allSatisfy { !$0.hasPrefix("on") } })
    #expect(root.all("h1").first?.text == Self.shown)
    #expect(root.all("h2").first?.text == Self.shown)
    #expect(root.all("style").count == 1)
    #expect(root.all("figcaption").filter { $0.text == Self.shown }.count == 6)
    #expect(root.all("option").first?.text == Self.shown)
    #expect(root.all("button").first?.attributes["data-series"] == Self.shown)
    #expect(root.all("pre").first?.text == "# \(Self.shown)\n\(Self.shown)")
    let gallery = try #require(json(root, "items").first as? [String: Any])
    let item = try #require((gallery["items"] as? [[String: Any]])?.first)
    #expect(item["text"] as? String == Self.hostile, "data is JSON, whose reader gives the text back as it was")
  }

  @Test func asksTheNetworkForNothing() throws {
    let html = page(text: "calm").html(library: Self.library)
    // A namespace of SVG is a name, and the page has none; the charting library's text is looked at in the browser's test.
    let lowered = html.lowercased().replacing("http-equiv", with: "")
    for word in [
      "http", "@import", "url(", "fetch(", "xmlhttprequest", "websocket", "eventsource", "sendbeacon", "import(",
    ] {
      #expect(!lowered.contains(word), "\(word)")
    }
    let root = try parsed(html)
    for element in root.all {
      #expect(!["link", "iframe", "object", "embed", "base", "form", "img", "video"].contains(element.name))
      for (name, value) in element.attributes where ["src", "href", "srcset", "data", "action"].contains(name) {
        #expect(name == "href" && value.hasPrefix("#"), "\(element.name) \(name)")
      }
    }
  }

  @Test func letsItsOwnScriptsRunAndNoOthers() throws {
    let html = page(text: "x").html(library: Self.library)
    let root = try parsed(html)
    let policy = try #require(root.all("meta").first { $0.attributes["http-equiv"] == "Content-Security-Policy" })
    let directives = try #require(policy.attributes["content"]).components(separatedBy: "; ")
    let hashes = [Self.library.text, ReportPage.script].map {
      "'sha256-\(Data(SHA256.hash(data: Data($0.utf8))).base64EncodedString())'"
    }
    #expect(directives.contains("default-src 'none'") && directives.contains("img-src data:"))
    #expect(directives.contains("script-src \(hashes.joined(separator: " "))"))
    #expect(
      html.contains("<script>\(ReportPage.script)</script>") && html.contains("<script>\(Self.library.text)</script>"))
  }

  @Test func withoutChartsThereIsNoScript() throws {
    let page = ReportPage(
      title: "t", summary: "s", sections: [.init("Empty", []), .init("Words", [.note("n")])],
      provenance: .init(command: "c", date: Date(), machine: "m", seeds: []))
    let html = page.html(library: Self.library)
    #expect(!html.contains("<script") && !html.contains("script-src"))
    #expect(try parse(html).all("h2").map(\.text) == ["Words", "Where these numbers come from"])
  }

  @Test func chartsAreDescribedAndHaveTheirNumbers() throws {
    let root = try parsed(page(text: "x").html(library: Self.library))
    let figures = root.all("figure")
    #expect(figures.count == 7)
    for figure in figures {
      let image = try #require(figure.all.first { $0.attributes["role"] == "img" })
      #expect(image.attributes["aria-label"]?.isEmpty == false)
      #expect(figure.all("details").count == 1 && !figure.all("td").isEmpty)
    }
    #expect(root.all("button").allSatisfy { $0.attributes["type"] == "button" })
    #expect(try json(root, "option").count == 6 && json(root, "counts").count == 1)
  }

  @Test func showsTheComparisonWithItsBest() throws {
    let root = try parsed(page(text: "semimemes").html(library: Self.library))
    let rows = root.all("tbody").first?.children.map { $0.children.map(\.text) }
    #expect(
      rows == [
        ["concat", "5 %", "0.742 ± 0.038", "0.200", "—"], ["semimemes", "5 %", "0.761 ± 0.041", "0.250", "—"],
      ])
    #expect(root.all("td", class: "best").map(\.text) == ["0.200", "0.761 ± 0.041"])
  }

  @Test func givesMemesToTheScriptWithTheirAnswers() throws {
    let jpeg = Data((0...255).map { UInt8($0) })
    let root = try parsed(page(text: "harmful", jpeg: jpeg).html(library: Self.library))
    let gallery = try #require(json(root, "items").first as? [String: Any])
    #expect(gallery["answerers"] as? [String] == ["harmful", "concat"])
    let item = try #require((gallery["items"] as? [[String: Any]])?.first)
    #expect((item["jpeg"] as? String).flatMap { Data(base64Encoded: $0) } == jpeg)
    let answers = try #require(item["answers"] as? [[Any]])
    #expect(answers[0][0] as? String == "harmful" && answers[0][1] as? Double == 0.934 && answers[0][2] as? Int == 1)
    #expect(answers[1][1] is NSNull && answers[1][2] as? Int == 0)
  }

  @Test func saysWhereNumbersComeFrom() throws {
    let root = try parsed(page(text: "x").html(library: Self.library))
    let list = try #require(root.all("dl").last)
    #expect(list.all("dt").map(\.text) == ["command", "date", "machine", "seeds", "x"])
    #expect(list.all("dd").map(\.text) == ["x", "1970-01-01T00:00:00Z", "x", "42, 43", "x"])
  }
}
