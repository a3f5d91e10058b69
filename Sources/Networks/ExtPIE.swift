// The parts of Ext-PIE-Net that stand on the vectors of its two trunks (Sharma et al., AACL 2022, arXiv:2209.14667);
// reference file 11 §1.
//
// Shapes: N memes, T vectors of a meme, I and X widths of an image's and a text's vector, E embedding width.
import Torch
import TorchNN

/// PIE: a vector made of several by attention, passed on beside a gate of itself.
///
/// Both trunks give one vector a meme, which attention then leaves as it is; its two layers stand for the published sizes.
public struct PolysemousEmbedding {
  private let hidden: Linear
  private let score: Linear
  private let gate: Linear
  private let normalization: LayerNorm
  private let output: Linear

  public init(inputs: Int, outputs: Int, in scope: Scope) {
    let width = (inputs + outputs) / 2
    hidden = .glorot(inputs: inputs, outputs: width, usesBias: false, in: scope["attention"]["hidden"])
    score = .glorot(inputs: width, outputs: 1, usesBias: false, in: scope["attention"]["score"])
    gate = .glorot(inputs: inputs, outputs: inputs, in: scope["gate"])
    normalization = LayerNorm(width: inputs, in: scope["normalization"])
    output = .glorot(inputs: inputs, outputs: outputs, in: scope["output"])
  }

  /// [N, outputs] of vectors [N, T, inputs].
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let weights = score(hidden(x).tanh()).softmax(along: 1)  // [N, T, 1]
    let attended = (weights * x).sum(along: 1)
    return output(normalization(attended + gate(attended).sigmoid()))
  }
}

/// FusionNet: one vector of an image's and a text's, which two heads weigh against each other.
public struct PairFusion {
  private let hidden: Linear
  private let scores: Linear
  private let normalization: LayerNorm

  public init(width: Int, in scope: Scope) {
    hidden = Linear(inputs: width, outputs: width, usesBias: false, in: scope["hidden"])
    scores = Linear(inputs: width, outputs: 2, usesBias: false, in: scope["scores"])
    normalization = LayerNorm(width: width, in: scope["normalization"])
  }

  /// [N, E] of vectors [N, E] each.
  public func callAsFunction(image: Tensor, text: Tensor) -> Tensor {
    let tokens = Tensor.stacked([image, text], along: 1)  // [N, 2, E]
    let weights = scores(hidden(tokens).tanh()).softmax(along: 1)  // [N, 2, 2], tokens before heads
    let attended = weights.transposed().matmul(tokens)  // [N, 2, E], a row a head
    return normalization(tokens + attended).sum(along: 1)
  }
}

/// The embeddings that pretraining compares, and the vectors that the classifier reads.
public struct ExtPIEHeads {
  private let image: PolysemousEmbedding
  private let text: PolysemousEmbedding
  private let imageProjection: [Linear]
  private let textProjection: [Linear]
  private let fusion: PairFusion

  public init(imageWidth: Int, textWidth: Int, embeddingWidth: Int, in scope: Scope) {
    image = PolysemousEmbedding(inputs: imageWidth, outputs: imageWidth, in: scope["image"])
    text = PolysemousEmbedding(inputs: textWidth, outputs: textWidth, in: scope["text"])
    func projection(_ inputs: Int, _ scope: Scope) -> [Linear] {
      [
        Linear(inputs: inputs, outputs: embeddingWidth, in: scope[0]),
        Linear(inputs: embeddingWidth, outputs: embeddingWidth, in: scope[1]),
      ]
    }
    imageProjection = projection(imageWidth, scope["image_projection"])
    textProjection = projection(textWidth, scope["text_projection"])
    fusion = PairFusion(width: embeddingWidth, in: scope["fusion"])
  }

  /// Embeddings [N, E] of length 1.
  public struct Embeddings {
    /// Of both views of the image, the larger of each number.
    public var image: Tensor
    public var text: Tensor
    /// Of image and text.
    public var fused: Tensor
    /// Of either view and the text.
    public var fusedViews: (Tensor, Tensor)
  }

  /// What pretraining compares of two views of images [N, I] and of texts [N, X], as the trunks give them.
  public func embeddings(views: (Tensor, Tensor), text: Tensor) -> Embeddings {
    func projected(_ x: Tensor, _ layers: [Linear]) -> Tensor { layers[1](layers[0](x).relu()) }
    let (first, second) = (
      projected(vectors(images: views.0), imageProjection), projected(vectors(images: views.1), imageProjection)
    )
    let text = projected(vectors(texts: text), textProjection)
    let image = first.maximum(second)
    func unit(_ x: Tensor) -> Tensor { x.to(.float32).normalized() }
    return Embeddings(
      image: unit(image), text: unit(text), fused: unit(fusion(image: image, text: text)),
      fusedViews: (unit(fusion(image: first, text: text)), unit(fusion(image: second, text: text))))
  }

  /// What the classifier reads of images: [N, I].
  public func vectors(images: Tensor) -> Tensor { image(images.expanded(at: 1)) }

  /// What the classifier reads of texts: [N, X].
  public func vectors(texts: Tensor) -> Tensor { text(texts.expanded(at: 1)) }
}
