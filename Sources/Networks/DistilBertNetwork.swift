// DistilBERT (Sanh et al., 2019, arXiv:1910.01108), trainable, with the key names of Hugging Face's DistilBertModel.
//
// BERT with half the layers, without segments and without a pooler. Shapes: N texts, L tokens, D width.
import Torch
import TorchNN

/// DistilBERT, all of it trainable.
public struct DistilBertNetwork: TextNetwork {
  public var width: Int { shape.layers.width }
  public let shape: BertShape
  public var device: Device { embedding.device }
  private let embedding: TextEmbedding
  private let layers: [Layer]

  /// - Parameter shape: Its segments do not count: there are none.
  public init(_ shape: BertShape, in scope: Scope) {
    self.shape = shape
    embedding = TextEmbedding(
      shape.layers, vocabularySize: shape.vocabularySize, positionCount: shape.positionCount, segmentCount: 0,
      in: scope["embeddings"])
    layers = (0..<shape.layerCount).map { Layer(shape.layers, in: scope["transformer"]["layer"][$0]) }
  }

  public func callAsFunction(_ ids: Tensor, isPresent: Tensor, using generator: Generator?) -> Tensor {
    let mask = AttentionMask(isPresent)
    return layers.reduce(embedding(ids, using: generator)) { $1($0, mask: mask, using: generator) }
  }

  /// A layer of BERT, but that what attention found is not dropped from.
  private struct Layer {
    private let attention: MultiHeadAttention
    private let attended: Linear
    private let afterAttention: LayerNorm
    private let inner: Linear
    private let outer: Linear
    private let afterInner: LayerNorm
    private let dropout: Dropout

    init(_ shape: TransformerLayerShape, in scope: Scope) {
      let attention = scope["attention"]
      self.attention = MultiHeadAttention(
        shape, names: .init(query: "q_lin", key: "k_lin", value: "v_lin"), in: attention)
      attended = shape.linear(in: attention["out_lin"])
      afterAttention = shape.normalization(in: scope["sa_layer_norm"])
      inner = shape.linear(outputs: shape.innerWidth, in: scope["ffn"]["lin1"])
      outer = shape.linear(inputs: shape.innerWidth, in: scope["ffn"]["lin2"])
      afterInner = shape.normalization(in: scope["output_layer_norm"])
      dropout = shape.dropout
    }

    func callAsFunction(_ x: Tensor, mask: AttentionMask, using generator: Generator?) -> Tensor {
      let seen = afterAttention(attended(attention(x, mask: mask, using: generator)) + x)
      return afterInner(dropout(outer(inner(seen).gelu()), using: generator) + seen)
    }
  }
}

extension BertShape {
  /// `distilbert-base-uncased`.
  public static let distilBase = BertShape(layers: .base, layerCount: 6, segmentCount: 0)
}
