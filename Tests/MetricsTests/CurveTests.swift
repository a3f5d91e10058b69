import Foundation
import Testing

@testable import Metrics

/// Precision-recall curves are scikit-learn's, and reliability's bins add up to the calibration error.
struct CurveTests {
  private struct Case: Decodable {
    let truth: [Int]
    let scores: [Double]
    let precision: [Double]
    let recall: [Double]
  }

  @Test func precisionAndRecallAreThoseOfScikitLearn() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/curves.json")
    let cases = try JSONDecoder().decode([Case].self, from: Data(contentsOf: file))
    #expect(cases.count == 3)
    for expected in cases {
      let ranked = try RankedScores(truth: expected.truth.map { $0 == 1 }, scores: expected.scores)
      let curve = ranked.precisionRecallCurve
      try #require(curve.count == expected.recall.count)
      for (point, (recall, precision)) in zip(curve, zip(expected.recall, expected.precision)) {
        #expect(abs(point.recall - recall) < 1e-15 && abs(point.precision - precision) < 1e-15)
      }
    }
  }

  @Test func withoutAPositiveThereIsNoCurve() throws {
    #expect(try RankedScores(truth: [false, false], scores: [0.1, 0.2]).precisionRecallCurve.isEmpty)
  }

  @Test func reliabilityCountsByConfidence() {
    var reliability = Reliability()
    // 0.6 is the upper end of bin 8; above it begins bin 9.
    for (confidence, isCorrect) in [(0.6, true), (0.58, false), (0.61, true), (1, true), (0, false)] {
      reliability.add(confidence: confidence, isCorrect: isCorrect)
    }
    #expect(reliability.bins.map(\.count) == [1, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 1])
    #expect(reliability.bins[8].accuracy == 0.5 && abs(reliability.bins[8].confidence! - 0.59) < 1e-15)
    #expect(reliability.bins[1].accuracy == nil && reliability.bins[1].confidence == nil)
    // |1 − 1.18| + |1 − 0.61| + 0 + 0, over five decisions.
    #expect(abs(reliability.expectedCalibrationError - (0.18 + 0.39) / 5) < 1e-12)
  }
}
