import Foundation
import Testing
import Torch

@testable import Methods
@testable import Training

/// How the examples of an epoch come together, and how the learning rate falls meanwhile.
@Suite struct BatchTests {
  private func stage(
    _ count: Int, batch: Int, companions: TrainingStage.Companions?, interval: Int? = nil, weight: Tensor
  ) -> TrainingStage {
    TrainingStage(
      name: "stage", parameters: [weight], exampleCount: count, companions: companions, decayInterval: interval,
      settings: StageSettings(epochs: 3, batchSize: batch, learningRate: 1, learningRateDecay: 0.5, weightDecay: 0)
    ) { _, _ in (weight * weight).sum() }
  }

  @Test func aSinglePoolKeepsItsPartialBatch() {
    let stage = stage(10, batch: 4, companions: nil, weight: Tensor.ones([1]))
    let batches = stage.batches(using: Generator(seed: 1)).map { $0.doubles.map { Int($0) } }
    #expect(batches.map(\.count) == [4, 4, 2] && stage.batchCount == 3)
    #expect(batches.flatMap { $0 }.sorted() == Array(0..<10))
  }

  @Test(arguments: [(10, 2, 20, 3, 5), (10, 2, 8, 3, 2), (5, 2, 20, 3, 2)])
  func companionsAreInEveryBatch(_ count: Int, _ batch: Int, _ others: Int, _ share: Int, _ expected: Int) {
    let stage = stage(
      count, batch: batch, companions: .init(exampleCount: others, batchSize: share), weight: Tensor.ones([1]))
    let batches = stage.batches(using: Generator(seed: 1)).map { $0.doubles.map { Int($0) } }
    #expect(batches.count == expected && stage.batchCount == expected)
    for rows in batches {
      #expect(rows.count == batch + share)
      #expect(rows.prefix(batch).allSatisfy { $0 < count })
      #expect(rows.suffix(share).allSatisfy { (count..<count + others).contains($0) })
    }
    let drawn = batches.flatMap { $0 }
    #expect(Set(drawn).count == drawn.count)
    #expect(drawn != drawn.sorted())
  }

  @Test(arguments: [(nil, [1, 0.5, 0.25]), (2, [0.25, 0.0625, 0.0078125])] as [(Int?, [Double])])
  func theLearningRateFallsByEpochOrByBatches(_ interval: Int?, _ expected: [Double]) throws {
    let folder = try TemporaryFolder()
    let log = try TrainingLog(folder.url.appending(path: "log.jsonl"))
    let trainer = CheckpointingTrainer(
      folder: folder.url, precision: .float32, log: log, observer: SilentObserver())
    let weight = Tensor.ones([1]).requiringGrad()
    // Five batches an epoch; the log has the rate of an epoch's last batch: number 4, 9 and 14.
    try trainer.train(
      [stage(10, batch: 2, companions: nil, interval: interval, weight: weight)], seed: 1)
    #expect(log.epochs.map(\.learningRate) == expected)
  }
}
