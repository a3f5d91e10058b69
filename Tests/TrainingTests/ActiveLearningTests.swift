import Encoders
import Foundation
import MemeData
import Methods
import Metrics
import Testing
import Torch

@testable import Training

/// Which memes are asked for next, and what that is worth.
@Suite struct ActiveLearningTests {
  /// Memes whose picture has these features; none has a text.
  private func table(_ rows: [[Float]]) -> FeatureTable {
    let width = rows[0].count
    return FeatureTable(
      image: FeatureBlock(
        values: Tensor(rows.flatMap(\.self), shape: [rows.count, width]),
        isPresent: rows.map { _ in true }),
      text: FeatureBlock(values: Tensor.zeros([rows.count, 1]), isPresent: rows.map { _ in false }))
  }

  /// Points around a circle, at these degrees.
  private func circle(_ degrees: [Double]) -> FeatureTable {
    table(degrees.map { [Float(cos($0 * .pi / 180)), Float(sin($0 * .pi / 180))] })
  }

  @Test func entropyIsInBits() {
    #expect(QueryPool.entropy([0.5], isExclusive: false) == 1)
    #expect(QueryPool.entropy([0], isExclusive: false) == 0)
    #expect(QueryPool.entropy([0.25, 0.25, 0.25, 0.25], isExclusive: true) == 2)
    #expect(QueryPool.entropy([1, 0], isExclusive: true) == 0)
    #expect(abs(QueryPool.entropy([0.9, 0.5], isExclusive: false) - (0.468995594 + 1) / 2) < 1e-9)
  }

  @Test func uncertaintyTakesTheLeastSure() {
    let pool = QueryPool(circle([0, 10, 20, 30, 40]), clusters: nil)
    let next = pool.next(
      3, labelled: [2], probabilities: [[0.9], [0.45], [0.5], [0.6], [0.02]], isExclusive: false, by: .uncertainty,
      seed: 1)
    #expect(next == [1, 3, 0])
  }

  @Test func diversityTakesTheFarthest() {
    // Symmetric about the centre, so that standardising keeps the circle.
    let pool = QueryPool(circle([0, 90, 180, 270, 5, 95, 185, 275]), clusters: nil)
    let next = pool.next(3, labelled: [0], probabilities: nil, isExclusive: false, by: .diversity, seed: 1)
    #expect(next[0] == 2, "straight across")
    #expect(Set(next.map { $0 % 4 }) == [1, 2, 3], "one of each corner that has none yet")
  }

