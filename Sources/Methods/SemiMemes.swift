// SemiMemes: cross-modal auto-encoders on unlabelled memes, then a head on raw and cooked features.
//
// Paper: Tung, Viet, Anh, Hung, "SemiMemes: A Semi-supervised Learning Approach for Multimodal Memes Analysis",
// ICCCI 2023, arXiv 2304.00020. Specification: reference file 01 (read from FPTU-Thesis-CSAI/SemiMemes @ 99b321b).

import Encoders
import Torch
import TorchNN

/// CROM-AE: maps the features of one modality to those of the other through a hidden layer.
///
/// The hidden layer before its activation is the "cooked" feature (reference 01 §3).
public struct CrossModalAutoEncoder {
  private let encoder: Linear
  private let activation: PReLU
  private let decoder: Linear

  public init(inputs: Int, outputs: Int, hidden: Int, in scope: Scope) {
    encoder = Linear(inputs: inputs, outputs: hidden, in: scope["encoder"])
    activation = PReLU(channels: hidden, in: scope["activation"])
    decoder = Linear(inputs: hidden, outputs: outputs, in: scope["decoder"])
  }

  public var parameters: [Tensor] {
    [encoder.weight, encoder.bias!, activation.slopes, decoder.weight, decoder.bias!]
  }

  /// The other modality's features [N, O], as far as `x` [N, I] tells them.
  public func callAsFunction(_ x: Tensor) -> Tensor { decoder(activation(encoder(x))) }

  /// What the encoder makes of `x` [N, I]: [N, H].
  public func cooked(_ x: Tensor) -> Tensor { encoder(x) }
}

/// SemiMemes and its ablations.
public struct SemiMemes: Method {
  /// How the auto-encoders are built and trained.
  public struct AutoEncoder: Codable, Sendable, Equatable {
    public var hidden = 768
    public var training = StageSettings(
      epochs: 100, batchSize: 40, learningRate: 2e-4, learningRateDecay: 0.95, weightDecay: 1e-4)

    public init() {}
  }

  public static let name = "semimemes"
  public static let summary = "cross-modal auto-encoders on unlabelled memes, then a head on raw and cooked features"

  public var scaling = FeatureScaling.none
  /// Off, the head sees raw features only (the ablation without CROM-AE).
  public var usesAutoEncoders = true
  public var autoEncoder = AutoEncoder()
  public var head = FeatureHead.Configuration()
  public var training = HeadTraining()
  public var loss = HeadLoss.distributionBalanced
  public var distributionBalance = DistributionBalancedLoss.Constants()

  public init() {}

  enum CodingKeys: String, CodingKey {
    case scaling
    case usesAutoEncoders = "auto_encoders"
    case autoEncoder = "auto_encoder"
    case head, training, loss
    case distributionBalance = "distribution_balance"
  }

  /// The trained network.
  public struct Model: Classifier, FeatureLearner {
    let preparation: FeaturePreparation
    let imageToText: CrossModalAutoEncoder?
    let textToImage: CrossModalAutoEncoder?
    let head: FeatureHead
    let loss: HeadLoss
    let isExclusive: Bool

    /// The head's inputs: raw image, raw text, cooked image, cooked text (reference 01 §3).
    func views(_ features: PreparedFeatures) -> [Tensor] {
      guard let imageToText, let textToImage else { return [features.image, features.text] }
      return [features.image, features.text, imageToText.cooked(features.image), textToImage.cooked(features.text)]
    }

    public func probabilities(of features: FeatureTable) -> Tensor {
      withoutGrad { loss.probabilities(head(views(preparation(features))), isExclusive: isExclusive) }
    }

    /// Cooked image and text side by side [N, 2H]; `nil` without auto-encoders.
    public func learnedFeatures(of features: FeatureTable) -> Tensor? {
      guard usesAutoEncoders else { return nil }
      return withoutGrad { .concatenated(Array(views(preparation(features)).suffix(2)), along: 1) }
    }

    private var usesAutoEncoders: Bool { imageToText != nil }
  }

  public func model(for shape: ProblemShape, in scope: Scope) -> Model {
    let (image, text, hidden) = (shape.imageWidth, shape.textWidth, autoEncoder.hidden)
    let encoders = scope["auto_encoders"]
    return Model(
      preparation: FeaturePreparation(scaling: scaling, shape: shape, in: scope["preparation"]),
      imageToText: usesAutoEncoders
        ? CrossModalAutoEncoder(inputs: image, outputs: text, hidden: hidden, in: encoders["image_to_text"]) : nil,
      textToImage: usesAutoEncoders
        ? CrossModalAutoEncoder(inputs: text, outputs: image, hidden: hidden, in: encoders["text_to_image"]) : nil,
      head: FeatureHead(
        inputs: usesAutoEncoders ? [image, text, hidden, hidden] : [image, text], outputs: shape.outputCount,
        configuration: head, in: scope["head"]),
      loss: loss, isExclusive: shape.task.kind == .multiclass)
  }

  public var fault: String? {
    var check = SettingsCheck()
    check.require(autoEncoder.hidden, in: 1...65_536, "auto_encoder.hidden")
    check.require(autoEncoder.training, "auto_encoder.training")
    check.require(head)
    check.require(training, "training")
    check.require(distributionBalance)
    return check.fault
  }

  public func refusal(of problem: Problem) -> String? {
    guard usesAutoEncoders, problem.unlabelledPairs.isEmpty else { return nil }
    return "it learns from unlabelled memes that have both image and text, and there are none: "
      + "label fewer (--labels 0.1), or turn the auto-encoders off (--set settings.auto_encoders=false)"
  }

  public func fit(_ model: Model, to problem: Problem, trainer: any StageTrainer) throws {
    model.preparation.fit(problem.features)
    let features = model.preparation(problem.features)
    try pretrain(model, on: features, of: problem, trainer: trainer)
    let labelled = features.gathered(Tensor(problem.labelled))
    // The auto-encoders are frozen now, so their features are made once.
    let views = withoutGrad { model.views(labelled) }
    let loss = loss.function(
      targets: problem.targets, constants: distributionBalance)
    try trainer.trainHead(
      of: model, model.head.parameters, on: problem, settings: training.stageSettings(labelRatio: problem.labelRatio)
    ) { rows, generator in
      loss(model.head(views.map { $0.gathered(rows) }, using: generator), rows)
    }
  }

  /// Trains both auto-encoders on the unlabelled memes that have image and text.
  private func pretrain(
    _ model: Model, on features: PreparedFeatures, of problem: Problem, trainer: any StageTrainer
  ) throws {
    guard let imageToText = model.imageToText, let textToImage = model.textToImage else { return }
    let rows = problem.unlabelledPairs
    let pairs = features.gathered(Tensor(rows))
    func stage(_ name: String, _ autoEncoder: CrossModalAutoEncoder, from: Tensor, to: Tensor) -> TrainingStage {
      TrainingStage(
        name: name, parameters: autoEncoder.parameters, exampleCount: rows.count, settings: self.autoEncoder.training
      ) { rows, _ in
        Loss.meanSquaredError(autoEncoder(from.gathered(rows)), to.gathered(rows))
      }
    }
    try trainer.train(
      [
        stage("image-to-text", imageToText, from: pairs.image, to: pairs.text),
        stage("text-to-image", textToImage, from: pairs.text, to: pairs.image),
      ], seed: problem.seed)
  }
}
