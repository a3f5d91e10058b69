import Encoders
import Networks
import Torch
import TorchNN

/// A network for texts that is trained whole, as recipes say it; DistilBERT's sizes are the default.
public struct TextNetworkSettings: Codable, Sendable, Equatable {
  public enum Family: String, Codable, Sendable, CaseIterable {
    case distilBert = "distilbert"
    case bert
  }

  public var family = Family.distilBert
  public var width = 768
  public var layerCount = 6
  public var headCount = 12
  public var innerWidth = 3072
  public var dropoutRate = 0.1
  public var textLength = 100
  /// A model of the hub to start from (`distilbert/distilbert-base-uncased`), for BERT also `lite`; or `random`.
  public var weights = InitialWeights.random

  public init() {}

  enum CodingKeys: String, CodingKey {
    case family, width, weights
    case layerCount = "layers"
    case headCount = "heads"
    case innerWidth = "inner_width"
    case dropoutRate = "dropout_rate"
    case textLength = "text_length"
  }

  private var shape: BertShape {
    BertShape(
      layers: TransformerLayerShape(
        width: width, headCount: headCount, innerWidth: innerWidth, dropoutRate: dropoutRate), layerCount: layerCount)
  }

  /// What the tokenizer of the recipe's encoder knows: BERT's uncased words.
  static let vocabularySize = BertShape.base.vocabularySize

  func network(in scope: Scope) -> any TextNetwork {
    switch family {
    case .distilBert: DistilBertNetwork(shape, in: scope)
    case .bert: BertTrunk(shape, in: scope)
    }
  }

  func initialValues() throws -> [String: Tensor] {
    guard let model = weights.model else { return [:] }
    // A shallower network takes the first layers.
    switch family {
    case .distilBert:
      return try PretrainedWeights.distilBert(of: model).keepingLayers(["transformer.layer.": layerCount])
    case .bert:
      return try PretrainedWeights.bert(of: model, headPrefix: "bert.").keepingLayers(shape.layerCounts)
        .filter { !$0.key.hasPrefix("pooler.") }
    }
  }

  /// The states of the first tokens of memes' texts [N, X]; those of memes without a text are of no use.
  func firstStates(
    _ network: any TextNetwork, _ features: FeatureTable, _ rows: [Int], using generator: Generator?
  ) -> Tensor {
    let tokens = TokenBatch(
      rows.map { features.requestedIDs[$0] }, limit: textLength, vocabularySize: Self.vocabularySize)
    return network(tokens.ids, isPresent: tokens.isPresent, using: generator).selected(0, along: 1)
  }

  func check(_ check: inout SettingsCheck) {
    check.require(width: width, heads: headCount, inner: innerWidth, dropoutRate: dropoutRate, of: "text")
    check.require(layerCount, in: 1...100, "text.layers")
    check.require(textLength, in: 2...512, "text.text_length")
  }
}
