// CMML on frozen features: two views and their attention-weighted fusion, each with a predictor, which unlabelled memes
// hold to agreement.
//
// Paper: Yang, Wang, Zhan, Xiong, Jiang, "Comprehensive Semi-Supervised Multi-Modal Learning", IJCAI 2019.
// Specification: reference file 02 (njustkmg/IJCAI19_CMML @ e249f88, and its CLIP variant in FPTU-Thesis-CSAI/SemiMemes).

import Encoders
import Torch
import TorchNN

/// The network: a linear map of each view, attention over the two, and a predictor of each and of their fusion.
///
/// N is the memes, H the hidden width, C the outputs.
public struct CMMLNetwork {
  private let image: Linear
  private let text: Linear
  /// Shared by both views: how much each says about a meme.
  private let attention: [Linear]
  private let imagePredictor: Linear
  private let textPredictor: Linear
  private let fusedPredictor: Linear

  /// What the three predictors say, before any sigmoid or softmax.
  public struct Logits {
    public var image: Tensor  // [N, C]
    public var text: Tensor  // [N, C]
    public var fused: Tensor  // [N, C]
  }

  public init(imageWidth: Int, textWidth: Int, hidden: Int, outputs: Int, in scope: Scope) {
    image = Linear(inputs: imageWidth, outputs: hidden, in: scope["image"])
    text = Linear(inputs: textWidth, outputs: hidden, in: scope["text"])
    attention = [(hidden, 64), (64, 32), (32, 1)].enumerated().map { index, widths in
      Linear(inputs: widths.0, outputs: widths.1, in: scope["attention"][index])
    }
    let predictors = scope["predictors"]
    imagePredictor = Linear(inputs: hidden, outputs: outputs, in: predictors["image"])
    textPredictor = Linear(inputs: hidden, outputs: outputs, in: predictors["text"])
    fusedPredictor = Linear(inputs: hidden, outputs: outputs, in: predictors["fused"])
  }

  /// What training changes: all of it. The original code leaves the fused predictor out (reference 02 §7.1).
  public var parameters: [Tensor] {
    ([image, text] + attention + [imagePredictor, textPredictor, fusedPredictor]).flatMap { [$0.weight, $0.bias!] }
  }

  public func callAsFunction(image: Tensor, text: Tensor) -> Logits {
    let (image, text) = (self.image(image), self.text(text))  // [N, H]
    let weights = Tensor.concatenated([score(image), score(text)], along: 1).to(.float32).softmax()  // [N, 2]
    let fused = image * weights.sliced(0..<1, along: 1) + text * weights.sliced(1..<2, along: 1)
    return Logits(
      image: imagePredictor(image).to(.float32), text: textPredictor(text).to(.float32),
      fused: fusedPredictor(fused).to(.float32))
  }

  private func score(_ hidden: Tensor) -> Tensor {
    attention[2](attention[1](attention[0](hidden).relu()).relu())  // [N, 1]
  }
}

/// How far the two views' predictions agree (reference 02 §2); probabilities are [N, C].
public enum CMMLAgreement {
  /// The mean cosine of both predictions, which CMML keeps small on labelled memes so that the views stay different.
  public static func diversity(_ image: Tensor, _ text: Tensor) -> Tensor { cosine(image, text).mean() }

  /// The robust consistency of both predictions: Huber's loss of `2 − cosine`, whose least value is a half.
  ///
  /// - Parameter threshold: where the loss goes over from quadratic to linear, the published c.
  public static func consistency(_ image: Tensor, _ text: Tensor, threshold: Double) -> Tensor {
    let distance = 2 - cosine(image, text)  // [N]
    let linear = (distance - threshold / 2) * threshold
    return linear.selected(where: distance .> threshold, otherwise: distance * distance * 0.5).mean()
  }

  private static func cosine(_ a: Tensor, _ b: Tensor) -> Tensor { (a.normalized() * b.normalized()).sum(along: 1) }
}

/// CMML-CLIP, the variant of CMML that SemiMemes compares itself with.
public struct CMML: Method {
  public static let name = "cmml-clip"
  public static let summary = "predictors of image, text and their weighted fusion, agreeing on unlabelled memes"

  public var scaling = FeatureScaling.none
  public var hidden = 256
  /// What the fused predictor's loss counts beside those of image and text.
  public var fusedWeight = 2.0
  /// The weight of ``CMMLAgreement/diversity(_:_:)``: 0.01 in the original, not added in the CLIP variant.
  public var diversityWeight = 0.0
  public var consistencyWeight = 1.0
  public var consistencyThreshold = 1.003
  /// Batches between two decays of the learning rate. On MAMI 200 batches are an epoch at every label ratio.
  public var decayInterval = 200
  /// How all of it is optimised; a batch has labelled and unlabelled memes in the proportion of the label ratio.
  public var training: HeadTraining = {
    var training = HeadTraining()
    training.weightDecay = 1e-4
    return training
  }()

  public init() {}

  enum CodingKeys: String, CodingKey {
    case scaling, hidden, training
    case fusedWeight = "fused_weight"
    case diversityWeight = "diversity_weight"
    case consistencyWeight = "consistency_weight"
    case consistencyThreshold = "consistency_threshold"
    case decayInterval = "decay_interval"
  }

  /// The trained network; its probabilities are the fused predictor's.
  public struct Model: Classifier {
    let preparation: FeaturePreparation
    let network: CMMLNetwork
    let isExclusive: Bool

