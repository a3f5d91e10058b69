// ViLT, fine-tuned whole: one transformer over the tokens of the text and the patches of the picture.
//
// Paper: Kim, Son, Kim, "ViLT: Vision-and-language transformer without convolution or region supervision", ICML 2021
// (arXiv:2102.03334). Specification: reference file 13, with four logits where SemiMemes' own script could not run.

import Encoders
import Networks
import Torch
import TorchNN

/// ViLT on squashed pictures with a head for any task.
public struct ViLT: Method {
  /// Sizes of the network; those of `dandelin/vilt-b32` are the default.
  public struct Configuration: Codable, Sendable, Equatable {
    public var width = 768
    public var layerCount = 12
    public var headCount = 12
    public var innerWidth = 3072
    public var dropoutRate = 0.0
    /// Rows and columns of pictures; positions are made for 384 where weights are given.
    public var pictureSide = 384
    public var patch = 32
    public var textLength = 40

    public init() {}

    enum CodingKeys: String, CodingKey {
      case width, patch
      case layerCount = "layers"
      case headCount = "heads"
      case innerWidth = "inner_width"
      case dropoutRate = "dropout_rate"
      case pictureSide = "picture_side"
      case textLength = "text_length"
    }
  }

  public static let name = "vilt"
  public static let summary = "one transformer over words and patches, trained whole on labelled memes"

  /// What the tokenizer of the recipe's encoder knows: BERT's uncased words.
  static let vocabularySize = ViLTShape.base32.vocabularySize

  public var network = Configuration()
  /// A model of the hub to start from (`dandelin/vilt-b32-mlm`), a file of its weights, or `random`.
  public var weights = InitialWeights.random
  public var classWeights = ClassWeights.none
  /// SemiMemes' script changes no picture; ViLT's authors train with `randaugment`.
  public var augmentation = PictureAugmentation.none
  public var fineTuning = FineTuning()
  public var training = NetworkTraining(epochs: 50, batchSize: 12, learningRate: 1e-5)

  public init() {}

  enum CodingKeys: String, CodingKey {
    case network, weights, augmentation, training
    case classWeights = "class_weights"
    case fineTuning = "fine_tuning"
  }

  /// The trained network.
  public struct Model: Classifier {
    let network: ViLTNetwork
    let hidden: Linear
    let normalization: LayerNorm
    let output: Linear
    let input: PictureInput
    let device: Device
    let textLength: Int
    let isExclusive: Bool
    let parameters: LayeredParameters

    /// Logits [N, C] of the given memes; `generator`, and views of pictures where there are some, are given while
    /// training.
    func logits(
      _ features: FeatureTable, _ rows: [Int], views: Tensor? = nil, using generator: Generator?
    ) -> Tensor {
      let tokens = TokenBatch(
        rows.map { features.requestedIDs[$0] }, limit: textLength, vocabularySize: ViLT.vocabularySize,
        device: device)
      let pictures = features.requestedPictures
      let pooled = network(
        tokens.ids, hasText: tokens.isPresent, pictures: input(pictures, rows, views: views),
        hasPicture: pictures.presence(rows).to(device), using: generator)
      return output(normalization(hidden(pooled)).gelu()).to(.float32)
    }

    public func probabilities(of features: FeatureTable) -> Tensor {
      features.probabilities(isExclusive: isExclusive) { logits(features, $0, using: nil) }
    }
  }

  public var request: FeatureRequest {
    FeatureRequest(readsFeatures: false, readsTokens: true, pictureSide: network.pictureSide)
  }

  public var initialWeights: [InitialWeights] { [weights] }

  public func initialValues() throws -> [String: Tensor] {
    try weights.model.map { try PretrainedWeights.viLT(architecture, of: $0).withPrefix("network.") } ?? [:]
  }

  private var architecture: ViLTShape {
    let layers = TransformerLayerShape(
      width: network.width, headCount: network.headCount, innerWidth: network.innerWidth,
      dropoutRate: network.dropoutRate, isRecomputed: fineTuning.recomputesLayers)
    return ViLTShape(
      layers: layers, layerCount: network.layerCount, vocabularySize: Self.vocabularySize,
      positionCount: network.textLength, side: weights.model == nil ? network.pictureSide : 384, patch: network.patch)
  }

  public func model(for shape: ProblemShape, in scope: Scope) -> Model {
    let width = network.width
    let viLT = ViLTNetwork(architecture, in: scope["network"])
    let head = scope["head"]
    return Model(
      network: viLT, hidden: Linear(inputs: width, outputs: width, in: head["hidden"]),
      normalization: LayerNorm(width: width, in: head["normalization"]),
      output: Linear(inputs: width, outputs: shape.outputCount, in: head["output"]),
      input: .centered(on: scope.device), device: scope.device, textLength: network.textLength,
      isExclusive: shape.task.kind == .multiclass,
      parameters: LayeredParameters(network: scope["network"], of: viLT.shape, head: head))
  }

  public var fault: String? {
    var check = SettingsCheck()
    check.require(
      width: network.width, heads: network.headCount, inner: network.innerWidth, dropoutRate: network.dropoutRate)
    check.require(network.layerCount, in: 1...100, "network.layers")
    check.require(network.patch, in: 1...256, "network.patch")
    check.require(network.pictureSide, in: min(network.patch, 2048)...2048, "network.picture_side")
    check.require(
      network.pictureSide.isMultiple(of: max(1, network.patch)),
      "network.picture_side must be a multiple of network.patch")
    check.require(network.textLength, in: 2...512, "network.text_length")
    check.require(training, "training")
    check.require(fineTuning)
    return check.fault
  }

  public func refusal(of problem: Problem) -> String? {
    problem.refusalOfTokens(for: weights)
  }

  public func fit(_ model: Model, to problem: Problem, trainer: any StageTrainer) throws {
    try trainer.trainWhole(
      model, model.parameters, on: problem, weights: classWeights, settings: training.stageSettings, tuning: fineTuning,
      views: augmentation.views(of: problem, stage: "head")
    ) { model.logits(problem.features, $0, views: $1, using: $2) }
  }
}
