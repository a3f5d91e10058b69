import Foundation
import Testing
import Torch

@testable import Methods
@testable import Training

/// The loss curve of a tiny seeded run of every method that is trained by epochs, and of every pretraining: a refactoring leaves it as it is.
///
/// `Fixtures/losses.json` is written by this test where MEMESENSE_RECORD_GOLDEN=1; look at what changed before
/// committing it. Processors and numbers of threads round differently, so values may be off by 1e-4 of themselves, and by
/// 1e-2 where batch statistics of convolutions over few memes enlarge what is rounded.
@Suite struct GoldenLossTests {
  private static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appending(path: "Fixtures/losses.json")

  private static func tolerance(_ curve: String) -> Double {
    ["cmml ", "ext-pie ", "dino ", "cass "].contains(where: curve.hasPrefix) ? 1e-2 : 1e-4
  }

  @Test func curvesAreThoseOfTheRecord() throws {
    var curves: [String: [Double]] = [:]
    for type in MethodCatalog.all where type.name != LogisticRegression.name {
      let folder = try TemporaryFolder()
      let log = try TrainingLog(folder.url.appending(path: "log.jsonl"))
      let trainer = CheckpointingTrainer(
        folder: folder.url, precision: .float32, log: log, observer: SilentObserver())
      for task in SmallProblem.tasks {
        _ = try SmallProblem.quick(type).fitted(to: SmallProblem.problem(task), trainer: trainer)
        for epoch in log.epochs {
          curves["\(type.name) \(task.kind.rawValue) \(epoch.stage)", default: []].append(epoch.loss)
        }
        for stage in Set(log.epochs.map(\.stage)) {
          try log.rewind(stage: stage, to: 0)
          try FileManager.default.removeItem(at: folder.url.appending(path: "\(stage).safetensors"))
        }
      }
    }
    for type in PretrainingCatalog.all {
      let recipe = try PretrainingTests.quick(type)
      let folder = try TemporaryFolder()
      let log = try TrainingLog(folder.url.appending(path: "log.jsonl"))
      try CheckpointingTrainer(folder: folder.url, precision: .float32, log: log, observer: SilentObserver())
        .train([PretrainingTests.prepared(recipe).stage], seed: recipe.seed)
      curves["\(type.name) pretraining"] = log.epochs.map(\.loss)
    }
    if ProcessInfo.processInfo.environment["MEMESENSE_RECORD_GOLDEN"] == "1" {
      try JSON.pretty(curves).write(to: Self.file)
    }
    let golden = try JSONDecoder().decode([String: [Double]].self, from: Data(contentsOf: Self.file))
    #expect(golden.keys.sorted() == curves.keys.sorted())
    for (name, values) in golden {
      let curve = curves[name] ?? []
      #expect(curve.count == values.count, "\(name)")
      for (value, expected) in zip(curve, values) {
        #expect(abs(value - expected) <= Self.tolerance(name) * abs(expected), "\(name): \(value) was \(expected)")
      }
    }
  }
}
