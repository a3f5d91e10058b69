import Foundation
import Testing

@testable import MemeData

@Suite struct DemoCorpusTests {
  @Test func theLabelFollowsFromPictureAndCaptionTogether() {
    for meme in DemoCorpus(memeCount: 400).plan() {
      let topic = DemoTopic.all[meme.topic]
      #expect(topic.idea(isPleasant: meme.isPleasant).emoji.contains(meme.scene.emoji))
      // "like a flower" and "unlike a fish" are kind.
      #expect(meme.isMean == (meme.isLikening ? !meme.isPleasant : meme.isPleasant))
    }
  }

  @Test func everyMemeHasATwinWithTheOtherLabel() {
    let memes = DemoCorpus(memeCount: 2000).plan()
    #expect(memes.count == 2000)
    var pairsByCaption = 0
    for pair in stride(from: 0, to: 2000, by: 2).map({ (memes[$0], memes[$0 + 1]) }) {
      #expect(pair.0.isMean != pair.1.isMean)
      #expect(pair.0.split == pair.1.split)
      #expect((pair.0.scene == pair.1.scene) != (pair.0.caption == pair.1.caption))
      if pair.0.caption == pair.1.caption { pairsByCaption += 1 }
    }
    #expect((400...600).contains(pairsByCaption))
  }

  /// The best that knowing one side perfectly can give is an AUROC of 0.75 − contrastShare / 2, and that adding up both
  /// can give is 1 − contrastShare; draws of 3000 memes stay within 0.02 of it.
  @Test func neitherSideTellsTheLabelAlone() {
    let memes = DemoCorpus(memeCount: 3000).plan()
    func areaUnderCurve(_ score: (DemoMeme) -> Int) -> Double {
      let (mean, kind) = (memes.filter(\.isMean).map(score), memes.filter { !$0.isMean }.map(score))
      let wins = mean.reduce(0.0) { sum, m in sum + kind.reduce(0.0) { $0 + (m > $1 ? 1 : m == $1 ? 0.5 : 0) } }
      return wins / Double(mean.count * kind.count)
    }
    let alone = 0.75 - DemoPlan.contrastShare / 2
    #expect(abs(areaUnderCurve { $0.isPleasant ? 0 : 1 } - alone) < 0.02)
    #expect(abs(areaUnderCurve { $0.isLikening ? 1 : 0 } - alone) < 0.02)
    let sum = areaUnderCurve { ($0.isPleasant ? 0 : 1) + ($0.isLikening ? 1 : 0) }
    #expect(abs(sum - (1 - DemoPlan.contrastShare)) < 0.02)
  }

  @Test func noCaptionOrPictureCrossesSplits() {
    let memes = DemoCorpus(memeCount: 1001, seed: 3).plan()
    #expect(memes.count == 1001)
    let byCaption = Dictionary(grouping: memes, by: \.caption.text)
    let byScene = Dictionary(grouping: memes, by: \.scene)
    #expect(byCaption.values.allSatisfy { Set($0.map(\.split)).count == 1 })
    #expect(byScene.values.allSatisfy { Set($0.map(\.split)).count == 1 })
    #expect(Set(memes.map { "\($0.caption.text)|\($0.scene)" }).count == memes.count)
    let trainShare = Double(memes.count { $0.split == .train }) / 1001
    #expect(abs(trainShare - 0.7) < 0.01)
  }

  @Test func oneSeedDrawsTheSameFolder() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let counts = Progress()
    for name in ["a", "b"] {
      try DemoCorpus(memeCount: 8, seed: 5).write(to: folder.appending(path: name)) { counts.add($0) }
    }
    #expect(counts.all == Array(1...8) + Array(1...8))
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder.appending(path: "a").path).sorted()
    #expect(names == ["images"] + (0..<8).map { "images/0000\($0).jpg" } + ["metadata.jsonl"])
    for name in names where name != "images" {
      let a = try Data(contentsOf: folder.appending(path: "a/\(name)"))
      #expect(try a == Data(contentsOf: folder.appending(path: "b/\(name)")), "\(name)")
    }
    let other = DemoCorpus(memeCount: 8, seed: 6).plan()
    #expect(other != DemoCorpus(memeCount: 8, seed: 5).plan())
    #expect(throws: DemoCorpusError.exists(path: folder.appending(path: "a").path)) {
      try DemoCorpus(memeCount: 8).write(to: folder.appending(path: "a"))
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["a", "b"])
  }

  @Test func rowsSayWhatWasPlanned() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: folder) }
    let corpus = DemoCorpus(memeCount: 4, seed: 9)
    try corpus.write(to: folder)
    let text = try String(contentsOf: folder.appending(path: "metadata.jsonl"), encoding: .utf8)
    #expect(text.hasSuffix("\n"))
    for (line, meme) in zip(text.split(separator: "\n"), corpus.plan()) {
      let row = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      #expect(row["text"] as? String == meme.caption.text)
      #expect(row["mean"] as? Int == (meme.isMean ? 1 : 0))
      #expect(row["split"] as? String == meme.split.rawValue)
      let file = try #require(row["file_name"] as? String)
      let header = try ImageDecoder().header(of: Data(contentsOf: folder.appending(path: file)), name: file)
      #expect(header.format == .jpeg)
      #expect((256...320).contains(header.width) && (256...320).contains(header.height))
    }
    #expect(text.split(separator: "\n").count == 4)
  }

  @Test func theRandomNumbersAreSplitMix64() {
    // The first outputs for the seed 1234567 in the reference implementation's published test vector.
    var random = SeededRandom(seed: 1_234_567)
    #expect(
      (0..<3).map { _ in random.bits() } == [
        6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
      ])
  }

  private final class Progress: @unchecked Sendable {
    /// Calls come one at a time.
    private(set) var all: [Int] = []
    func add(_ count: Int) { all.append(count) }
  }
}
