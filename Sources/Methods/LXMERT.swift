// LXMERT, fine-tuned whole: a stream for the text and one for the regions of the picture, which look at each other.
//
// Paper: Tan and Bansal, "LXMERT: Learning cross-modality encoder representations from transformers", EMNLP 2019
// (arXiv:1908.07490). Specification: reference file 14, the classifier of FPTU-Thesis-CSAI/SemiMemes.

import Encoders
import Networks
import Torch
import TorchNN

/// LXMERT with a head for any task.
public struct LXMERT: Method {
  /// Sizes of the network; the published ones are the default.
  public struct Configuration: Codable, Sendable, Equatable {
    public var width = 768
    public var textLayerCount = 9
    public var regionLayerCount = 5
    public var crossLayerCount = 5
    public var headCount = 12
    public var innerWidth = 3072
    public var dropoutRate = 0.1
    public var textLength = 32

    public init() {}

    enum CodingKeys: String, CodingKey {
      case width
      case textLayerCount = "text_layers"
      case regionLayerCount = "region_layers"
      case crossLayerCount = "cross_layers"
      case headCount = "heads"
      case innerWidth = "inner_width"
      case dropoutRate = "dropout_rate"
      case textLength = "text_length"
    }
  }

  public static let name = "lxmert"
  public static let summary =
    "a stream of words and one of regions that look at each other, trained whole on labelled memes"

  public var network = Configuration()
  public var head = LinearHead.Configuration()
  public var regions = RegionSetting()
  /// A model of the hub to start from (`unc-nlp/lxmert-base-uncased`), whose regions have 2048 features, or
  /// `random`.
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
    try weights.model.map { try PretrainedWeights.bert(of: $0, headPrefix: "lxmert.").withPrefix("network.") } ?? [:]
  }

  private func shape(regionWidth: Int) -> LXMERTShape {
    LXMERTShape(
      layers: TransformerLayerShape(
        width: network.width, headCount: network.headCount, innerWidth: network.innerWidth,
        dropoutRate: network.dropoutRate),
      textLayerCount: network.textLayerCount, regionLayerCount: network.regionLayerCount,
      crossLayerCount: network.crossLayerCount, regionWidth: regionWidth)
  }

  public func model(for shape: ProblemShape, in scope: Scope) -> RegionModel {
    let lxmert = LXMERTNetwork(self.shape(regionWidth: shape.regionWidth ?? 0), in: scope["network"])
    return RegionModel(
      network: { tokens, features, boxes, hasRegions, generator in
        lxmert(
          tokens.ids, hasText: tokens.isPresent, regions: features, boxes: boxes, hasRegions: hasRegions,
          using: generator)
      },
      head: LinearHead(head, inputs: network.width, outputs: shape.outputCount, in: scope["head"]),
      textLength: network.textLength, vocabularySize: lxmert.shape.vocabularySize,
      isExclusive: shape.task.kind == .multiclass, parameters: scope.parameters)
  }

  public var fault: String? {
    var check = SettingsCheck()
    check.require(
      width: network.width, heads: network.headCount, inner: network.innerWidth, dropoutRate: network.dropoutRate)
    check.require(network.textLayerCount, in: 0...100, "network.text_layers")
    check.require(network.regionLayerCount, in: 0...100, "network.region_layers")
    check.require(network.crossLayerCount, in: 1...100, "network.cross_layers")
    check.require(network.textLength, in: 2...512, "network.text_length")
    check.require(head)
    check.require(training, "training")
    return check.fault
  }

  public func refusal(of problem: Problem) -> String? {
    problem.refusalOfTokens(beyond: shape(regionWidth: 1).vocabularySize)
  }

  public func fit(_ model: RegionModel, to problem: Problem, trainer: any StageTrainer) throws {
    try model.fit(to: problem, weights: classWeights, settings: training, trainer: trainer)
  }
}
