import Encoders
import MemeData
import Testing
import Torch

@testable import Methods

@Suite struct OutOfSampleTests {
  /// Every two memes have a feature of their own and nothing else, so that a model knows of a meme only what the label of
  /// its copy, or its own, told.
  private func probabilities(clusters: [Int]) throws -> [[Double]] {
    let count = clusters.count
    var values = [Float](repeating: 0, count: count * count / 2)
    for row in 0..<count { values[row * (count / 2) + row / 2] = 1 }
    let present = [Bool](repeating: true, count: count)
    let features = FeatureTable(
      image: FeatureBlock(values: Tensor(values, shape: [count, count / 2]), isPresent: present),
      text: FeatureBlock(values: Tensor.zeros([count, 1]), isPresent: present))
    var method = LogisticRegression()
    (method.scaling, method.strengths) = (.none, [1])
    return try method.outOfSampleProbabilities(
      of: .init(
        features: features, labels: (0..<count).map { .binary($0 / 2 % 3 == 0) },
        task: LabelTask(name: "t", kind: .binary, labels: ["t"]), clusters: clusters),
      seed: 1, progress: { _, _ in })
  }

  /// Within each of the 5 folds all are then predicted alike; where copies may part, they give each other away.
  @Test func neitherAMemeNorItsCopyVouchesForItsLabel() throws {
    func distinct(_ rows: [[Double]]) -> Int { Set(rows.map { ($0[0] * 1e4).rounded() }).count }
    let together = try probabilities(clusters: (0..<40).map { $0 / 2 })
    #expect(together.count == 40 && together.allSatisfy { $0.count == 1 && (0...1).contains($0[0]) })
    #expect(distinct(together) <= 5, "\(together)")
    #expect(distinct(try probabilities(clusters: Array(0..<40))) > 5)
  }

  @Test func oneClusterMakesNoTwoFolds() {
    #expect(throws: MethodError.self) { try probabilities(clusters: [Int](repeating: 3, count: 10)) }
  }
}
