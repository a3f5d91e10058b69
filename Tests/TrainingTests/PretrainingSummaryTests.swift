import Foundation
import Metrics
import Testing

@testable import Training

/// What summaries make of pretrainings: pairs of those that began alike, and the curves of everything they measured.
@Suite struct PretrainingSummaryTests {
  private static let suite = """
    title: Tiny
    datasets:
      - {name: memes, task: bad}
    pretrainings:
      - {name: start, recipe: cass, set: [settings.training.epochs=0]}
      - {name: dino, init: "start:convolutional"}
      - {name: both, recipe: cass, init: start}
    methods:
      - {name: image-only, encoders: [dino, "both:convolutional", "both:transformer", "start:convolutional"]}
      - {name: logistic-regression, encoders: [lite, "both:convolutional", dino]}
    encoders: [lite]
    labels: [0.05]
    seeds: [42, 7]
    metrics: [accuracy, auroc]
    published: []
    """

  private let folder: TemporaryFolder
  private let plan: BenchmarkPlan

  init() throws {
    folder = try TemporaryFolder()
    plan = try BenchmarkPlan(
      BenchmarkSuite(yaml: Self.suite, source: "tiny.yaml"), name: "tiny", source: nil,
      bindings: ["memes": URL(fileURLWithPath: "/data")], folder: folder.url)
  }

  private static let truth = [true, false, true, false, true, false, true, false]

  /// Of the eight memes how many are told rightly, the first ones.
  private func rightCount(_ place: BenchmarkCell.Place) -> Int {
    let counts = ["dino": 7, "both:convolutional": 5, "both:transformer": 6, "start:convolutional": 4, "lite": 8]
    return counts[place.encoder]! - (place.seed == 7 ? 1 : 0)
  }

  private func result(_ cell: BenchmarkCell) throws -> CellResult {
    let run = folder.url.appending(path: cell.path)
    try FileManager.default.createDirectory(at: run, withIntermediateDirectories: true)
    let right = rightCount(cell.place)
    let answers = Self.truth.enumerated().map { index, isBad in (index < right) == isBad ? 0.9 : 0.1 }
    let lines = zip(Self.truth, answers).enumerated().map { index, row in
      "{\"id\":\"\(index)\",\"labels\":{\"bad\":\(row.0 ? 1 : 0)},\"probabilities\":{\"bad\":\(row.1)}}"
    }
    try Data(lines.joined(separator: "\n").utf8).write(to: run.appending(path: ScoredMemes.fileName))
    let accuracy = try MetricReport.evaluate(truth: Self.truth, probabilities: answers, label: "bad")[.accuracy]?.value
    let json = """
      {"place": \(String(decoding: try JSONEncoder().encode(cell.place), as: UTF8.self)), "recipe": "r",
       "taskKind": "binary", "labelled": 5, "unlabelled": 5, "parameters": 1,
       "scores": {"test": {"accuracy": \(accuracy ?? -1)}}}
      """
    return try JSONDecoder().decode(CellResult.self, from: Data(json.utf8))
  }

  @Test func pretrainingsThatBeganAlikeAreComparedUnderEachMethod() throws {
    let resampling = Resampling(count: 40, seed: 3)
    let group = try BenchmarkSummary(plan.cells.map(result), of: plan, resampling: resampling).groups[0]
    let pairs = try #require(group.pretrainingPairs)
    #expect(
      pairs.map(\.first) == ["image-only · dino", "logistic-regression · both:convolutional"],
      "the transformer began as another network")
    #expect(pairs.map(\.second) == ["image-only · both:convolutional", "logistic-regression · dino"])
    // 7 and 6 of eight memes against 5 and 4.
    #expect(pairs.map(\.difference.difference) == [0.25, -0.25])
    #expect(pairs.allSatisfy { $0.metric == .accuracy && $0.labels == 0.05 && $0.seedCount == 2 })
    #expect(pairs.allSatisfy { $0.difference.memes != nil && $0.difference.seeds != nil })
    let reversed = try #require(pairs[1].difference.memes)
    let memes = try #require(pairs[0].difference.memes)
    #expect(abs(memes.lower + reversed.upper) < 1e-12 && abs(memes.upper + reversed.lower) < 1e-12)

    // The controls are compared by the same metric.
    let controls = try #require(group.controls)
    #expect(controls.map(\.first) == ["image-only · dino", "image-only · both:convolutional"])
    #expect(controls.map(\.difference.difference) == [0.375, 0.125] && controls.allSatisfy { $0.metric == .accuracy })

    let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(group)) as? [String: Any]
    let written = try #require((json?["pretraining_pairs"] as? [[String: Any]])?.first)
    #expect(Set(written.keys) == ["labels", "first", "second", "seeds", "metric", "difference"])
    let control = try #require((json?["controls"] as? [[String: Any]])?.first)
    #expect(Set(control.keys) == ["labels", "method", "control", "seeds", "metric", "difference"])
    #expect(control["control"] as? String == "image-only · start:convolutional")
    #expect(control["metric"] as? String == "accuracy")
  }

  @Test func curvesAreOfEverythingThatANetworkWasMeasuredBy() throws {
    func pretrained(_ index: Int, entropy: Double) throws -> BenchmarkRun.Pretrained {
      let pretraining = plan.pretrainings[index]
      let json = """
        {"name": "dino", "seed": \(pretraining.seed), "pictures": 5, "parameters": 1,
         "before": {"teacher_entropy": 0.9, "teacher_deviation": 0.5, "other_pairing": 1}, "after": {},
         "epochs": [{"stage": "dino", "epoch": 1, "loss": 2, "learning_rate": 0.1, "seconds": 1,
          "measures": {"teacher_entropy": \(entropy), "teacher_mean_entropy": 0.75}}]}
        """
      return BenchmarkRun.Pretrained(
        pretraining: pretraining, result: try JSONDecoder().decode(PretrainingResult.self, from: Data(json.utf8)))
    }
    let summary = try BenchmarkSummary([], [pretrained(1, entropy: 0.5), pretrained(4, entropy: 0.7)], of: plan)
    let dino = try #require(summary.pretrainings.first)
    #expect(summary.pretrainings.count == 1 && dino.name == "dino" && dino.seeds == [42, 7])
    #expect(dino.furtherMeasures == ["entropy", "mean_entropy"])
    let entropy = try #require(dino.curves["entropy"])
    #expect(entropy.map(\.epoch) == [0, 1] && entropy[0].value == Spread(ofSample: [0.9, 0.9]))
    #expect(entropy[1].value == Spread(ofSample: [0.5, 0.7]))
    #expect(dino.curves["mean_entropy"]?.map(\.epoch) == [1])
    #expect(dino.curve(.deviation).map(\.value.mean) == [0.5] && dino.curve(.linearAUROC).isEmpty)
  }
}
