import Foundation
import Testing

@testable import Metrics

/// Bootstrap intervals agree with SciPy's percentile method on the same resamples to 1e-12, p-values with their
/// definition; AUROCs behind them are scikit-learn's, and every metric is that of a report on the resampled memes.
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
      func models(_ seeds: [[[Double]]]) -> [BootstrappedMetric] {
        seeds.map { BootstrappedMetric(memes(truth, $0), resampling: resampling) }
      }
      let found = try #require(PairedComparison(models(expected.first), models(expected.second)))
      #expect(abs(found.difference - expected.difference) < 1e-12, "case \(index)")
      try compare(#require(found.memes), expected.memes, "memes of case \(index)")
      #expect((found.seeds == nil) == (expected.seeds == nil))
      if let seeds = expected.seeds { try compare(#require(found.seeds), seeds, "seeds of case \(index)") }
    }
  }

  private func memes(_ truth: [[Bool]], _ probabilities: [[Double]]) -> ScoredMemes {
    ScoredMemes(
      kind: .multilabel, labels: truth[0].indices.map { "label \($0)" }, truth: truth, probabilities: probabilities)
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
    let models = expected.first.map { BootstrappedMetric(memes(truth, $0)) }
    let found = try #require(PairedComparison(models, models))
    #expect(found.difference == 0 && found.memes?.lower == 0 && found.memes?.upper == 0)
    #expect(found.memes?.pValue == 1 && found.seeds?.pValue == 1 && !found.isSureOfMemes)
  }

  // MARK: Reports on resampled memes

  private static let resampling = Resampling(count: 60, seed: 5)

  /// The resamples of ten memes, as rows.
  private static var draws: [[Int]] {
    var random = SplitMix64(seed: resampling.seed)
    return (0..<resampling.count).map { _ in (0..<10).map { _ in Resampling.index(below: 10, &random) } }
  }

  @Test(arguments: TaskKind.allCases) func metricsAreThoseOfReportsOnTheResampledMemes(kind: TaskKind) throws {
    let memes = ScoredMemes.few(kind, seed: 1)
    let (whole, reports) = try (memes.report(Array(0..<10)), Self.draws.map { try memes.report($0) })
    var defined: Set<Metric> = []
    for metric in Metric.allCases where metric.canBeBootstrapped {
      let model = BootstrappedMetric(memes, metric: metric, resampling: Self.resampling)
      #expect(model.observed == whole[metric]?.value, "\(metric)")
      #expect(model.distribution == reports.map { $0[metric]?.value }, "\(metric)")
      if model.observed != nil { defined.insert(metric) }
      // Of ten memes six resamples lack both that have a sub-label.
      if kind == .multilabel, metric == .mamiB { #expect(model.distribution.count { $0 == nil } == 6) }
    }
    // All that reports have but what needs more than decisions.
    let known = Metric.allCases.filter { $0.canBeBootstrapped && whole[$0] != nil }
    #expect(defined == Set(known) && defined.isSuperset(of: [.auroc, .accuracy, .f1Macro, .f1Weighted]))
  }

  @Test func decisionsAreComparedSeedBySeedToo() throws {
    let first = [1, 2].map { ScoredMemes.few(.multilabel, seed: $0) }
    let second = [3, 4].map { ScoredMemes.few(.multilabel, seed: $0) }
    func models(_ seeds: [ScoredMemes]) -> [BootstrappedMetric] {
      seeds.map { BootstrappedMetric($0, metric: .mamiB, resampling: Self.resampling) }
    }
    func difference(_ rows: [Int]) throws -> Double? {
      var sum = 0.0
      for (one, other) in zip(first, second) {
        guard let one = try one.report(rows)[.mamiB]?.value, let other = try other.report(rows)[.mamiB]?.value else {
          return nil
        }
        sum += one - other
      }
      return sum / 2
    }
    let found = try #require(PairedComparison(models(first), models(second)))
    let expected = try #require(try difference(Array(0..<10)))
    #expect(abs(found.difference - expected) < 1e-12 && found.difference != 0)
    let interval = try #require(BootstrapInterval(try Self.draws.map { try difference($0) }))
    try compare(#require(found.memes), interval, "memes")
    #expect(found.isSureOfMemes == (interval.lower > 0) && interval.undefinedCount == 6)
  }

  /// A suite has hundreds of models: reports on all resamples would take hours of them.
  @Test(.timeLimit(.minutes(1))) func resamplesOfManyMemesAreCountedQuickly() throws {
    let labels = ["shaming", "stereotype", "objectification", "violence"]
    let truth = (0..<1000).map { row in labels.indices.map { (row * 7 + $0 * 3) % 5 == 0 } }
    let probabilities = (0..<1000).map { row in labels.indices.map { Double((row * 37 + $0 * 11) % 101) / 100 } }
    let memes = ScoredMemes(kind: .multilabel, labels: labels, truth: truth, probabilities: probabilities)
    let model = BootstrappedMetric(memes, metric: .mamiB)
    #expect(try model.distribution.count == 2000 && model.observed == memes.report(Array(0..<1000))[.mamiB]?.value)
  }

  @Test func withoutBothClassesThereIsNoComparison() {
    let models = [BootstrappedMetric(memes([[true], [true]], [[0.5], [0.7]]))]
    #expect(PairedComparison(models, models) == nil)
    #expect(PairedComparison([], []) == nil)
    // Nor has a task of several labels one F1.
    let others = [BootstrappedMetric(memes([[true], [false]], [[0.5], [0.7]]), metric: .f1)]
    #expect(PairedComparison(others, others) == nil)
  }

  @Test func aSampleHasADeviationOfItsOwn() {
    let values = [0.7, 0.9, 0.8, 0.6]
    #expect(abs(Spread(ofSample: values)!.deviation - (0.05 / 3).squareRoot()) < 1e-15)
    #expect(abs(Spread(of: values)!.deviation - (0.05 / 4).squareRoot()) < 1e-15)
    #expect(Spread(ofSample: [0.4]) == Spread(mean: 0.4))
    #expect(Spread(ofSample: []) == nil)
  }
}
