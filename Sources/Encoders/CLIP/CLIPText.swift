// CLIP's text transformer (Radford et al., 2021, arXiv:2103.00020), after Hugging Face's CLIPTextModelWithProjection,
// whose key names it reads. Reference 09 §A.
//
// Shapes: T tokens of all texts together, N texts, L tokens of a text, D width, E width of the embedding, V tokens of
// the vocabulary.
import Torch
import TorchNN

/// A network that reads texts, in two steps: what a text's features are before and after the last projection.
protocol TextTower: Sendable {
  var pooledWidth: Int { get }
  var embeddingWidth: Int { get }
  var computation: Computation { get }

  /// Features [N, pooledWidth], float32, of N texts in the order given.
  func pooled(_ texts: [[Int32]]) -> Tensor
  /// Features [N, embeddingWidth] in the space that pictures and texts share.
  func projected(_ pooled: Tensor) -> Tensor
  /// The states [T, D], float32, of every token after the last normalisation, one text after the other.
  func states(_ texts: [[Int32]]) -> Tensor
}

/// CLIP's text transformer with its projection. Its values never change, so that threads may share it.
struct CLIPText: TextTower, Sendable {
  private let trunk: TextTrunk
  private let projection: FrozenLinear
  private let endID: Int
  let embeddingWidth: Int

  var pooledWidth: Int { trunk.width }
  var computation: Computation { trunk.computation }

  init(_ configuration: CLIPConfiguration, computation: Computation, in scope: Scope) {
    trunk = TextTrunk(configuration.text, isCausal: true, computation: computation, in: scope["text_model"])
    projection = FrozenLinear(
      inputs: trunk.width, outputs: configuration.embeddingWidth, usesBias: false, computation.exact,
      in: scope["text_projection"])
    endID = configuration.text.endID
    embeddingWidth = configuration.embeddingWidth
  }

  /// - Precondition: Each text has the token that ends it; what follows changes nothing.
  func pooled(_ texts: [[Int32]]) -> Tensor {
    // A token sees those before it alone: what follows the end may go.
    trunk.lastStates(texts.map { Array($0[...end(of: $0)]) })
  }

  func projected(_ pooled: Tensor) -> Tensor { projection(pooled) }

  func states(_ texts: [[Int32]]) -> Tensor { trunk.states(texts) }

  /// The place of the first end token; in older configurations that of the first token of the greatest id.
  private func end(of text: [Int32]) -> Int {
    let id = endID == 2 ? text.max() : Int32(endID)
    guard let place = id.flatMap(text.firstIndex) else { preconditionFailure("a text without the token \(endID)") }
    return place
  }
}

/// Embeddings, blocks and the last normalisation of a text transformer.
struct TextTrunk: @unchecked Sendable {  // its tensors are never written
  private let words: Tensor  // [V, D]
  private let positions: Tensor
  private let blocks: [FrozenBlock]
  private let norm: FrozenLayerNorm
  let width: Int
  let computation: Computation

  init(_ text: CLIPConfiguration.Text, isCausal: Bool, computation: Computation, in scope: Scope) {
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
