import Foundation
import Testing
import Torch

@testable import Methods
@testable import Training

/// The loss curve of a tiny seeded run of every method that is trained by epochs, and of every pretraining: a refactoring
/// leaves it as it is.
///
/// `Fixtures/losses.json` and `pretraining-losses.json` are written by these tests where MEMESENSE_RECORD_GOLDEN=1; look at
/// what changed before committing them. Processors and numbers of threads round differently, so values may be off by 1e-4 of
/// themselves, and by 1e-2 where batch statistics of convolutions over few memes enlarge what is rounded.
@Suite struct GoldenLossTests {
  private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

  private static func tolerance(_ curve: String) -> Double {
    ["cmml ", "ext-pie "].contains(where: curve.hasPrefix) || PretrainingCatalog.method(named: curve) != nil
      ? 1e-2 : 1e-4
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
    try expect(curves, "losses.json")
  }

  @Test func curvesOfPretrainingAreThoseOfTheRecord() throws {
    var curves: [String: [Double]] = [:]
    for type in PretrainingCatalog.all {
      let recipe = try PretrainingTests.quick(type)
      let folder = try TemporaryFolder()
      let log = try TrainingLog(folder.url.appending(path: "log.jsonl"))
      try CheckpointingTrainer(folder: folder.url, precision: .float32, log: log, observer: SilentObserver())
        .train([PretrainingTests.prepared(recipe).stage], seed: recipe.seed)
      curves[type.name] = log.epochs.map(\.loss)
    }
    try expect(curves, "pretraining-losses.json")
  }

  private func expect(_ curves: [String: [Double]], _ name: String) throws {
    let file = Self.fixtures.appending(path: name)
    if ProcessInfo.processInfo.environment["MEMESENSE_RECORD_GOLDEN"] == "1" {
      try JSON.pretty(curves).write(to: file)
    }
    let golden = try JSONDecoder().decode([String: [Double]].self, from: Data(contentsOf: file))
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
