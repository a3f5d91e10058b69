import Foundation
import Testing

@testable import Metrics

/// Official MAMI constants, definitions at their edges, and refusals.
struct MetricReportTests {
  /// The supports of MAMI's test set; constant predictors then score known values whatever the rows are.
  private func constantMAMI(_ p: Double) throws -> Score? {
    let supports = [146, 350, 348, 153]
    let truth = (0..<1000).map { row in supports.map { row < $0 } }
    let probabilities = truth.map { $0.map { _ in p } }
    return try MetricReport.evaluate(
      truth: truth, probabilities: probabilities,
      labels: ["shaming", "stereotype", "objectification", "violence"])[.mamiB]
  }

  @Test func mamiTaskBOfConstantPredictors() throws {
    let allNegative = try #require(try constantMAMI(0)?.value)
    let allPositive = try #require(try constantMAMI(1)?.value)
    #expect(abs(allNegative - 0.4138809932) < 5e-11)
    #expect(abs(allPositive - 0.2201439729) < 5e-11)
  }

  @Test func mamiTaskBLeavesMisogynousOutAndTaskAIsAboutIt() throws {
    let truth = [[true, true], [true, false], [false, false], [true, true]]
    let probabilities = [[0.9, 0.9], [0.9, 0.8], [0.2, 0.1], [0.1, 0.2]]
    let report = try MetricReport.evaluate(
      truth: truth, probabilities: probabilities, labels: ["misogynous", "shaming"])
    // misogynous: F1(1) = 4/5, F1(0) = 2/3; shaming: F1(1) = 1/2, F1(0) = 1/2.
    let taskA = try #require(report[.mamiA]?.value)
    #expect(abs(taskA - 11.0 / 15) < 1e-15)
    #expect(report[.mamiB] == .defined(0.5))
  }

  @Test func exactlyOneHalfIsANo() throws {
    let report = try MetricReport.evaluate(truth: [true, false], probabilities: [0.5, 0.5.nextUp], label: "a")
    #expect(report.confusionMatrix == [[0, 1], [1, 0]])
    #expect(report[.auroc] == .defined(0))
  }

  /// Batches of 64, 64 and 2 memes have AUROCs of 1, one half and 0 (reference 04 §5).
  @Test func aurocsOfBatchesAreWeighedByTheirSizes() throws {
    let truth = (0..<130).map { $0 % 2 == 0 }
    let probabilities: [Double] = truth.enumerated().map { row, isTrue in
      switch row / 64 {
      case 0: isTrue ? 0.9 : 0.1
      case 1: 0.5
      default: isTrue ? 0.2 : 0.3
      }
    }
    let report = try MetricReport.evaluate(truth: truth, probabilities: probabilities, label: "a")
    let batched = try #require(report[.aurocBatched]?.value)
    #expect(abs(batched - 96.0 / 130) < 1e-15)
    // Over all 65 positives and 65 negatives: 32 of .9 win 65 pairs each, 32 of .5 win 32 · ½ + 33, that of .2 wins 32.
    let auroc = try #require(report[.auroc]?.value)
    #expect(abs(auroc - Double(32 * 65 + 32 * 49 + 32) / Double(65 * 65)) < 1e-15)
    // One batch is all there is.
    let few = try MetricReport.evaluate(
      truth: Array(truth.prefix(64)), probabilities: probabilities.prefix(64).map { $0 * $0 }, label: "a")
    #expect(few[.aurocBatched] == few[.auroc] && few[.aurocBatched] == .defined(1))
    // The last batch has a single meme, and so no AUROC; that over all memes is defined.
    let single = try MetricReport.evaluate(
      truth: Array(truth.prefix(65)), probabilities: Array(probabilities.prefix(65)), label: "a")
    #expect(single[.aurocBatched] == .undefined(reason: "memes 65 to 65: no negative meme in the truth"))
    #expect(single[.auroc]?.value != nil)
    let classes = try MetricReport.evaluate(
      truth: [0, 1], probabilities: [[0.6, 0.4], [0.3, 0.7]], labels: ["a", "b"])
    #expect(classes[.aurocBatched] == nil)
  }

  @Test func firstClassWinsATie() throws {
    let report = try MetricReport.evaluate(
      truth: [0, 1], probabilities: [[0.4, 0.4, 0.2], [0.2, 0.4, 0.4]], labels: ["a", "b", "c"])
    #expect(report[.accuracy] == .defined(1))
    #expect(report[.auroc]?.reason == "c: no positive meme in the truth")
  }

