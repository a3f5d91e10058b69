import Foundation
import Testing

@testable import Metrics

/// Bootstrap intervals agree with SciPy's percentile method on the same resamples to 1e-12, p-values with their
/// definition; AUROCs behind them are scikit-learn's.
struct PairedComparisonTests {
  struct Fixture: Decodable {
    struct Case: Decodable {
      let truth: [[Int]]
      let first: [[[Double]]]
      let second: [[[Double]]]
      let seed: UInt64
      let resamples: Int
      let difference: Double
      let memes: BootstrapInterval
      let seeds: BootstrapInterval?
    }

    struct Draw: Decodable {
      let seed: UInt64
      let size: Int
      let indices: [[Int]]
    }

    let cases: [Case]
    let draws: [Draw]
  }

  private let fixture: Fixture

  init() throws {
    let url = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/bootstrap.json")
    fixture = try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: url))
  }

  @Test func resamplesAreThoseOfTheDocumentedGenerator() {
    #expect(fixture.draws.count == 3)
    for draw in fixture.draws {
      var random = SplitMix64(seed: draw.seed)
      let found = draw.indices.map { $0.map { _ in Resampling.index(below: draw.size, &random) } }
      #expect(found == draw.indices)
      var multiplicities: [[Int]] = []
      Resampling(count: 2, seed: draw.seed).forEach(size: draw.size) { multiplicities.append($0) }
      #expect(multiplicities == draw.indices.map { row in (0..<draw.size).map { thing in row.count { $0 == thing } } })
    }
  }

  @Test func intervalsAreSciPys() throws {
    #expect(fixture.cases.count == 4)
    for (index, expected) in fixture.cases.enumerated() {
      let truth = expected.truth.map { $0.map { $0 == 1 } }
      let resampling = Resampling(count: expected.resamples, seed: expected.seed)
      func models(_ seeds: [[[Double]]]) -> [BootstrappedAUROC] {
        seeds.map { BootstrappedAUROC(ScoredMemes(truth: truth, probabilities: $0), resampling: resampling) }
      }
      let found = try #require(PairedComparison(models(expected.first), models(expected.second)))
      #expect(abs(found.difference - expected.difference) < 1e-12, "case \(index)")
      try compare(#require(found.memes), expected.memes, "memes of case \(index)")
      #expect((found.seeds == nil) == (expected.seeds == nil))
      if let seeds = expected.seeds { try compare(#require(found.seeds), seeds, "seeds of case \(index)") }
    }
  }

  private func compare(_ found: BootstrapInterval, _ expected: BootstrapInterval, _ name: String) {
    #expect(abs(found.lower - expected.lower) < 1e-12, "\(name)")
    #expect(abs(found.upper - expected.upper) < 1e-12, "\(name)")
    #expect(abs(found.pValue - expected.pValue) < 1e-12, "\(name)")
    #expect(found.undefinedCount == expected.undefinedCount, "\(name)")
  }

  @Test func aMethodAgainstItselfDoesNotDiffer() throws {
    let expected = fixture.cases[0]
    let truth = expected.truth.map { $0.map { $0 == 1 } }
    let models = expected.first.map { BootstrappedAUROC(ScoredMemes(truth: truth, probabilities: $0)) }
    let found = try #require(PairedComparison(models, models))
    #expect(found.difference == 0 && found.memes?.lower == 0 && found.memes?.upper == 0)
    #expect(found.memes?.pValue == 1 && found.seeds?.pValue == 1)
  }

  @Test func withoutBothClassesThereIsNoComparison() {
    let models = [BootstrappedAUROC(ScoredMemes(truth: [[true], [true]], probabilities: [[0.5], [0.7]]))]
    #expect(PairedComparison(models, models) == nil)
    #expect(PairedComparison([], []) == nil)
  }

  @Test func aSampleHasADeviationOfItsOwn() {
    let values = [0.7, 0.9, 0.8, 0.6]
    #expect(abs(Spread(ofSample: values)!.deviation - (0.05 / 3).squareRoot()) < 1e-15)
    #expect(abs(Spread(of: values)!.deviation - (0.05 / 4).squareRoot()) < 1e-15)
    #expect(Spread(ofSample: [0.4]) == Spread(mean: 0.4))
    #expect(Spread(ofSample: []) == nil)
  }
}
