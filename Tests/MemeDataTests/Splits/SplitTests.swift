import Foundation
import Testing

@testable import MemeData

@Suite struct SplitTests {
  private struct Fixture: Decodable {
    struct Permutation: Decodable {
      var seed: UInt32
      var count: Int
      var first: [Int]
      var last: [Int]
      var weighted: Int
    }

    struct Uniforms: Decodable {
      var seed: UInt32
      var values: [Double]
    }

    var permutations: [Permutation]
    var uniforms: [Uniforms]
  }

  @Test func equalsNumPy() throws {
    let fixture: Fixture = try decodeFixture("permutations.json")
    #expect(fixture.permutations.count == 30)
    for expected in fixture.permutations {
      var random = LegacyRandomState(seed: expected.seed)
      let order = random.permutation(expected.count)
      #expect(Array(order.prefix(20)) == expected.first)
      #expect(Array(order.suffix(20)) == expected.last)
      #expect(order.enumerated().reduce(0) { $0 + $1.offset * $1.element } == expected.weighted)
    }
    for expected in fixture.uniforms {
      var random = LegacyRandomState(seed: expected.seed)
      #expect(expected.values.map { _ in random.uniform() } == expected.values)
    }
  }

  @Test(arguments: [
    (8000, [2215, 2582, 1662, 3027, 4343, 2680, 1765, 1123, 4054, 3761]),
    (8500, [6244, 6813, 7019, 5537, 6307, 2794, 2221, 5282, 2833, 4514]),
    (10000, [6252, 4684, 1731, 4742, 4521, 6340, 576, 5202, 6363, 439]),
  ])
  func publishedLabelDraw(count: Int, first: [Int]) throws {
    let five = try LabelRatioSplit(count: count, ratio: 0.05, seed: 42)
    let thirty = try LabelRatioSplit(count: count, ratio: 0.3, seed: 42)
    #expect(five.labelled.count == count / 20)
    #expect(Array(five.labelled.prefix(10)) == first)
    #expect(Array(thirty.labelled.prefix(five.labelled.count)) == five.labelled)
    #expect(five.unlabelled == Array(0..<count).filter { !Set(five.labelled).contains($0) })
  }

  /// Python: round(0.5 * 5) is 2, round(0.5 * 7) is 4, round(0.05 * 3013) is 151.
  @Test(arguments: [(5, 0.5, 2), (7, 0.5, 4), (3013, 0.05, 151), (3, 0, 0), (3, 1, 3), (0, 0.5, 0)])
  func halvesRoundToEven(count: Int, ratio: Double, expected: Int) throws {
    #expect(try LabelRatioSplit(count: count, ratio: ratio, seed: 1).labelled.count == expected)
  }

  @Test(arguments: [-0.1, 1.5, .nan, .infinity])
  func ratioOutsideItsRange(ratio: Double) {
    #expect(throws: LabelRatioError.self) { try LabelRatioSplit(count: 3, ratio: ratio, seed: 1) }
    #expect(throws: LabelRatioError.self) { try LabelRatioSplit.stratified(by: [nil], ratio: ratio, seed: 1) }
  }

  @Test func stratifiedKeepsShares() throws {
    // 5 memes of class 2, 95 of class 1, 900 of class 0, 100 without a label.
    let classes = (0..<1100).map { $0 % 220 == 0 ? 2 : $0 < 120 && $0 > 0 && $0 <= 95 ? 1 : $0 >= 1000 ? nil : 0 }
    let labels = classes.map { $0.map { Label.multiclass($0) } }
    func counts(_ positions: some Sequence<Int>) -> [Int] {
      (0..<3).map { stratum in positions.count { classes[$0] == stratum } }
    }
    let sizes = counts(0..<1100)
    let three = try LabelRatioSplit.stratified(by: labels, ratio: 3.0 / 1100, seed: 42)
    #expect(counts(three.labelled) == [1, 1, 1])
    let tenth = try LabelRatioSplit.stratified(by: labels, ratio: 0.1, seed: 42)
    #expect(Array(tenth.labelled.prefix(3)) == three.labelled)
    for (count, size) in zip(counts(tenth.labelled), sizes) {
      #expect(abs(Double(count) - 110 * Double(size) / Double(sizes.reduce(0, +))) <= 1)
    }
    #expect(tenth.labelled.count == 110 && tenth.labelled.allSatisfy { labels[$0] != nil })
    let all = try LabelRatioSplit.stratified(by: labels, ratio: 1, seed: 42)
    #expect(all.labelled.count == sizes.reduce(0, +))
    #expect(all.unlabelled == classes.indices.filter { classes[$0] == nil })
    #expect(try LabelRatioSplit.stratified(by: labels, ratio: 0.1, seed: 43) != tenth)
  }

