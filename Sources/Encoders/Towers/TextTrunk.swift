// The text transformer that CLIP and SigLIP share, with the key names that Hugging Face gives it in both.
//
// Shapes: T tokens of all texts together, N texts, L tokens of a text, D width, V tokens of the vocabulary.
import Torch
import TorchNN

/// Embeddings, blocks and the last normalisation of a text transformer.
struct TextTrunk: @unchecked Sendable {  // its tensors are never written
  private let words: Tensor  // [V, D]
  private let positions: Tensor
  private let blocks: [FrozenBlock]
  private let norm: FrozenLayerNorm
  let width: Int
  let computation: Computation

  init(_ text: TextShape, isCausal: Bool, computation: Computation, in scope: Scope) {
    let width = text.shape.width
    func table(_ name: String, _ count: Int) -> Tensor {
      scope["embeddings"][name].parameter("weight", [count, width], .constant(0)).to(.float32).to(computation.device)
    }
    words = table("token_embedding", text.vocabularySize)
    positions = table("position_embedding", text.positionCount)
    blocks = (0..<text.shape.layerCount).map {
      FrozenBlock(text.shape, isCausal: isCausal, computation, in: scope["encoder"]["layers"][$0])
    }
    norm = FrozenLayerNorm(
      width: width, epsilon: text.shape.normalizationEpsilon, dtype: .float32, device: computation.device,
      in: scope["final_layer_norm"])
    self.width = width
    self.computation = computation
  }

  /// The states [N, D], float32, of the last token of each text.
  func lastStates(_ texts: [[Int32]]) -> Tensor {
    let packed = PackedTexts(texts, device: computation.device)
    let x = beforeLastBlock(packed)
    return packed.inGivenOrder(norm(blocks[blocks.count - 1](x, packed.runs, at: .last).to(.float32)))
  }

  /// The states [T, D], float32, of every token, one text after the other.
  func states(_ texts: [[Int32]]) -> Tensor {
    let packed = PackedTexts(texts, device: computation.device)
    let x = blocks[blocks.count - 1](beforeLastBlock(packed), packed.runs)
    return packed.tokensInGivenOrder(norm(x.to(.float32)))
  }

  private func beforeLastBlock(_ packed: PackedTexts) -> Tensor {
    let embedded = packed.ids.embedded(in: words) + packed.positions.embedded(in: positions)
    var x = embedded.to(computation.dtype)
    for block in blocks.dropLast() { x = block(x, packed.runs) }
    return x
  }
}
