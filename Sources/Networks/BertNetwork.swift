// BERT (Devlin et al., 2018, arXiv:1810.04805), trainable, with the key names of Hugging Face's BertModel.
//
// Shapes: N texts, L tokens, D width.
import Torch
import TorchNN

/// The architecture of a BERT.
public struct BertShape: Sendable, Equatable {
  public var layers: TransformerLayerShape
  public var layerCount: Int
  public var vocabularySize: Int
  public var positionCount: Int
  public var segmentCount: Int

  public init(
    layers: TransformerLayerShape, layerCount: Int, vocabularySize: Int = 30_522, positionCount: Int = 512,
    segmentCount: Int = 2
  ) {
    self.layers = layers
    self.layerCount = layerCount
    self.vocabularySize = vocabularySize
    self.positionCount = positionCount
    self.segmentCount = segmentCount
  }

  public static let base = BertShape(layers: .base, layerCount: 12)
}

/// BERT without its pooler, all of it trainable.
public struct BertTrunk: TextNetwork {
  public let shape: BertShape
  public var width: Int { shape.layers.width }
  public var device: Device { embedding.device }
  private let embedding: TextEmbedding
  private let layers: [BertLayer]

  public init(_ shape: BertShape, in scope: Scope) {
    self.shape = shape
    embedding = TextEmbedding(
      shape.layers, vocabularySize: shape.vocabularySize, positionCount: shape.positionCount,
      segmentCount: shape.segmentCount, in: scope["embeddings"])
    layers = (0..<shape.layerCount).map { BertLayer(shape.layers, in: scope["encoder"]["layer"][$0]) }
  }

  public func callAsFunction(_ ids: Tensor, isPresent: Tensor, using generator: Generator?) -> Tensor {
    let mask = AttentionMask(isPresent)
    return layers.reduce(embedding(ids, using: generator)) { $1($0, mask: mask, using: generator) }
  }
}

/// BERT with its pooler, all of it trainable.
public struct BertNetwork {
  private let trunk: BertTrunk
  private let pooler: Pooler

  public init(_ shape: BertShape, in scope: Scope) {
    trunk = BertTrunk(shape, in: scope)
    pooler = Pooler(shape.layers, in: scope["pooler"])
  }

  /// The last states [N, L, D] and the pooled vector [N, D] of token ids [N, L].
  ///
  /// - Parameters:
  ///   - isPresent: [N, L], 1 for tokens and 0 for padding.
  ///   - generator: Given while training, for dropout.
  public func callAsFunction(
    _ ids: Tensor, isPresent: Tensor, using generator: Generator?
  ) -> (states: Tensor, pooled: Tensor) {
    let states = trunk(ids, isPresent: isPresent, using: generator)
    return (states, pooler(states))
  }
}