  @Test func stratifiedByTheRarestLabel() throws {
    let labels = (0..<100).map { Label.multilabel([true, $0 < 50, $0 == 20]) }
    let split = try LabelRatioSplit.stratified(by: labels, ratio: 0.03, seed: 42)
    #expect(split.labelled.contains(20))
    #expect(split.labelled.count { $0 < 50 } == 2)
  }

  private func dataset(_ splits: [Split?], _ format: DatasetFormat = .memotion) -> Dataset {
    Dataset(
      name: "n", root: URL(filePath: "/n"), format: format, tasks: [],
      memes: splits.enumerated().map { Meme(id: "\($0)", image: nil, text: "t", split: $1) })
  }

  @Test func cutsEightyTenTen() {
    var random = LegacyRandomState(seed: 42)
    let order = random.permutation(6992)
    for split in [nil, Split.train] {
      let cut = dataset(Array(repeating: split, count: 6992)).withSplits()
      let splits = cut.memes.map(\.split)
      #expect([Split.train, .validation, .test].map { part in splits.count { $0 == part } } == [5594, 699, 699])
      #expect(order.prefix(5594).allSatisfy { splits[$0] == .train })
      #expect(order.suffix(699).allSatisfy { splits[$0] == .test })
      #expect(cut.memes.map(\.id) == (0..<6992).map(String.init))
    }
  }

  @Test func cutsValidationOutOfTraining() {
    let cut = dataset([.test] + Array(repeating: .train, count: 400) + [.test]).withSplits().memes.map(\.split)
    var random = LegacyRandomState(seed: 42)
    let expected = Set(random.permutation(400).prefix(40).map { $0 + 1 })
    #expect(Set(cut.indices.filter { cut[$0] == .validation }) == expected)
    #expect(cut.first == .test && cut.last == .test)
  }

  /// MAMI has 10,000 training memes; 5, 10 and 30 % of what is left of them are 400, 800 and 2,400 (reference 01 §6).
  @Test func cutsAFifthOutOfMAMIsTraining() throws {
    let memes = [Split?](repeating: .train, count: 10_000) + [.test]
    let cut = dataset(memes, .mami).withSplits().memes.map(\.split)
    var random = LegacyRandomState(seed: 42)
    #expect(Set(cut.indices.filter { cut[$0] == .validation }) == Set(random.permutation(10_000).prefix(2000)))
    #expect(cut[6252] == .validation && cut.last == .test)
    let rest = cut.count { $0 == .train }
    let labelled = try [0.05, 0.1, 0.3].map { try LabelRatioSplit(count: rest, ratio: $0, seed: 42).labelled.count }
    #expect(labelled == [400, 800, 2400])
    // Without a test split it is cut as others are.
    let whole = dataset(Array(repeating: .train, count: 100), .mami).withSplits().memes
    #expect(whole.count { $0.split == .validation } == 10)
  }

  @Test func leavesOtherSplitsAlone() {
    for splits: [Split?] in [[.train, .validation, .test], [.test], [.train, nil], [.train, .validation], []] {
      #expect(dataset(splits).withSplits().memes.map(\.split) == splits)
    }
  }
}
