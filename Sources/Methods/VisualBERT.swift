// VisualBERT, fine-tuned whole: BERT over the tokens of the text and the regions of the picture.
//
// Paper: Li, Yatskar, Yin, Hsieh, Chang, "VisualBERT: A simple and performant baseline for vision and language", 2019
// (arXiv:1908.03557). Specification: reference file 12, the classifier of FPTU-Thesis-CSAI/SemiMemes.

import Encoders
import Networks
import Torch
import TorchNN

/// VisualBERT with a head for any task.
public struct VisualBERT: Method {
  /// Sizes of the network; BERT-base's are the default.
  public struct Configuration: Codable, Sendable, Equatable {
    public var width = 768
    public var layerCount = 12
    public var headCount = 12
    public var innerWidth = 3072
    public var dropoutRate = 0.1
    public var textLength = 128

    public init() {}

    enum CodingKeys: String, CodingKey {
      case width
      case layerCount = "layers"
      case headCount = "heads"
      case innerWidth = "inner_width"
      case dropoutRate = "dropout_rate"
      case textLength = "text_length"
    }

    var shape: BertShape {
      BertShape(
        layers: TransformerLayerShape(
          width: width, headCount: headCount, innerWidth: innerWidth, dropoutRate: dropoutRate), layerCount: layerCount)
    }
  }

  public static let name = "visualbert"
  public static let summary = "BERT over words and regions of the picture, trained whole on labelled memes"

  public var network = Configuration()
  public var head = LinearHead.Configuration()
  public var regions = RegionSetting()
  /// A model to start from: of the hub (`uclanlp/visualbert-vqa-coco-pre`), or `lite` for the default text encoder's,
  /// or `random`.
  public var weights = InitialWeights.random
  public var classWeights = ClassWeights.none
  public var training = StageSettings(
    epochs: 5, batchSize: 64, learningRate: 2e-5, learningRateDecay: 1, weightDecay: 0)

  public init() {}

  enum CodingKeys: String, CodingKey {
    case network, head, regions, weights, training
    case classWeights = "class_weights"
  }

  public var request: FeatureRequest {
    FeatureRequest(readsFeatures: false, readsTokens: true, regions: regions.source)
  }

  public func initialValues() throws -> [String: Tensor] {
    try weights.model.map { try PretrainedWeights.bert(of: $0, headPrefix: "visual_bert.").withPrefix("network.") }
      ?? [:]
  }

  public func model(for shape: ProblemShape, in scope: Scope) -> RegionModel {
    let visualBERT = VisualBERTNetwork(network.shape, regionWidth: shape.regionWidth ?? 0, in: scope["network"])
    return RegionModel(
      network: { tokens, features, _, hasRegions, generator in
        visualBERT(tokens.ids, hasText: tokens.isPresent, regions: features, hasRegions: hasRegions, using: generator)
          .pooled
      },
      head: LinearHead(head, inputs: network.width, outputs: shape.outputCount, in: scope["head"]),
      textLength: network.textLength, vocabularySize: network.shape.vocabularySize,
      isExclusive: shape.task.kind == .multiclass, parameters: scope.parameters)
  }

  public var fault: String? {
    var check = SettingsCheck()
    check.require(
      width: network.width, heads: network.headCount, inner: network.innerWidth, dropoutRate: network.dropoutRate)
    check.require(network.layerCount, in: 1...100, "network.layers")
    check.require(network.textLength, in: 2...512, "network.text_length")
    check.require(head)
    check.require(training, "training")
    return check.fault
  }

  public func refusal(of problem: Problem) -> String? {
    problem.refusalOfTokens(beyond: network.shape.vocabularySize)
  }

  public func fit(_ model: RegionModel, to problem: Problem, trainer: any StageTrainer) throws {
    try model.fit(to: problem, weights: classWeights, settings: training, trainer: trainer)
  }
}
