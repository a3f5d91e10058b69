import Foundation
import Metrics
import Testing

@testable import Report

/// The page shows what it is given, is well-formed, and neither runs nor fetches anything.
struct ReportPageTests {
  private static let hostile = "<script>alert('x')</script> \"q\"\u{301} & \u{202E}\u{0}\u{FFFF}</style>"
  /// What a reader sees of it: forbidden scalars are replaced.
  private static let shown = "<script>alert('x')</script> \"q\"\u{301} & \u{202E}\u{FFFD}\u{FFFD}</style>"

  private func page(text: String, jpeg: Data? = Data([0xFF, 0xD8, 0xFF])) throws -> ReportPage {
    let ranked = try RankedScores(truth: [true, false, true, false], scores: [0.9, 0.5, 0.5, 0.1])
    return ReportPage(
      title: text, summary: text,
      comparisons: [
        Comparison(
          columns: [.init("AUROC"), .init("Brier", isHigherBetter: false), .init(text)],
          rows: [
            .init(
              method: "concat", labels: "5 %",
              scores: [Spread(mean: 0.7424, deviation: 0.0385, count: 5), Spread(mean: 0.2), nil]),
            .init(
              method: text, labels: "5 %",
              scores: [Spread(mean: 0.7609, deviation: 0.0408, count: 5), Spread(mean: 0.25), nil]),
          ])
      ],
      charts: [
        BarChart(
          title: text, axisLabel: text,
          groups: [.init(name: text, bars: [.init(name: text, value: Spread(mean: 0.5))])]),
        LineChart(
          title: text, xLabel: text, yLabel: text, series: [.init(name: text, points: [ChartPoint(x: 0, y: 1)])]),
        ROCChart(title: text, curves: [.init(name: text, scores: ranked)]),
        ConfusionChart(title: text, labels: [text, "b"], counts: [[1, 2], [3, 4]]),
      ],
      gallery: [
        GalleryItem(
          id: text, text: text, jpeg: jpeg, truth: text,
          predictions: [
            .init(method: text, label: text, probability: 0.934, isRight: true),
            .init(method: "concat", label: "no", probability: .nan, isRight: false),
          ])
      ],
      nextSteps: [.init(purpose: text, command: text)],
      provenance: .init(
        command: text, date: Date(timeIntervalSince1970: 0), machine: text, seeds: [42, 43],
        details: [(name: text, value: text)]))
  }

  @Test func hostileTextStaysText() throws {
    let html = try page(text: Self.hostile).html()
    let root = try parse(html)
    #expect(!html.contains("<script"))
    #expect(root.all("script").isEmpty)
    #expect(root.all.allSatisfy { $0.attributes.keys.allSatisfy { !$0.hasPrefix("on") } })
    #expect(root.all("h1").first?.text == Self.shown)
    #expect(root.all("p", class: "words").first?.text == Self.shown)
    #expect(root.all("img").first?.attributes["alt"] == "Meme: " + Self.shown)
    #expect(root.all("style").count == 1)
    // The title stands in the head, the heading, each chart's caption and each chart's own title.
    #expect(root.all("title").filter { $0.text == Self.shown }.count == 5)
    #expect(root.all("figcaption").filter { $0.text == Self.shown }.count == 4)
    #expect(root.all("pre").first?.text == "# \(Self.shown)\n\(Self.shown)")
  }

  @Test func asksTheNetworkForNothing() throws {
    let html = try page(text: "calm").html()
    #expect(html.lowercased().replacing("http-equiv", with: "").contains("http") == false)
    #expect(!html.contains("@import") && !html.contains("url(") && !html.contains("//"))
    let root = try parse(html)
    for element in root.all {
      #expect(!["script", "link", "iframe", "object", "embed", "base", "form"].contains(element.name))
      for (name, value) in element.attributes where ["src", "href", "srcset", "data", "action"].contains(name) {
        #expect(value.hasPrefix("data:image/jpeg;base64,"), "\(element.name) \(name)")
      }
    }
    let policy = root.all("meta").first { $0.attributes["http-equiv"] == "Content-Security-Policy" }
    let directives = policy?.attributes["content"]?.components(separatedBy: "; ")
    #expect(directives?.contains("default-src 'none'") == true)
    #expect(directives?.contains("img-src data:") == true)
    #expect(directives?.contains { $0.hasPrefix("script-src") } == false)
  }

  @Test func showsTheComparisonWithItsBest() throws {
    let root = try parse(try page(text: "semimemes").html())
    let rows = root.all("tbody").first?.children.map { $0.children.map(\.text) }
    #expect(
      rows == [
        ["concat", "5 %", "0.742 ± 0.038", "0.200", "—"], ["semimemes", "5 %", "0.761 ± 0.041", "0.250", "—"],
      ])
    #expect(root.all("td", class: "best").map(\.text) == ["0.200", "0.761 ± 0.041"])
  }

  @Test func showsMemesWithTheirPredictions() throws {
    let jpeg = Data((0...255).map { UInt8($0) })
    let root = try parse(try page(text: "harmful", jpeg: jpeg).html())
    let image = try #require(root.all("img").first?.attributes["src"])
    #expect(Data(base64Encoded: String(image.dropFirst("data:image/jpeg;base64,".count))) == jpeg)
    let right = try #require(root.all("li", class: "right").first)
    #expect(right.children.map(\.text) == ["✓", "harmful", "93 %", "harmful"])
    #expect(right.children[0].attributes["aria-label"] == "right")
    let wrong = try #require(root.all("li", class: "wrong").first)
    #expect(wrong.children.map(\.text) == ["✗", "no", "—", "concat"])
  }

  @Test func saysWhereNumbersComeFrom() throws {
    let root = try parse(try page(text: "x").html())
    let list = try #require(root.all("dl").first)
    #expect(list.all("dt").map(\.text) == ["command", "date", "machine", "seeds", "x"])
    #expect(list.all("dd").map(\.text) == ["x", "1970-01-01T00:00:00Z", "x", "42, 43", "x"])
  }

  @Test func leavesEmptySectionsOut() throws {
    let page = ReportPage(
      title: "t", summary: "s",
      gallery: [GalleryItem(id: "1", text: nil, jpeg: nil, truth: "no", predictions: [])],
      provenance: .init(command: "c", date: Date(), machine: "m", seeds: []))
    let root = try parse(page.html())
    #expect(root.all("h2").map(\.text) == ["Example memes", "Where these numbers come from"])
    #expect(root.all("div", class: "picture").first?.text == "no picture")
    #expect(root.all("p", class: "none").first?.text == "no text")
    #expect(root.all("img").isEmpty)
  }

  @Test func cutsLongCaptions() throws {
    let root = try parse(try page(text: String(repeating: "ab", count: 5000)).html())
    let words = try #require(root.all("p", class: "words").first?.text)
    #expect(words.count == 280)
    #expect(words.hasSuffix("ba…"))
  }
}
