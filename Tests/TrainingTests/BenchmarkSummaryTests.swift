import Foundation
import Metrics
import Testing

@testable import Training

/// Means, published figures, comparisons and ranks of results that are known beforehand.
@Suite struct BenchmarkSummaryTests {
  private static let suite = """
    title: Known numbers
    datasets:
      - {name: mami, task: subtypes}
    methods:
      - name: semimemes
      - name: cmml-clip
      - name: logistic-regression
    encoders: ["openai/clip-vit-large-patch14"]
    labels: [0.05, 0.2]
    seeds: [1, 2, 3]
    metrics: [mami_b, auroc, f1_macro]
    published:
      - {dataset: mami, task: subtypes, method: semimemes, encoder: "openai/clip-vit-large-patch14", labels: 0.05,
         metric: mami_b, value: 0.6782, source: S}
      - {dataset: mami, task: subtypes, method: semimemes, encoder: "openai/clip-vit-large-patch14", labels: 0.05,
         metric: auroc, value: 0.7989, source: S}
      - {dataset: mami, task: subtypes, method: cmml-clip, encoder: "openai/clip-vit-large-patch14", labels: 0.05,
         metric: mami_b, value: 0.6438, source: S}
    """

  private let folder: TemporaryFolder
  private let plan: BenchmarkPlan

  init() throws {
    folder = try TemporaryFolder()
    plan = try Self.plan(in: folder)
  }

