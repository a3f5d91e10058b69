// LXMERT (Tan and Bansal, 2019, arXiv:1908.07490), trainable, with the key names of Hugging Face's LxmertModel; reference
// file 14.
//
// Shapes: N memes, L tokens, R regions, F features of a region, D width.
import Torch
import TorchNN

/// The architecture of an LXMERT.
public struct LXMERTShape: Sendable, Equatable {
  public var layers: TransformerLayerShape
  /// Layers of the text alone, of the regions alone, and of both together.
  public var textLayerCount: Int
  public var regionLayerCount: Int
  public var crossLayerCount: Int
  public var vocabularySize: Int
  public var positionCount: Int
  /// Features of a region.
  public var regionWidth: Int

  public init(
    layers: TransformerLayerShape, textLayerCount: Int, regionLayerCount: Int, crossLayerCount: Int,
    vocabularySize: Int = 30_522, positionCount: Int = 512, regionWidth: Int = 2048
  ) {
    self.layers = layers
    self.textLayerCount = textLayerCount
    self.regionLayerCount = regionLayerCount
    self.crossLayerCount = crossLayerCount
    self.vocabularySize = vocabularySize
    self.positionCount = positionCount
    self.regionWidth = regionWidth
  }

  public static let base = LXMERTShape(layers: .base, textLayerCount: 9, regionLayerCount: 5, crossLayerCount: 5)
}

/// Two streams, of a text and of regions, that look at each other in their last layers; all of it trainable.
public struct LXMERTNetwork {
  public let shape: LXMERTShape
  private let text: TextEmbedding
  private let regions: RegionEmbedding
  private let textLayers: [BertLayer]
  private let regionLayers: [BertLayer]
  private let crossLayers: [CrossLayer]
  private let pooler: Pooler

  public init(_ shape: LXMERTShape, in scope: Scope) {
    self.shape = shape
    let encoder = scope["encoder"]
    text = TextEmbedding(
      shape.layers, freezesFirst: true, vocabularySize: shape.vocabularySize, positionCount: shape.positionCount,
      segmentCount: 2,
      in: scope["embeddings"])
    regions = RegionEmbedding(shape, in: encoder["visn_fc"])
    textLayers = (0..<shape.textLayerCount).map { BertLayer(shape.layers, in: encoder["layer"][$0]) }
    regionLayers = (0..<shape.regionLayerCount).map { BertLayer(shape.layers, in: encoder["r_layers"][$0]) }
    crossLayers = (0..<shape.crossLayerCount).map { CrossLayer(shape.layers, in: encoder["x_layers"][$0]) }
    pooler = Pooler(shape.layers, in: scope["pooler"])
  }

  /// The pooled vectors [N, D] of token ids [N, L] and regions [N, R, F] with their boxes [N, R, 4], corners as shares
  /// of the picture's width and height.
  ///
  /// - Parameters:
  ///   - hasText: [N, L], 1 for tokens and 0 for padding.
  ///   - hasRegions: [N, R], 1 for regions and 0 for padding.
  ///   - generator: Given while training, for dropout.
  public func callAsFunction(
    _ ids: Tensor, hasText: Tensor, regions: Tensor, boxes: Tensor, hasRegions: Tensor, using generator: Generator?
  ) -> Tensor {
    let (textMask, regionMask) = (AttentionMask(hasText), AttentionMask(hasRegions))
    var words = text(ids, using: generator)
    var seen = self.regions(regions, boxes: boxes, using: generator)
    for layer in textLayers { words = layer(words, mask: textMask, using: generator) }
    for layer in regionLayers { seen = layer(seen, mask: regionMask, using: generator) }
    for layer in crossLayers { (words, seen) = layer(words, textMask, seen, regionMask, using: generator) }
    return pooler(words)
  }

  /// The mean of what a region looks like and where it lies.
  private struct RegionEmbedding {
    private let looks: Linear
    private let looksNormalization: LayerNorm
    private let place: Linear
    private let placeNormalization: LayerNorm
    private let dropout: Dropout

    init(_ shape: LXMERTShape, in scope: Scope) {
      looks = shape.layers.linear(inputs: shape.regionWidth, in: scope["visn_fc"])
      looksNormalization = shape.layers.normalization(in: scope["visn_layer_norm"])
      place = shape.layers.linear(inputs: 4, in: scope["box_fc"])
      placeNormalization = shape.layers.normalization(in: scope["box_layer_norm"])
      dropout = shape.layers.dropout
    }

    func callAsFunction(_ regions: Tensor, boxes: Tensor, using generator: Generator?) -> Tensor {
      let mean = (looksNormalization(looks(regions)) + placeNormalization(place(boxes))) * 0.5
      return dropout(mean, using: generator)
    }
  }

  /// Either stream looks at the other, then at itself, then every token at itself.
  private struct CrossLayer {
    /// One attention serves both directions.
    private let crossing: MultiHeadAttention
    private let crossed: AddedOutput
    private let textStream: Stream
    private let regionStream: Stream
    private let run: LayerRun

    init(_ shape: TransformerLayerShape, in scope: Scope) {
      crossing = MultiHeadAttention(shape, in: scope["visual_attention"]["att"])
      crossed = AddedOutput(shape, in: scope["visual_attention"]["output"])
      textStream = Stream(shape, name: "lang", in: scope)
      regionStream = Stream(shape, name: "visn", in: scope)
      run = LayerRun(isRecomputed: shape.isRecomputed, in: scope)
    }

    func callAsFunction(
      _ words: Tensor, _ textMask: AttentionMask, _ regions: Tensor, _ regionMask: AttentionMask,
      using generator: Generator?
    ) -> (Tensor, Tensor) {
      let streams = run([words, regions], using: generator) { inputs, generator in
        func crossed(_ x: Tensor, _ context: Tensor, _ mask: AttentionMask) -> Tensor {
          self.crossed(crossing(x, context: context, mask: mask, using: generator), addedTo: x, using: generator)
        }
        let (words, regions) = (inputs[0], inputs[1])
        return [
          textStream(crossed(words, regions, regionMask), mask: textMask, using: generator),
          regionStream(crossed(regions, words, textMask), mask: regionMask, using: generator),
        ]
      }
      return (streams[0], streams[1])
    }
  }

  /// What follows the look at the other stream.
  private struct Stream {
    private let attention: MultiHeadAttention
    private let attended: AddedOutput
    private let feedForward: FeedForward

    init(_ shape: TransformerLayerShape, name: String, in scope: Scope) {
      attention = MultiHeadAttention(shape, in: scope["\(name)_self_att"]["self"])
      attended = AddedOutput(shape, in: scope["\(name)_self_att"]["output"])
      feedForward = FeedForward(shape, inner: scope["\(name)_inter"], output: scope["\(name)_output"])
    }

    func callAsFunction(_ x: Tensor, mask: AttentionMask, using generator: Generator?) -> Tensor {
      let seen = attended(attention(x, mask: mask, using: generator), addedTo: x, using: generator)
      return feedForward(seen, using: generator)
    }
  }
}
