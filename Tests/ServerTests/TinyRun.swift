import Encoders
import Foundation
import MemeData
import Methods
import Torch
import Training

/// A folder that goes away with the test.
final class TemporaryFolder: Sendable {
  let url = FileManager.default.temporaryDirectory.appending(path: "memesense-\(UUID().uuidString)")

  init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(at: url) }
}

/// Runs on the features of `lite`, trained in no time on random numbers.
enum TinyRun {
  static let harmful = LabelTask(name: "harm", kind: .binary, labels: ["harmful"])
  static let kinds = LabelTask(name: "kind", kind: .multiclass, labels: ["not harmful", "hateful", "violent"])

  static func recipe() throws -> Recipe {
    let name = "logistic-regression-lite"
    return try Recipe(
      yaml: RecipeLibrary.text(named: name), source: name, overrides: ["settings.strengths=[1]", "settings.folds=2"])
  }

  /// Writes a bundle that is another one for each seed.
  ///
  /// - Parameter encoder: the name of `lite` or a variant of it.
  static func write(to folder: URL, task: LabelTask = harmful, seed: UInt64 = 1, encoder: String = "lite") throws {
    let count = 40
    let generator = Generator(seed: seed)
    func block(_ width: Int) -> FeatureBlock {
      let values = Tensor(empty: [count, width])
      values.fillNormal(deviation: 0.1, using: generator)
      return FeatureBlock(values: values, isPresent: Array(repeating: true, count: count))
    }
    var recipe = try recipe()
    recipe.encoder = encoder
    let labels: [Label] = (0..<count).map { index in
      task.kind == .binary ? .binary(index % 2 == 0) : .multiclass(index % task.labels.count)
    }
    let problem = Problem(
      features: FeatureTable(image: block(1280), text: block(384)), labelled: Array(0..<count), labels: labels,
      unlabelled: [], labelRatio: 1, task: task, seed: seed)
    let trainer = CheckpointingTrainer(
      folder: folder, precision: .float32, log: try TrainingLog(folder.appending(path: "log.jsonl")),
      observer: SilentObserver())
    let model = try recipe.method.fitted(to: problem, trainer: trainer)
    try ModelBundle.write(model, .init(shape: model.shape, recipe: recipe), calibrations: nil, to: folder)
  }

  /// A small picture's file, another one for each number.
  static func picture(_ number: Int, side: Int = 48) throws -> Data {
    let pixels = (0..<3 * side * side).map { UInt8(truncatingIfNeeded: $0 * (number + 1) / 7 + number * 31) }
    return try RGBImage(width: side, height: side, pixels: pixels).pngData()
  }
}