  @Test func oursIsUnsureAndFoldsCopies() {
    let degrees = [0.0, 0, 0, 90, 90, 180, 180, 270, 270, 45]
    let pool = QueryPool(circle(degrees), clusters: [0, 0, 0, 1, 1, 2, 2, 3, 3, 4])
    // It is sure of the corner at 180 degrees.
    let probabilities = degrees.map { $0 == 180 ? [0.0] : [0.5] }
    for seed in 0..<20 as Range<UInt64> {
      let next = pool.next(3, labelled: [0], probabilities: probabilities, isExclusive: false, by: .ours, seed: seed)
      #expect(
        Set(next.map { degrees[$0] }) == [45, 90, 270], "\(next): neither a copy of a labelled one nor a sure one")
    }
    let all = pool.next(99, labelled: [0], probabilities: probabilities, isExclusive: false, by: .ours, seed: 1)
    #expect(all.sorted() == Array(1..<10), "at last every meme comes once")
    #expect(Set(all.prefix(4).map { degrees[$0] }).count == 4)
  }

  @Test(arguments: QueryStrategy.allCases) func everyOrderIsSeededAndWhole(_ strategy: QueryStrategy) {
    let pool = QueryPool(circle((0..<30).map { Double($0 * 12) }), clusters: nil)
    for probabilities in [nil, (0..<30).map { [Double($0) / 30, 1 - Double($0) / 30] }] {
      func next(_ seed: UInt64, _ count: Int = 7) -> [Int] {
        pool.next(count, labelled: [3, 4], probabilities: probabilities, isExclusive: true, by: strategy, seed: seed)
      }
      #expect(next(5) == next(5) && next(5).count == 7 && Set(next(5)).isDisjoint(with: [3, 4]))
      #expect(next(5, 100).sorted() == (0..<30).filter { $0 != 3 && $0 != 4 })
    }
  }

  /// A corpus whose labels its features tell but for some noise.
  private func corpus(_ count: Int = 160) throws -> Corpus {
    let generator = Generator(seed: 7)
    let noise = Tensor(empty: [count, 4])
    noise.fillNormal(deviation: 1, using: generator)
    let values: [Float] = noise.floats
    let memes = (0..<count).map { index in
      Meme(
        id: "\(index)", image: nil, text: "\(index)",
        labels: ["harm": .binary(values[4 * index] + 0.5 * values[4 * index + 1] > 0)],
        split: index % 4 == 0 ? .test : index % 4 == 1 ? .validation : .train)
    }
    let dataset = Dataset(
      name: "noise", root: URL(filePath: "/"), format: .huggingFace,
      tasks: [LabelTask(name: "harm", kind: .binary, labels: ["harmful"])], memes: memes)
    return try Corpus(dataset, splits: [.train, .test]) { memes in
      let rows = memes.map { Int($0.id)! }
      return FeatureTable(
        image: FeatureBlock(values: noise.gathered(Tensor(rows)), isPresent: rows.map { _ in true }),
        text: FeatureBlock(values: Tensor.zeros([rows.count, 1]), isPresent: rows.map { _ in false }))
    }
  }

  private func recipe(
    _ name: String = "logistic-regression-lite", _ override: String = "settings.strengths=[1]"
  ) throws -> Recipe {
    try Recipe(yaml: RecipeLibrary.text(named: name), source: name, overrides: [override])
  }

  /// Whose epochs are kept in files meanwhile.
  @Test func methodsThatAreTrainedByEpochsAreSimulated() throws {
    var settings = LabelSimulation.Settings(steps: [10, 80], seeds: [1])
    settings.strategies = [.random, .ours]
    let points = try LabelSimulation(
      corpus(), recipe: recipe("concat-lite", "settings.training.learning_rate=0.01"), settings: settings,
      clusters: Array(0..<80)
    ).run(observer: SilentObserver())
    #expect(points.map(\.labels) == [10, 80, 10, 80])
    #expect(points.filter { $0.labels == 80 }.allSatisfy { $0.score ?? 0 > 0.8 }, "\(points)")
  }

  @Test func aSimulationEndsWhereAllLabelsAre() throws {
    let corpus = try corpus()
    let settings = LabelSimulation.Settings(steps: [10, 40, 80], seeds: [1, 2])
    let simulation = try LabelSimulation(corpus, recipe: recipe(), settings: settings, clusters: Array(0..<80))
    let points = try simulation.run(observer: SilentObserver())
    #expect(points.count == 4 * 2 * 3 && simulation.poolCount == 80)
    let last = points.filter { $0.labels == 80 }.compactMap(\.score)
    #expect(last.count == 8)
    // With all labels the order in which they came makes no difference but rounding.
    for score in last { #expect(abs(score - last[0]) < 0.005) }
    #expect(last[0] > 0.97)
    #expect(try simulation.run(observer: SilentObserver()) == points, "the same again, to the bit")
    let random = try #require(points.spread(.random, labels: 10))
    let scores = points.filter { $0.strategy == .random && $0.labels == 10 }.compactMap(\.score)
    #expect(random.mean == (scores[0] + scores[1]) / 2 && random.count == 2)
  }

  @Test func labelsNeededAndDifferencesAreThoseOfTheMeans() throws {
    func point(_ strategy: QueryStrategy, _ seed: UInt64, _ labels: Int, _ score: Double?) -> LabelSimulation.Point {
      .init(strategy: strategy, seed: seed, labels: labels, score: score)
    }
    let points = [
      point(.random, 1, 10, 0.5), point(.random, 2, 10, 0.75), point(.random, 1, 20, 0.75), point(.random, 2, 20, 0.75),
      point(.ours, 2, 10, 0.875), point(.ours, 1, 10, 0.75), point(.ours, 1, 20, 0.5), point(.ours, 2, 20, nil),
    ]
    #expect(points.labelsNeeded(by: .random, for: 0.625, of: .auroc) == 10, "the mean of two seeds")
    #expect(points.labelsNeeded(by: .random, for: 0.7, of: .auroc) == 20)
    #expect(points.labelsNeeded(by: .random, for: 0.8, of: .auroc) == nil)
    #expect(points.labelsNeeded(by: .ours, for: 0.5, of: .ece) == 20, "a calibration error is good where it is small")
    let difference = try #require(points.difference(of: .ours, from: .random, labels: 10))
    #expect(difference.mean == (0.25 + 0.125) / 2 && difference.count == 2)
    #expect(abs(difference.deviation - 0.125 / 2.0.squareRoot()) < 1e-12)
    #expect(points.difference(of: .ours, from: .random, labels: 20)?.count == 1, "a seed without a score is left out")
    #expect(points.difference(of: .ours, from: .diversity, labels: 10) == nil)
  }

  @Test func whatCannotBeSimulatedIsTold() throws {
    let corpus = try corpus()
    #expect(throws: TrainingError.self) {
      try LabelSimulation(
        corpus, recipe: recipe(), settings: .init(steps: [10, 81], seeds: [1]), clusters: Array(0..<80))
    }
  }

  @Test func neighboursAreTheMostAlike() {
    let index = FeatureIndex(circle([0, 90, 180, 30]))
    let found = index.nearest(to: circle([20]), count: 3) { $0 != 2 }
    #expect(found.map(\.row) == [3, 0, 1])
    for (each, degrees) in zip(found, [10.0, 20, 70]) {
      #expect(abs(each.similarity - cos(degrees * .pi / 180)) < 1e-5)
    }
  }

  @Test func likenessIsOfWhatBothMemesHave() {
    func table(_ rows: [(image: [Float]?, text: [Float]?)]) -> FeatureTable {
      func block(_ values: [[Float]?]) -> FeatureBlock {
        FeatureBlock(
          values: Tensor(values.flatMap { $0 ?? [0, 0] }, shape: [values.count, 2]), isPresent: values.map { $0 != nil }
        )
      }
      return FeatureTable(image: block(rows.map(\.image)), text: block(rows.map(\.text)))
    }
    let index = FeatureIndex(table([([1, 0], [0, 2]), (nil, [3, 0]), ([0, 1], nil), (nil, nil), (nil, [1, 0])]))
    func found(_ image: [Float]?, _ text: [Float]?) -> [String] {
      index.nearest(to: table([(image, text)]), count: 9) { _ in true }
        .map { "\($0.row) \(($0.similarity * 100).rounded() / 100)" }
    }
    // Of equals the first; what has nothing in common is not there.
    #expect(found([5, 0], [7, 0]) == ["1 1.0", "4 1.0", "0 0.5", "2 0.0"])
    #expect(found([0, 1], nil) == ["2 1.0", "0 0.0"])
    #expect(found(nil, [0, 1]) == ["0 1.0", "1 0.0", "4 0.0"])
    #expect(found(nil, nil).isEmpty)
  }
}
