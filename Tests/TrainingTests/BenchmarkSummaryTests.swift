import Foundation
import Metrics
import Testing

@testable import Training

/// Means, published figures and comparisons of results that are known beforehand.
@Suite struct BenchmarkSummaryTests {
  private let folder: TemporaryFolder
  private let plan: BenchmarkPlan

  init() throws {
    folder = try TemporaryFolder()
    let suite = try BenchmarkSuite(
      yaml: SuiteLibrary.text(named: "semimemes-mami"), source: "",
      overrides: ["seeds=[1, 2, 3]", "labels=[0.05, 0.2]"])
    plan = try BenchmarkPlan(
      suite, name: "semimemes-mami", source: nil, bindings: ["mami": URL(fileURLWithPath: "/data")],
      folder: folder.url)
  }

  /// What the methods answer on six test memes with two labels; a better method is surer of the truth.
  private static let truth = [
    [true, false], [false, true], [true, true], [false, false], [true, false], [false, true],
  ]

  private func probabilities(_ method: String, seed: UInt64) -> [[Double]] {
    let shift = ["semimemes": 0.4, "cmml-clip": 0.1, "logistic-regression": 0.0][method]!
    return Self.truth.enumerated().map { row, flags in
      flags.enumerated().map { label, flag in
        // Any fixed numbers do, as long as seeds and methods have different ones.
        let noise = Double((row * 37 + label * 17 + Int(seed) * 29 + method.count * 11) % 50) / 100
        return 0.2 + noise + (flag ? shift / 2 : -shift / 2)
      }
    }
  }

  /// A finished cell with its scored memes on disk.
  private func result(_ cell: BenchmarkCell, auroc: Double, mami: Double) throws -> CellResult {
    let run = folder.url.appending(path: cell.path)
    try FileManager.default.createDirectory(at: run, withIntermediateDirectories: true)
    let answers = probabilities(cell.place.method, seed: cell.place.seed)
    let lines = zip(Self.truth, answers).enumerated().map { index, row in
      "{\"id\":\"\(index)\",\"labels\":{\"a\":\(row.0[0] ? 1 : 0),\"b\":\(row.0[1] ? 1 : 0)},"
        + "\"probabilities\":{\"a\":\(row.1[0]),\"b\":\(row.1[1])}}"
    }
    try Data(lines.joined(separator: "\n").utf8).write(to: run.appending(path: ScoredMemes.fileName))
    let json = """
      {"place": \(String(decoding: try JSONEncoder().encode(cell.place), as: UTF8.self)), "recipe": "r",
       "taskKind": "multilabel", "labelled": \(Int(cell.place.labels * 8000)), "unlabelled": 5, "parameters": 1,
       "seconds": \(cell.place.seed), "scores": {"test": {"auroc": \(auroc), "mami_b": \(mami)}}}
      """
    return try JSONDecoder().decode(CellResult.self, from: Data(json.utf8))
  }

  private func results() throws -> [CellResult] {
    try plan.cells.map { cell in
      let base = ["semimemes": 0.8, "cmml-clip": 0.7, "logistic-regression": 0.6][cell.place.method]!
      let seed = Double(cell.place.seed)
      return try result(cell, auroc: base + seed / 100, mami: base - seed / 50)
    }
  }

  @Test func rowsHaveMeansSampleDeviationsAndFiguresOfTheirOwnCell() throws {
    let summary = try BenchmarkSummary(results(), of: plan)
    let group = try #require(summary.groups.first)
    #expect(summary.groups.count == 1 && group.name == "mami · subtypes" && group.split == .test)
    #expect(
      group.rows.map(\.method) == ["semimemes", "cmml-clip", "logistic-regression"] + group.rows[3...].map(\.method))
    #expect(group.rowsByLabels.map(\.count) == [3, 3])
    #expect(group.rows[0].labelText == "5 % (400)" && group.rows[3].labelText == "20 % (1600)")
    for (row, base) in zip(group.rows.prefix(3), [0.8, 0.7, 0.6]) {
      let (mami, auroc, f1) = (try #require(row.scores[0]), try #require(row.scores[1]), row.scores[2])
      #expect(abs(auroc.mean - (base + 0.02)) < 1e-12 && abs(auroc.deviation - 0.01) < 1e-12)
      #expect(abs(mami.mean - (base - 0.04)) < 1e-12 && abs(mami.deviation - 0.02) < 1e-12)
      #expect(f1 == nil && row.seeds == [1, 2, 3] && row.seconds == Spread(ofSample: [1, 2, 3]))
    }
    #expect(group.rows[0].published.map { $0?.value } == [0.6782, 0.7989, nil])
    #expect(group.rows[1].published.map { $0?.value } == [0.6438, 0.7664, nil])
    #expect(group.rows[2].published.allSatisfy { $0 == nil })
    // Nothing was published at 20 %, nor on other encoders.
    #expect(group.rows[3...].allSatisfy { $0.published.allSatisfy { $0 == nil } })
    var elsewhere = plan.cells[0].place
    #expect(plan.suite.published(for: elsewhere, metric: .mamiB)?.value == 0.6782)
    elsewhere.encoder = "lite"
    #expect(plan.suite.published(for: elsewhere, metric: .mamiB) == nil)
  }

  @Test func theBestIsComparedSeedBySeedOnItsOwnMemes() throws {
    var results = try results()
    // A method without one of the seeds is compared over the others.
    results.removeAll { $0.place.method == "cmml-clip" && $0.place.seed == 2 }
    let summary = try BenchmarkSummary(results, of: plan, resampling: Resampling(count: 50, seed: 3))
    let comparisons = summary.groups[0].comparisons.filter { $0.labels == 0.05 }
    #expect(comparisons.map(\.best) == ["semimemes", "semimemes"])
    #expect(comparisons.map(\.other) == ["cmml-clip", "logistic-regression"])
    #expect(comparisons.map(\.seedCount) == [2, 3])
    func models(_ method: String, _ seeds: [UInt64]) -> [BootstrappedAUROC] {
      seeds.map { seed in
        BootstrappedAUROC(
          ScoredMemes(truth: Self.truth, probabilities: probabilities(method, seed: seed)),
          resampling: Resampling(count: 50, seed: 3))
      }
    }
    #expect(comparisons[0].auroc == PairedComparison(models("semimemes", [1, 3]), models("cmml-clip", [1, 3])))
    #expect(
      comparisons[1].auroc
        == PairedComparison(models("semimemes", [1, 2, 3]), models("logistic-regression", [1, 2, 3])))
    #expect(comparisons[1].auroc.difference > 0)
  }

  @Test func damagedScoresAreNamed() throws {
    let results = try results()
    let file = folder.url.appending(path: "\(plan.cells[0].path)/\(ScoredMemes.fileName)")
    try Data("{".utf8).write(to: file)
    #expect(throws: ScoreFileError.self) { try BenchmarkSummary(results, of: plan) }
  }
}
