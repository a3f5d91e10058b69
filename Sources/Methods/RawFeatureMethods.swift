import Encoders
import Torch
import TorchNN

/// The views of a meme that a labelled-only head sees.
public protocol RawFeatureChoice: Sendable {
  static var name: String { get }
  static var summary: String { get }
  static var usesImage: Bool { get }
  static var usesText: Bool { get }
}

/// The image alone.
public enum ImageOnly: RawFeatureChoice {
  public static let name = "image-only"
  public static let summary = "a head on image features, labelled memes only"
  public static let usesImage = true
  public static let usesText = false
}

/// The text alone.
public enum TextOnly: RawFeatureChoice {
  public static let name = "text-only"
  public static let summary = "a head on text features, labelled memes only"
  public static let usesImage = false
  public static let usesText = true
}

/// Image and text joined.
public enum Concatenation: RawFeatureChoice {
  public static let name = "concat"
  public static let summary = "a head on image and text features, labelled memes only (SemiMemes without either idea)"
  public static let usesImage = true
  public static let usesText = true
}

/// The labelled-only baselines: RAW-N-COOK's head without cooked features, with cross-entropy.
///
/// Source: the ablations of reference file 01 §3 (`ModelConCat`).
public struct RawFeatures<Choice: RawFeatureChoice>: Method {
  public static var name: String { Choice.name }
  public static var summary: String { Choice.summary }

  public var scaling = FeatureScaling.none
  public var head = FeatureHead.Configuration()
  public var training = HeadTraining()

  public init() {}

  /// The trained network.
  public struct Model: Classifier {
    let preparation: FeaturePreparation
    let head: FeatureHead
    let isExclusive: Bool

    func views(_ features: PreparedFeatures) -> [Tensor] {
      (Choice.usesImage ? [features.image] : []) + (Choice.usesText ? [features.text] : [])
    }

    public func probabilities(of features: FeatureTable) -> Tensor {
      withoutGrad {
        HeadLoss.crossEntropy.probabilities(head(views(preparation(features))), isExclusive: isExclusive)
      }
    }
  }

  public func model(for shape: ProblemShape, in scope: Scope) -> Model {
    Model(
      preparation: FeaturePreparation(scaling: scaling, shape: shape, in: scope["preparation"]),
      head: FeatureHead(
        inputs: (Choice.usesImage ? [shape.imageWidth] : []) + (Choice.usesText ? [shape.textWidth] : []),
        outputs: shape.outputCount, configuration: head, in: scope["head"]),
      isExclusive: shape.task.kind == .multiclass)
  }

  public var fault: String? {
    var check = SettingsCheck()
    check.require(head)
    check.require(training, "training")
    return check.fault
  }

  public func fit(_ model: Model, to problem: Problem, trainer: any StageTrainer) throws {
    model.preparation.fit(problem.features)
    let views = model.views(model.preparation(problem.features).gathered(Tensor(problem.labelled)))
    let loss = problem.targets.crossEntropy
    try trainer.trainHead(
      of: model, model.head.parameters, on: problem, settings: training.stageSettings(labelRatio: problem.labelRatio)
    ) { rows, generator in
      loss(model.head(views.map { $0.gathered(rows) }, using: generator), rows)
    }
  }
}