    public func probabilities(of features: FeatureTable) -> Tensor {
      withoutGrad {
        let prepared = preparation(features)
        return HeadLoss.crossEntropy.probabilities(
          network(image: prepared.image, text: prepared.text).fused, isExclusive: isExclusive)
      }
    }

  }

  public func model(for shape: ProblemShape, in scope: Scope) -> Model {
    Model(
      preparation: FeaturePreparation(scaling: scaling, shape: shape, in: scope["preparation"]),
      network: CMMLNetwork(
        imageWidth: shape.imageWidth, textWidth: shape.textWidth, hidden: hidden, outputs: shape.outputCount,
        in: scope["network"]),
      isExclusive: shape.task.kind == .multiclass)
  }

  public var fault: String? {
    var check = SettingsCheck()
    check.require(hidden, in: 1...65_536, "hidden")
    check.require(fusedWeight, in: 0...1e6, "fused_weight")
    check.require(diversityWeight, in: 0...1e6, "diversity_weight")
    check.require(consistencyWeight, in: 0...1e6, "consistency_weight")
    check.require(consistencyThreshold, in: 1e-6...2, "consistency_threshold")
    check.require(decayInterval, in: 1...1_000_000_000, "decay_interval")
    check.require(training, "training")
    check.require(
      training.batchSize > 1, "training.batch_size is 1; a batch has labelled and unlabelled memes, so at least 2")
    return check.fault
  }

  public func refusal(of problem: Problem) -> String? {
    guard problem.unlabelledPairs.isEmpty else { return nil }
    return "it learns from unlabelled memes that have both image and text, and there are none: "
      + "label fewer (--labels 0.1)"
  }

  public func fit(_ model: Model, to problem: Problem, trainer: any StageTrainer) throws {
    model.preparation.fit(problem.features)
    let memes = problem.labelled + problem.unlabelledPairs
    let features = model.preparation(problem.features).gathered(Tensor(memes))
    try train(model, model.network.parameters, on: problem, trainer: trainer) {
      let batch = features.gathered($0.rows)
      return model.network(image: batch.image, text: batch.text)
    }
  }

  /// Trains a network on labelled memes and, for their agreement, on unlabelled pairs.
  ///
  /// - Parameters:
  ///   - preparation: See ``TrainingStage/preparation``.
  ///   - logits: Of a batch, whose rows count the labelled memes and then the unlabelled pairs.
  func train(
    _ model: any Classifier, _ parameters: [Tensor], buffers: [Tensor] = [], on problem: Problem,
    trainer: any StageTrainer, preparation: ((_ rows: [Int], _ epoch: Int) throws -> [Tensor])? = nil,
    logits: @escaping (TrainingBatch) -> CMMLNetwork.Logits
  ) throws {
    let (labelled, unlabelled) = (problem.labelled.count, problem.unlabelledPairs.count)
    let batch = batchSplit(ratio: problem.labelRatio, labelled: labelled, unlabelled: unlabelled)
    var settings = training.stageSettings(labelRatio: problem.labelRatio)
    settings.batchSize = batch.labelled
    let loss = loss(targets: problem.targets)
    var stage = TrainingStage(
      name: "network", parameters: parameters, buffers: buffers, exampleCount: labelled,
      companions: .init(exampleCount: unlabelled, batchSize: batch.unlabelled), decayInterval: decayInterval,
      settings: settings, classifier: model, batchLoss: { loss(logits($0), $0.rows.sliced(0..<batch.labelled)) })
    stage.preparation = preparation
    try trainer.train([stage], seed: problem.seed)
  }

  /// Probabilities whose cosine tells agreement. One positive number always points the way of another, so that of a
  /// single output is paired with its complement.
  private static func comparable(_ logits: Tensor, isExclusive: Bool) -> Tensor {
    let probabilities = HeadLoss.crossEntropy.probabilities(logits, isExclusive: isExclusive)
    guard logits.shape[1] == 1 else { return probabilities }
    return .concatenated([probabilities, 1 - probabilities], along: 1)
  }

  /// How many memes of a batch are labelled and how many are not: the published `int(r · B)` and the rest.
  ///
  /// Both are at least one and at most what there is, which the published ratios never come to.
  func batchSplit(ratio: Double, labelled: Int, unlabelled: Int) -> (labelled: Int, unlabelled: Int) {
    let share = min(max(1, Int(ratio * Double(training.batchSize))), training.batchSize - 1)
    return (min(share, labelled), min(training.batchSize - share, unlabelled))
  }

  /// The loss of a batch whose first memes are those that `rows` names among the labelled.
  func loss(targets: Targets) -> (_ logits: CMMLNetwork.Logits, _ rows: Tensor) -> Tensor {
    let entropy = targets.crossEntropy
    let isExclusive = targets.classes != nil
    return { logits, rows in
      let (labelled, all) = (0..<rows.shape[0], logits.image.shape[0])
      let supervised =
        entropy(logits.image.sliced(labelled), rows) + entropy(logits.text.sliced(labelled), rows)
        + entropy(logits.fused.sliced(labelled), rows) * fusedWeight
      let image = Self.comparable(logits.image, isExclusive: isExclusive)
      let text = Self.comparable(logits.text, isExclusive: isExclusive)
      let unlabelled = labelled.upperBound..<all
      let consistency = CMMLAgreement.consistency(
        image.sliced(unlabelled), text.sliced(unlabelled), threshold: consistencyThreshold)
      let total = supervised + consistency * consistencyWeight
      guard diversityWeight > 0 else { return total }
      return total + CMMLAgreement.diversity(image.sliced(labelled), text.sliced(labelled)) * diversityWeight
    }
  }
}
