// LXMERT, fine-tuned whole: a stream for the text and one for the regions of the picture, which look at each other.
//
// Paper: Tan and Bansal, "LXMERT: Learning cross-modality encoder representations from transformers", EMNLP 2019
// (arXiv:1908.07490). Specification: reference file 14, the classifier of FPTU-Thesis-CSAI/SemiMemes.

import Networks
import Torch
import TorchNN

/// LXMERT with a head for any task. `unc-nlp/lxmert-base-uncased`, its published weights, want regions of 2048 features.
public typealias LXMERT = RegionMethod<LXMERTSizes>

/// Sizes of an LXMERT; the published ones are the default.
public struct LXMERTSizes: RegionNetwork {
  public static let methodName = "lxmert"
  public static let summary =
    "a stream of words and one of regions that look at each other, trained whole on labelled memes"
  public static let keyPrefix = "lxmert."
  public static let regionKey = "encoder.visn_fc.visn_fc.weight"

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

  private func shape(regionWidth: Int, isRecomputed: Bool) -> LXMERTShape {
    LXMERTShape(
      layers: TransformerLayerShape(
        width: width, headCount: headCount, innerWidth: innerWidth, dropoutRate: dropoutRate,
        isRecomputed: isRecomputed),
      textLayerCount: textLayerCount, regionLayerCount: regionLayerCount, crossLayerCount: crossLayerCount,
      regionWidth: regionWidth)
  }

  public func layers(regionWidth: Int) -> any LayeredShape { shape(regionWidth: regionWidth, isRecomputed: false) }

  public var vocabularySize: Int { LXMERTShape.base.vocabularySize }

  public func check(_ check: inout SettingsCheck) {
    check.require(width: width, heads: headCount, inner: innerWidth, dropoutRate: dropoutRate)
    check.require(textLayerCount, in: 0...100, "network.text_layers")
    check.require(regionLayerCount, in: 0...100, "network.region_layers")
    check.require(crossLayerCount, in: 1...100, "network.cross_layers")
  }

  public func network(regionWidth: Int, isRecomputed: Bool, in scope: Scope) -> RegionModel.Network {
    let network = LXMERTNetwork(shape(regionWidth: regionWidth, isRecomputed: isRecomputed), in: scope)
    return { tokens, features, boxes, hasRegions, generator in
      network(
        tokens.ids, hasText: tokens.isPresent, regions: features, boxes: boxes, hasRegions: hasRegions,
        using: generator)
    }
  }
}
