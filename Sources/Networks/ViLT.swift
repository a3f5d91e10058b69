// ViLT (Kim et al., 2021, arXiv:2102.03334), trainable, with the key names of Hugging Face's ViltModel; reference file 13.
//
// One transformer over a text's tokens and a picture's patches. Pictures are squares of one size, so that every patch is
// looked at and positions are interpolated once for all.
//
// Shapes: N memes, L tokens, S rows and columns, P of a patch, G = S / P, D width.
import Torch
import TorchNN

/// The architecture of a ViLT.
public struct ViLTShape: Sendable, Equatable {
  public var layers: TransformerLayerShape
  public var layerCount: Int
  public var vocabularySize: Int
  /// The longest text.
  public var positionCount: Int
  /// Rows and columns of the pictures that the positions were made for.
  public var side: Int
  public var patch: Int

  public init(
    layers: TransformerLayerShape, layerCount: Int, vocabularySize: Int = 30_522, positionCount: Int = 40,
    side: Int = 384,
    patch: Int = 32
  ) {
    self.layers = layers
    self.layerCount = layerCount
    self.vocabularySize = vocabularySize
    self.positionCount = positionCount
    self.side = side
    self.patch = patch
  }

  /// `dandelin/vilt-b32`.
  public static let base32 = ViLTShape(
    layers: TransformerLayerShape(width: 768, headCount: 12, innerWidth: 3072, dropoutRate: 0), layerCount: 12)
}

/// ViLT's transformer with its pooler, all of it trainable.
public struct ViLTNetwork {
  public let shape: ViLTShape
  private let text: TextEmbedding
  private let classToken: Tensor  // [1, 1, D]
  private let positions: Tensor  // [1, G² + 1, D]
  private let patches: PatchEmbedding
  private let modalities: Tensor  // [2, D], text first
  private let layers: [PreNormalizedLayer]
  private let normalization: LayerNorm
  private let pooler: Pooler

  public init(_ shape: ViLTShape, in scope: Scope) {
    self.shape = shape
    let (embeddings, width) = (scope["embeddings"], shape.layers.width)
    let grid = shape.side / shape.patch
    text = TextEmbedding(
      shape.layers, vocabularySize: shape.vocabularySize, positionCount: shape.positionCount, segmentCount: 2,
      in: embeddings["text_embeddings"])
    classToken = embeddings.parameter("cls_token", [1, 1, width], .constant(0))
    positions = embeddings.parameter("position_embeddings", [1, grid * grid + 1, width], .constant(0))
    patches = PatchEmbedding(
      side: shape.patch, width: width, initializer: .normal(mean: 0, deviation: 0.02),
      in: embeddings["patch_embeddings"]["projection"])
    modalities = embeddings["token_type_embeddings"].parameter("weight", [2, width], .normal(mean: 0, deviation: 0.02))
    layers = (0..<shape.layerCount).map { PreNormalizedLayer(shape.layers, in: scope["encoder"]["layer"][$0]) }
    normalization = shape.layers.normalization(in: scope["layernorm"])
    pooler = Pooler(shape.layers, in: scope["pooler"])
  }

  /// The pooled vectors [N, D] of token ids [N, L] and pictures [N, 3, S, S] of values from -1 to 1.
  ///
  /// - Parameters:
  ///   - hasText: [N, L], 1 for tokens and 0 for padding.
  ///   - hasPicture: [N], 1 where there is a picture.
  ///   - generator: Given while training, for dropout.
  public func callAsFunction(
    _ ids: Tensor, hasText: Tensor, pictures: Tensor, hasPicture: Tensor, using generator: Generator?
  ) -> Tensor {
    let count = ids.shape[0]
    let words = text(ids, using: generator) + modalities.selected(0)
    let image = embedded(pictures, using: generator) + modalities.selected(1)
    let isPresent = Tensor.concatenated(
      [hasText.to(.float32), hasPicture.to(.float32).expanded(at: 1).broadcast(to: [count, image.shape[1]])], along: 1)
    let mask = AttentionMask(isPresent)
    let tokens = Tensor.concatenated([words, image], along: 1)
    let states = layers.dropLast().reduce(tokens) { $1($0, mask: mask, using: generator) }
    // The pooler reads the first token alone, so that the last layer need not make the others.
    let first = layers.last.map { $0(states, onlyFirst: true, mask: mask, using: generator) } ?? states
    return pooler(normalization(first))
  }

  private func embedded(_ pictures: Tensor, using generator: Generator?) -> Tensor {
    let (tokens, side, _) = patches(pictures, after: classToken)
    return shape.layers.dropout(tokens + positions(side: side), using: generator)
  }

  /// The positions of a grid of `side` × `side` patches, interpolated as ViLT does: bilinearly, corners kept.
  private func positions(side: Int) -> Tensor {
    let own = shape.side / shape.patch
    guard side != own else { return positions }
    return positions.resizingGrid(side: own) { $0.interpolatedBilinear(height: side, width: side) }
  }
}
