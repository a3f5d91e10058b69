import Foundation
import Testing

/// Runs on the real HarMeme dataset; slow, and only where it is at hand (`./test --all` with a folder of datasets).
@Suite struct RealDataTests {
  private static let environment = ProcessInfo.processInfo.environment
  private static let harmeme = environment["MEMESENSE_SHARED"].map { "\($0)/data/harmeme" }
  private static let isEnabled = harmeme != nil && environment["MEMESENSE_SLOW_TESTS"] == "1"

  /// The linear baseline at 5 % labels reaches scikit-learn's mean over five seeds (.7937) within .01.
  @Test(.enabled(if: isEnabled, "needs MEMESENSE_SHARED and MEMESENSE_SLOW_TESTS=1"))
  func logisticRegressionReachesItsReference() throws {
    let program = try Program()
    let scores = try (42...46).map { seed in
      let result = try program(
        "train", "--method", "logistic-regression", "--data", #require(Self.harmeme), "--task", "harmful", "--labels",
        "0.05", "--seed", "\(seed)", "--output", "run-\(seed)", "--json", "--quiet")
      let metrics = try #require(object(result.output)["metrics"] as? [String: [String: Any]], "\(result.errors)")
      return try #require(metrics["test"]?["auroc"] as? Double)
    }
    let mean = scores.reduce(0, +) / 5
    #expect(abs(mean - 0.7937) < 0.01, "\(scores)")
  }
}
