import Foundation
import Metrics
import Testing

@testable import Report

/// Thresholds, galleries and word clouds.
struct FigureTests {
  @Test func thresholdsCountAsTheMetricsDo() {
    var random = SystemRandomNumberGenerator()
    let truth = (0..<200).map { _ in Bool.random(using: &random) }
    // Hundredths fall on thresholds, where "exceeds" matters.
    let probabilities = (0..<200).map { _ in Double(Int.random(in: 0...100, using: &random)) / 100 }
    let label = ThresholdExplorer.Label(name: "x", truth: truth, probabilities: probabilities)
    for step in 0...100 {
      let expected = ConfusionCounts(truth: truth, predicted: probabilities.map { $0 > Double(step) / 100 })
      #expect(label.counts(at: step) == expected, "at \(step)")
    }
    let explorer = ThresholdExplorer(labels: [label])
    #expect(explorer.table.rows.count == 9 && explorer.chart?.series.map(\.points.count) == [101, 101, 101, 101])
    #expect(ThresholdExplorer(labels: []).chart == nil)
  }

  @Test func picturesOfAGalleryStayWithinTheirBudget() throws {
    let half = Data(repeating: 7, count: Gallery.pictureBudget / 2)
    func item(_ jpeg: Data?, hasPicture: Bool = true) -> GalleryItem {
      GalleryItem(id: "1", text: nil, jpeg: jpeg, hasPicture: hasPicture, truth: "no", answers: [])
    }
    let gallery = Gallery(answerers: [], items: [item(half), item(half), item(half), item(nil, hasPicture: false)])
    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(gallery.json.scriptText.utf8)) as? [String: Any])
    let items = try #require(json["items"] as? [[String: Any]])
    #expect(
      items.map { ($0["jpeg"] as? String)?.count } == [half, half].map { $0.base64EncodedString().count } + [nil, nil])
    #expect(items.map { $0["omitted"] as? Bool } == [nil, nil, true, nil])
  }

  @Test func longCaptionsAreCut() throws {
    let item = GalleryItem(
      id: "1", text: String(repeating: "ab", count: 5000), jpeg: nil, hasPicture: false, truth: "no", answers: [])
    let text = Gallery(answerers: [], items: [item]).json.scriptText
    #expect(text.contains("\"text\":\"" + String(repeating: "ab", count: 139) + "a…\""))
  }

  private let words = (0..<150).map {
    WordCloud.Word("word\($0 % 13 == 0 ? "münchen日本" : "")\($0)", count: 1 + 9000 / ($0 + 1))
  }

  @Test func wordsNeitherTouchNorLeaveTheCloud() throws {
    let placed = WordCloud(title: "Words", words: words).placed
    #expect(placed.count > 60 && placed[0].word == words[0])
    for (index, one) in placed.enumerated() {
      #expect(one.x - one.width / 2 >= 0 && one.x + one.width / 2 <= WordCloud.extent.width)
      #expect(one.y - one.height / 2 >= 0 && one.y + one.height / 2 <= WordCloud.extent.height)
      for other in placed[..<index] { #expect(!one.touches(other)) }
    }
    #expect(zip(placed, placed.dropFirst()).allSatisfy { $0.size >= $1.size })
    #expect(WordCloud(title: "Words", words: words.shuffled()).placed == placed, "the order given does not matter")
    #expect(WordCloud(title: "None", words: []).placed.isEmpty)
  }

  @Test func cloudsEscapeTheirWords() throws {
    let root = try parse(WordCloud(title: "Words", words: [.init("<b>&\"'", count: 3)]).svg)
    #expect(root.all("text").map(\.text) == ["<b>&\"'"])
  }
}