  @Test func calibrationErrorOfAnEdge() throws {
    // 0.6 = 9/15 belongs to the bin that ends there, apart from 0.61: |1 − 0.6|/2 + |0 − 0.61|/2.
    let report = try MetricReport.evaluate(truth: [true, false], probabilities: [0.6, 0.61], label: "a")
    let ece = try #require(report[.ece]?.value)
    #expect(abs(ece - 0.505) < 1e-15)
  }

  @Test func undefinedValuesEncodeAsNullWithReason() throws {
    let report = try MetricReport.evaluate(truth: [false, false], probabilities: [0.25, 0.75], label: "hateful")
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let json = String(decoding: try encoder.encode(report), as: UTF8.self)
    #expect(json.contains(#""auroc":null,"auroc_batched":null,"average_precision":null,"brier":0.3125,"#))
    #expect(
      json.contains(
        #""undefined":{"auroc":"no positive meme in the truth","auroc_batched":"memes 1 to 2: no positive meme in the truth","#
          + #""average_precision":"no positive meme in the truth"}"#))
    #expect(json.contains(#""support":0"#))
  }

  @Test func refusesWhatCannotBeScored() {
    #expect(throws: MetricError.empty) { try MetricReport.evaluate(truth: [], probabilities: [], label: "a") }
    #expect(throws: MetricError.countMismatch(truth: 1, probabilities: 2)) {
      try MetricReport.evaluate(truth: [true], probabilities: [0.5, 0.5], label: "a")
    }
    for p in [-0.1, 1.1, .nan, .infinity] {
      let error = #expect(throws: MetricError.self) {
        try MetricReport.evaluate(truth: [true, true], probabilities: [0.5, p], label: "a")
      }
      #expect(error?.row == 1)
      #expect(error?.description.hasPrefix("row 1: the probability of 'a' is \(p); expected") == true)
    }
    #expect(throws: MetricError.unknownClass(row: 0, index: 2, classCount: 2)) {
      try MetricReport.evaluate(truth: [2], probabilities: [[0.5, 0.5]], labels: ["a", "b"])
    }
    #expect(throws: MetricError.unnormalized(row: 0, sum: 1.5)) {
      try MetricReport.evaluate(truth: [1], probabilities: [[0.75, 0.75]], labels: ["a", "b"])
    }
    #expect(throws: MetricError.widthMismatch(row: 0, expected: 2, found: 1)) {
      try MetricReport.evaluate(truth: [[true]], probabilities: [[0.5, 0.5]], labels: ["a", "b"])
    }
    #expect(throws: MetricError.self) {
      try MetricReport.evaluate(truth: [[true, true]], probabilities: [[0.5, 0.5]], labels: ["a", "a"])
    }
    #expect(throws: MetricError.notFinite(row: 1, value: .infinity)) {
      try RankedScores(truth: [true, false], scores: [1, .infinity])
    }
  }

  @Test func metricNamesAsPeopleTypeThem() throws {
    #expect(try Metric(name: "mami-a") == .mamiA)
    #expect(try Metric(name: "F1_macro") == .f1Macro)
    #expect(throws: MetricError.unknownMetric("f2")) { try Metric(name: "f2") }
    let report = try MetricReport.evaluate(truth: [true], probabilities: [0.9], label: "a")
    #expect(try report.score(.f1) == .defined(1))
    let error = try #require(throws: MetricError.self) { try report.score(.mamiB) }
    #expect("\(error)".contains("mami_b is not defined for binary") && "\(error)".contains("there are auroc, "))
  }

  @Test func rocCurveMergesTies() throws {
    let ranked = try RankedScores(truth: [true, false, true, false], scores: [0.9, 0.5, 0.5, 0.1])
    #expect(ranked.rocCurve.map(\.falsePositiveRate) == [0, 0, 0.5, 1])
    #expect(ranked.rocCurve.map(\.truePositiveRate) == [0, 0.5, 1, 1])
    #expect(ranked.auroc == .defined(0.875))
  }

  /// A quadratic ranking would take minutes here.
  @Test(.timeLimit(.minutes(1))) func ranksManyMemesQuickly() throws {
    let scores = (0..<300_000).map { Double(($0 &* 7919) % 100_003) / 100_003 }
    let ranked = try RankedScores(truth: scores.indices.map { $0 % 3 == 0 }, scores: scores)
    let auroc = try #require(ranked.auroc.value)
    #expect(abs(auroc - 0.5) < 0.01)
  }

  @Test func spreadOfSeeds() {
    #expect(Spread(of: [1, 2, 3, 4]) == Spread(mean: 2.5, deviation: 1.25.squareRoot(), count: 4))
    #expect(Spread(of: []) == nil)
  }
}
