import Foundation
import MemeData
import Torch

@testable import Encoders
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
    let words = words(of: text)
    return FeatureTable(
      image: image, text: text, tokens: tokens(of: text), regions: regions(of: image), pictures: pictures(of: image),
      texts: words.map { $0.map { "\(vocabulary[$0]) meme" } },
      ids: words.map { $0.map { [101, Int32(1000 + $0), 102] } ?? [] })
  }

  private static let vocabulary = ["worst", "bad", "fair", "good", "best"]

  /// The word, of five, that tells of the feature that labels depend on.
  private static func words(of text: FeatureBlock) -> [Int?] {
    let values = text.values.selected(1, along: 1).doubles
    return zip(values, text.isPresent).map { value, isPresent in
      isPresent ? [-1, -0.3, 0.3, 1].count { value > $0 } : nil
    }
  }

  /// Rows and columns of pictures.
  static let pictureSide = 32

  /// One colour a picture, of the first three features.
  private static func pictures(of image: FeatureBlock) -> PictureBlock {
    let pixels = pictureSide * pictureSide
    let colours = (image.values.sliced(0..<3, along: 1) * 40 + 128).clamped(min: 0, max: 255).to(.uint8)
    let rows = image.isPresent.indices.filter { image.isPresent[$0] }.map { row in
      colours.selected(row).expanded(at: 1).broadcast(to: [3, pixels]).reshaped(to: [1, 3 * pixels])
    }
    let lengths = image.isPresent.map { $0 ? 1 : 0 }
    return PictureBlock(
      rows: SequenceBlock(states: .concatenated(rows, along: 0), lengths: lengths), side: pictureSide)
  }

  /// Two cells a picture: its features, and half of them.
  private static func regions(of image: FeatureBlock) -> RegionBlock {
    let rows = image.isPresent.indices.filter { image.isPresent[$0] }.map { row in
      let features = image.values.selected(row)
      return Tensor.stacked([features, features * 0.5])
    }
    let boxes = rows.map { _ in Tensor([0, 0, 0.5, 1, 0.5, 0, 1, 1] as [Float], shape: [2, 4]) }
    let lengths = image.isPresent.map { $0 ? 2 : 0 }
    func block(_ parts: [Tensor]) -> SequenceBlock {
      SequenceBlock(states: .concatenated(parts, along: 0), lengths: lengths)
    }
    return RegionBlock(features: block(rows), boxes: block(boxes))
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
      switch type.name {
      case LogisticRegression.name: [String]()
      case SemiMemes.name: ["settings.auto_encoder.training.epochs=3", "settings.training.epochs=4"]
      case ExtPIE.name:
        // Small steps: whom pretraining holds apart is a matter of the last bit, and bfloat16 should stay near float32.
        [
          "settings.pretraining.training.epochs=3", "settings.pretraining.training.learning_rate=0.00001",
          "settings.training.epochs=4", "settings.training.learning_rate=0.0003",
        ]
      default: ["settings.training.epochs=4"]
      }
    return try Recipe(yaml: RecipeLibrary.text(named: name), source: name, overrides: overrides + small(type)).method
  }

  /// Sizes of networks that are trained whole, so small that a test can wait for them.
  static func small(_ type: any Methods.Method.Type) -> [String] {
    let sizes = ["width=12", "heads=2", "inner_width=24", "dropout_rate=0"]
    let layers = sizes.map { "settings.network.\($0)" }
    switch type.name {
    case CMMLOrigin.name:
      // Small steps: those of the recipe make much of how a processor rounds the statistics of a few pictures.
      return ["picture_side=\(pictureSide)", "text_hidden=16", "training.learning_rate=0.0001"].map { "settings.\($0)" }
    case ViLT.name:
      return layers + ["layers=1", "picture_side=\(pictureSide)", "patch=16"].map { "settings.network.\($0)" }
    case VisualBERT.name: return layers + ["settings.network.layers=1", "settings.weights=random"]
    case LXMERT.name:
      return layers + ["text_layers=1", "region_layers=1", "cross_layers=1"].map { "settings.network.\($0)" }
        + ["settings.weights=random"]
    case FineTune.name:
      return [
        "backbone.name=vit-nano16", "picture_side=\(pictureSide)", "reads=words", "head.word_width=12",
        "head.path_width=12", "head.fused_width=12", "augmentation=none",
      ].map { "settings.\($0)" }
    case ExtPIE.name:
      return (sizes + ["layers=1", "weights=random"]).map { "settings.text.\($0)" }
        + ["settings.picture_side=\(pictureSide)", "settings.embedding_width=8"]
    default: return []
    }
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
