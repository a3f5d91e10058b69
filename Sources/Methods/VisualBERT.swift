// VisualBERT, fine-tuned whole: BERT over the tokens of the text and the regions of the picture.
//
// Paper: Li, Yatskar, Yin, Hsieh, Chang, "VisualBERT: A simple and performant baseline for vision and language", 2019
// (arXiv:1908.03557). Specification: reference file 12, the classifier of FPTU-Thesis-CSAI/SemiMemes.

import Networks
import Torch
import TorchNN

/// VisualBERT with a head for any task. `uclanlp/visualbert-vqa-coco-pre` are its published weights.
public typealias VisualBERT = RegionMethod<VisualBERTSizes>

/// Sizes of a VisualBERT; BERT-base's are the default.
public struct VisualBERTSizes: RegionNetwork {
  public static let methodName = "visualbert"
  public static let summary = "BERT over words and regions of the picture, trained whole on labelled memes"
  public static let keyPrefix = "visual_bert."
  public static let regionKey = "embeddings.visual_projection.weight"

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

  private func shape(isRecomputed: Bool) -> BertShape {
    BertShape(
      layers: TransformerLayerShape(
        width: width, headCount: headCount, innerWidth: innerWidth, dropoutRate: dropoutRate,
        isRecomputed: isRecomputed), layerCount: layerCount)
  }

  public func layers(regionWidth: Int) -> any LayeredShape { shape(isRecomputed: false) }

  public var vocabularySize: Int { BertShape.base.vocabularySize }

  public func check(_ check: inout SettingsCheck) {
    check.require(width: width, heads: headCount, inner: innerWidth, dropoutRate: dropoutRate)
    check.require(layerCount, in: 1...100, "network.layers")
  }

  public func network(regionWidth: Int, isRecomputed: Bool, in scope: Scope) -> RegionModel.Network {
    let network = VisualBERTNetwork(shape(isRecomputed: isRecomputed), regionWidth: regionWidth, in: scope)
    return { tokens, features, _, hasRegions, generator in
      network(tokens.ids, hasText: tokens.isPresent, regions: features, hasRegions: hasRegions, using: generator).pooled
    }
  }
}
