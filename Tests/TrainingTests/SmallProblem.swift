import Encoders
import Foundation
import MemeData
import Torch

@testable import Methods
@testable import Training

/// A problem that trains in milliseconds: two modalities that share an idea, and labels that follow from it.
enum SmallProblem {
  static let tasks: [LabelTask] = [
    LabelTask(name: "one", kind: .binary, labels: ["harmful"]),
    LabelTask(name: "several", kind: .multiclass, labels: ["a", "b", "c"]),
    LabelTask(name: "any", kind: .multilabel, labels: ["x", "y"]),
  ]

  /// `count` memes; every fifth lacks its image, every seventh its text.
  static func features(count: Int, seed: UInt64 = 7) -> FeatureTable {
    let generator = Generator(seed: seed)
    let idea = Tensor(empty: [count, 2])
    idea.fillNormal(using: generator)
    func view(_ width: Int, _ isPresent: [Bool]) -> FeatureBlock {
      let (map, noise) = (Tensor(empty: [2, width]), Tensor(empty: [count, width]))
      map.fillNormal(using: generator)
      noise.fillNormal(deviation: 0.3, using: generator)
      let mask = Tensor(isPresent).to(.float32).expanded(at: 1)
      return FeatureBlock(values: (idea.matmul(map) + noise) * mask, isPresent: isPresent)
    }
    let image = view(6, (0..<count).map { $0 % 5 != 4 })
    let text = view(4, (0..<count).map { $0 % 7 != 6 })
    return FeatureTable(image: image, text: text, tokens: tokens(of: text))
  }

  /// One to three tokens a text, which add up to its features.
  private static func tokens(of text: FeatureBlock) -> SequenceBlock {
    let lengths = text.isPresent.enumerated().map { $1 ? $0 % 3 + 1 : 0 }
    let states = lengths.enumerated().flatMap { row, length -> [Tensor] in
      (0..<length).map { text.values.selected(row) * (2 * Double($0 + 1) / Double(length * (length + 1))) }
    }
    return SequenceBlock(states: .stacked(states), lengths: lengths)
  }

  static func label(_ index: Int, of task: LabelTask, in features: FeatureTable) -> Label {
    let value = features.image.values.selected(index).doubles[0] + features.text.values.selected(index).doubles[1]
    return switch task.kind {
    case .binary: .binary(value > 0)
    case .multiclass: .multiclass(value < -0.5 ? 0 : value > 0.5 ? 2 : 1)
    case .multilabel: .multilabel([value > 0, value > 0.5])
    }
  }

  static func problem(_ task: LabelTask, count: Int = 90, labelled: Int = 40) -> Problem {
    let features = features(count: count)
    return Problem(
      features: features, labelled: Array(0..<labelled),
      labels: (0..<labelled).map { label($0, of: task, in: features) }, unlabelled: Array(labelled..<count),
      labelRatio: 0.3, task: task, seed: 11)
  }

  /// A method of the catalog with its stages cut short.
  static func quick(_ type: any Methods.Method.Type) throws -> any Methods.Method {
    let name = try RecipeLibrary.defaultName(method: type.name, encoder: "lite")
    let overrides =
      type.name == SemiMemes.name
      ? ["settings.auto_encoder.training.epochs=3", "settings.training.epochs=4"]
      : type.name == LogisticRegression.name ? [] : ["settings.training.epochs=4"]
    return try Recipe(yaml: RecipeLibrary.text(named: name), source: name, overrides: overrides).method
  }
}

/// A folder that goes away with the test.
final class TemporaryFolder {
  let url = FileManager.default.temporaryDirectory.appending(path: "memesense-\(UUID().uuidString)")

  init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(at: url) }

  func folder(_ name: String) throws -> URL {
    let folder = url.appending(path: name)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }
}
