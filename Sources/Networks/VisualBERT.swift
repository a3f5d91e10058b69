// VisualBERT (Li et al., 2019, arXiv:1908.03557), trainable, with the key names of Hugging Face's VisualBertModel;
// reference file 12.
//
// Shapes: N memes, L tokens, R regions, F features of a region, D width.
import Torch
import TorchNN

/// BERT over a text's tokens and the regions of a picture, all of it trainable.
public struct VisualBERTNetwork {
  public let shape: BertShape
  private let embedding: TextEmbedding
  private let regionSegments: Tensor  // [2, D]
  private let regionPositions: Tensor  // [P, D]
  private let projection: Linear
  private let layers: [BertLayer]
  private let pooler: Pooler

  /// - Parameter regionWidth: Features of a region.
  public init(_ shape: BertShape, regionWidth: Int, in scope: Scope) {
    self.shape = shape
    let embeddings = scope["embeddings"]
    embedding = TextEmbedding(
      shape.layers, vocabularySize: shape.vocabularySize, positionCount: shape.positionCount,
      segmentCount: shape.segmentCount, in: embeddings)
    func table(_ name: String, _ count: Int) -> Tensor {
      embeddings[name].parameter("weight", [count, shape.layers.width], .normal(mean: 0, deviation: 0.02))
    }
    regionSegments = table("visual_token_type_embeddings", shape.segmentCount)
    regionPositions = table("visual_position_embeddings", shape.positionCount)
    projection = shape.layers.linear(inputs: regionWidth, in: embeddings["visual_projection"])
    layers = (0..<shape.layerCount).map { BertLayer(shape.layers, in: scope["encoder"]["layer"][$0]) }
    pooler = Pooler(shape.layers, in: scope["pooler"])
  }

  /// The last states [N, L + R, D] and the pooled vector [N, D] of token ids [N, L] and regions [N, R, F].
  ///
  /// - Parameters:
  ///   - hasText: [N, L], 1 for tokens and 0 for padding.
  ///   - hasRegions: [N, R], 1 for regions and 0 for padding.
  ///   - generator: Given while training, for dropout.
  public func callAsFunction(
    _ ids: Tensor, hasText: Tensor, regions: Tensor, hasRegions: Tensor, using generator: Generator?
  ) -> (states: Tensor, pooled: Tensor) {
    // Regions have no order: all stand at the first position. Their segment is the second.
    let seen = projection(regions) + regionPositions.selected(0) + regionSegments.selected(1)
    let tokens = embedding.normalized(.concatenated([embedding.sum(ids), seen], along: 1), using: generator)
    let mask = AttentionMask(.concatenated([hasText.to(.float32), hasRegions.to(.float32)], along: 1))
    let states = layers.reduce(tokens) { $1($0, mask: mask, using: generator) }
    return (states, pooler(states))
  }
}