  private static func plan(in folder: TemporaryFolder, _ overrides: String...) throws -> BenchmarkPlan {
    try BenchmarkPlan(
      BenchmarkSuite(yaml: suite, source: "known.yaml", overrides: overrides), name: "known", source: nil,
      bindings: ["mami": URL(fileURLWithPath: "/data")], folder: folder.url)
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

  private func scored(_ method: String, seed: UInt64) -> ScoredMemes {
    ScoredMemes(
      kind: .multilabel, labels: ["a", "b"], truth: Self.truth, probabilities: probabilities(method, seed: seed))
  }

  /// A finished cell with its scored memes on disk.
  private func result(_ cell: BenchmarkCell, _ scores: [String: Double], of split: String) throws -> CellResult {
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
       "taskKind": "multilabel", "labelled": \(Int(cell.place.labels * 8000)), "unlabelled": 5,
       "parameters": \(100 + cell.place.seed), "seconds": \(cell.place.seed), "peakMegabytes": \(10 * cell.place.seed),
       "scores": {"\(split)": \(String(decoding: try JSONEncoder().encode(scores), as: UTF8.self))}}
      """
    return try JSONDecoder().decode(CellResult.self, from: Data(json.utf8))
  }

  /// By the sub-labels' F1 and the log loss the order is that of the suite; by the AUROC `cmml-clip` is said to be best, which
  /// its answers are not.
  private func results(of split: String = "test") throws -> [CellResult] {
    try plan.cells.map { cell in
      let base = ["semimemes": (0.8, 0.6), "cmml-clip": (0.7, 0.8), "logistic-regression": (0.6, 0.7)][
        cell.place.method]!
      let seed = Double(cell.place.seed)
      return try result(
        cell, ["mami_b": base.0 - seed / 50, "auroc": base.1 + seed / 100, "log_loss": 1 - base.0], of: split)
    }
  }

  private func models(_ method: String, _ seeds: [UInt64], _ metric: Metric) -> [BootstrappedMetric] {
    seeds.map { BootstrappedMetric(scored(method, seed: $0), metric: metric, resampling: Self.resampling) }
  }

  private static let resampling = Resampling(count: 50, seed: 3)

  @Test func rowsHaveMeansSampleDeviationsAndFiguresOfTheirOwnCell() throws {
    let summary = try BenchmarkSummary(results(), of: plan)
    let group = try #require(summary.groups.first)
    #expect(summary.groups.count == 1 && group.name == "mami · subtypes" && group.split == .test)
    #expect(
      group.rows.map(\.method) == ["semimemes", "cmml-clip", "logistic-regression"] + group.rows[3...].map(\.method))
    #expect(group.rowsByLabels.map(\.count) == [3, 3])
    #expect(group.rows[0].labelText == "5 % (400)" && group.rows[3].labelText == "20 % (1600)")
    for (row, base) in zip(group.rows.prefix(3), [(0.8, 0.6), (0.7, 0.8), (0.6, 0.7)]) {
      let (mami, auroc, f1) = (try #require(row.scores[0]), try #require(row.scores[1]), row.scores[2])
      #expect(abs(mami.mean - (base.0 - 0.04)) < 1e-12 && abs(mami.deviation - 0.02) < 1e-12)
      #expect(abs(auroc.mean - (base.1 + 0.02)) < 1e-12 && abs(auroc.deviation - 0.01) < 1e-12)
      #expect(f1 == nil && row.seeds == [1, 2, 3])
    }
    #expect(group.rows[0].published.map { $0?.value } == [0.6782, 0.7989, nil])
    #expect(group.rows[1].published.map { $0?.value } == [0.6438, nil, nil])
    #expect(group.rows[2].published.allSatisfy { $0 == nil })
    // Nothing was published at 20 %, nor on other encoders.
    #expect(group.rows[3...].allSatisfy { $0.published.allSatisfy { $0 == nil } })
    var elsewhere = plan.cells[0].place
    #expect(plan.suite.published(for: elsewhere, metric: .mamiB)?.value == 0.6782)
    elsewhere.encoder = "lite"
    #expect(plan.suite.published(for: elsewhere, metric: .mamiB) == nil)
  }

  @Test func rowsSayWhatTrainingTook() throws {
    var results = try results()
    results.removeAll { $0.place.labels == 0.2 && $0.place.seed == 3 }
    for index in results.indices where results[index].place.method == "cmml-clip" {
      results[index].peakMegabytes = nil
    }
    let rows = try BenchmarkSummary(results, of: plan).groups[0].rows
    #expect(rows[0].seconds == Spread(ofSample: [1, 2, 3]) && rows[3].seconds == Spread(ofSample: [1, 2]))
    #expect(rows[0].peakMegabytes == Spread(ofSample: [10, 20, 30]) && rows[1].peakMegabytes == nil)
    #expect(rows.map(\.parameters) == [103, 103, 103, 102, 102, 102])
  }

  /// Methods may have split files of their own, which leave other training memes and other leaks.
  @Test func countsThatDifferBetweenMethodsAreNotTakenForAllOfThem() throws {
    var results = try results()
    for index in results.indices {
      let isOther = results[index].place.method == "cmml-clip" && results[index].place.labels == 0.05
      if isOther { results[index].labelled -= 20 }
      results[index].leakedTestMemes = isOther ? 5 : 2
    }
    let group = try BenchmarkSummary(results, of: plan, resampling: Self.resampling).groups[0]
    #expect(group.rows.prefix(3).map(\.labelText) == ["5 % (400)", "5 % (380)", "5 % (400)"])
    #expect(group.labelText(at: 0.05) == "5 %" && group.labelText(at: 0.2) == "20 % (1600)")
    #expect(group.leakCounts == [2, 5])
  }

  /// What others published is of test splits.
  @Test func publishedFiguresAndComparisonsAreOfTheTestSplitAlone() throws {
    let summary = try BenchmarkSummary(results(of: "validation"), of: plan)
    let group = summary.groups[0]
    #expect(group.split == .validation && group.comparisons.isEmpty)
    #expect(try #require(group.rows[0].scores[0]).count == 3)
    #expect(group.rows.allSatisfy { $0.published.allSatisfy { $0 == nil } && $0.published.count == 3 })
    #expect(summary.leads(in: group).map { $0.best.row.method } == ["semimemes", "semimemes"])
    #expect(summary.leads(in: group).allSatisfy { $0.holds == nil })
  }

  @Test func theBestIsComparedSeedBySeedOnItsOwnMemes() throws {
    var results = try results()
    // A method without one of the seeds is compared over the others.
    results.removeAll { $0.place.method == "cmml-clip" && $0.place.seed == 2 }
    let summary = try BenchmarkSummary(results, of: plan, resampling: Self.resampling)
    let comparisons = summary.groups[0].comparisons.filter { $0.labels == 0.05 }
    #expect(comparisons.map(\.first) == ["semimemes", "semimemes"])
    #expect(comparisons.map(\.second) == ["cmml-clip", "logistic-regression"])
    #expect(comparisons.map(\.seedCount) == [2, 3] && comparisons.allSatisfy { $0.metric == .mamiB })
    #expect(
      comparisons[0].difference
        == PairedComparison(models("semimemes", [1, 3], .mamiB), models("cmml-clip", [1, 3], .mamiB)))
    #expect(
      comparisons[1].difference
        == PairedComparison(
          models("semimemes", [1, 2, 3], .mamiB), models("logistic-regression", [1, 2, 3], .mamiB)))
    // By the sub-labels' F1 by hand: 0.9143 twice against 0.5762 and 0.8333.
    #expect(abs(comparisons[0].difference.difference - 0.2095238095238095) < 1e-12)
  }

  /// Log loss needs more than decisions, and several labels have no one F1.
  @Test(arguments: ["log_loss", "f1"]) func whatCannotBeResampledIsComparedByTheAUROC(ranking: String) throws {
    let plan = try Self.plan(in: folder, "metrics=[\(ranking), auroc]")
    let summary = try BenchmarkSummary(results(), of: plan, resampling: Self.resampling)
    let comparisons = summary.groups[0].comparisons
    #expect(comparisons.count == 4 && comparisons.allSatisfy { $0.first == "cmml-clip" && $0.metric == .auroc })
    #expect(
      comparisons[1].difference
        == PairedComparison(
          models("cmml-clip", [1, 2, 3], .auroc), models("logistic-regression", [1, 2, 3], .auroc)))
    let leads = summary.leads(in: summary.groups[0])
    #expect(leads.map { $0.best.row.method } == (ranking == "f1" ? [] : ["semimemes", "semimemes"]))
    #expect(leads.allSatisfy { $0.holds == nil && $0.next?.row.method == "cmml-clip" })
  }

  @Test func comparisonsNameTheirMetricInJSON() throws {
    let summary = try BenchmarkSummary(results(), of: plan, resampling: Self.resampling)
    let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(summary.groups[0]))
    let group = try #require(json as? [String: Any])
    let comparison = try #require((group["comparisons"] as? [[String: Any]])?.first)
    #expect(Set(comparison.keys) == ["labels", "best", "other", "seeds", "metric", "difference"])
    #expect(comparison["best"] as? String == "semimemes" && comparison["other"] as? String == "cmml-clip")
    #expect(comparison["metric"] as? String == "mami_b")
    #expect((comparison["difference"] as? [String: Any])?["memes"] is [String: Any])
    #expect(group["controls"] == nil && group["pretraining_pairs"] == nil)
    let row = try #require((group["rows"] as? [[String: Any]])?.first)
    #expect(row["parameters"] as? Int == 103 && (row["peak_mb"] as? [String: Any])?["mean"] as? Double == 20)
  }

  @Test func leadsAreAtTheFewestAndTheMostLabelsAndMayNotHold() throws {
    let turned = try Self.plan(in: folder, "labels=[0.2, 0.05]")
    let summary = try BenchmarkSummary(results(), of: turned, resampling: Self.resampling)
    let leads = summary.leads(in: summary.groups[0])
    #expect(leads.map { $0.best.row.labels } == [0.05, 0.2])
    #expect(leads.map { $0.best.row.method } == ["semimemes", "semimemes"])
    #expect(leads.map { $0.next?.row.method } == ["cmml-clip", "cmml-clip"])
    #expect(abs(leads[0].best.score.mean - 0.76) < 1e-12 && abs((leads[0].next?.score.mean ?? 0) - 0.66) < 1e-12)
    // Its interval over memes begins at 0.109.
    #expect(leads.map(\.holds) == [true, true])

    let byAUROC = try Self.plan(in: folder, "metrics=[auroc]")
    let other = try BenchmarkSummary(results(), of: byAUROC, resampling: Self.resampling)
    let unsure = other.leads(in: other.groups[0])
    #expect(unsure.map { $0.best.row.method } == ["cmml-clip", "cmml-clip"])
    #expect(unsure.map { $0.next?.row.method } == ["logistic-regression", "logistic-regression"])
    #expect(unsure.map(\.holds) == [false, false])

    let alone = try BenchmarkSummary(results().filter { $0.place.method == "cmml-clip" }, of: plan)
    let only = alone.leads(in: alone.groups[0])
    #expect(only.count == 2 && only.allSatisfy { $0.next == nil && $0.holds == nil })
  }

  @Test func curvesAreOfTheMostLabelsThatAllMethodsHave() throws {
    var results = try results()
    let whole = try BenchmarkSummary(results, of: plan, resampling: Self.resampling).groups[0]
    #expect(whole.fullestRows.map(\.labels) == [0.2, 0.2, 0.2])
    results.removeAll { $0.place.method == "cmml-clip" && $0.place.labels == 0.2 }
    let group = try BenchmarkSummary(results, of: plan, resampling: Self.resampling).groups[0]
    #expect(group.fullestRows.map(\.labels) == [0.05, 0.05, 0.05])
    let cell = try #require(plan.cell(of: group.fullestRows[1], in: group, seed: 2))
    #expect(cell.path == "cells/mami-subtypes/cmml-clip-openai-clip-vit-large-patch14-0.05-2")
    #expect(plan.cell(of: group.fullestRows[1], in: group, seed: 4) == nil)
  }

  @Test func damagedScoresAreNamed() throws {
    let results = try results()
    let file = folder.url.appending(path: "\(plan.cells[0].path)/\(ScoredMemes.fileName)")
    try Data("{".utf8).write(to: file)
    #expect(throws: ScoreFileError.self) { try BenchmarkSummary(results, of: plan) }
  }
}
