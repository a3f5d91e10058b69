import Foundation
import Testing

@testable import MemeData

@Suite struct DatasetSummaryTests {
  private let dataset = Dataset(
    name: "tiny", root: URL(filePath: "/tiny"), format: .huggingFace,
    tasks: [
      LabelTask(name: "odd", kind: .binary, labels: ["odd"]),
      LabelTask(name: "marks", kind: .multilabel, labels: ["z", "a"]),
    ],
    memes: [
      Meme(id: "1", image: nil, text: "a", labels: ["odd": .binary(true)], split: .test),
      Meme(id: "2", image: URL(filePath: "/tiny/2"), text: nil, labels: ["marks": .multilabel([true, true])]),
      Meme(id: "3", image: nil, text: "c", labels: ["odd": .binary(false)], split: .test),
    ],
    problems: [RowProblem(file: "f", line: 3, message: "m")])

  @Test func countsByPartAndLabel() throws {
    let summary = DatasetSummary(dataset)
    #expect(
      summary.parts
        == [
          .init(split: "test", memes: 2, missingTexts: 0, missingImages: 2),
          .init(split: "unsplit", memes: 1, missingTexts: 1, missingImages: 0),
        ])
    #expect(
      summary.tasks
        == [
          .init(
            name: "odd", kind: .binary,
            labels: [.init(label: "not odd", counts: [1, 0]), .init(label: "odd", counts: [1, 0])], labelled: [2, 0]),
          .init(
            name: "marks", kind: .multilabel,
            labels: [.init(label: "z", counts: [0, 1]), .init(label: "a", counts: [0, 1])], labelled: [0, 1]),
        ])
    let json = String(decoding: try JSONEncoder().encode(summary), as: UTF8.self)
    #expect(json.contains("\"missing_images\":2"))
    #expect(json.contains("\"line\":3"))
  }

  static let shared = ProcessInfo.processInfo.environment["MEMESENSE_SHARED"]

  @Test(.enabled(if: shared != nil, "MEMESENSE_SHARED does not name the folder of published data"))
  func publishedCounts() throws {
    let data = URL(filePath: try #require(Self.shared)).appending(path: "data")
    let harmeme = try Dataset.read(data.appending(path: "harmeme"), strict: true)
    let summary = DatasetSummary(harmeme)
    #expect(summary.parts.map(\.memes) == [3013, 177, 354])
    #expect(summary.tasks[0].labels[1] == .init(label: "harmful", counts: [1064, 61, 124]))
    let memotion = try Dataset.read(data.appending(path: "memotion7k"), strict: true)
    #expect(memotion.memes.count == 6992)
    // Five corrected texts are empty; one of them has the OCR's.
    #expect(memotion.memes.count { $0.text == nil } == 4)
    #expect(DatasetSummary(memotion).tasks[0].labels.map { $0.counts } == [[151], [480], [2201], [3127], [1033]])
  }
}
