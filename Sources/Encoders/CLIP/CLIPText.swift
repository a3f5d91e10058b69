// CLIP's text transformer (Radford et al., 2021, arXiv:2103.00020), after Hugging Face's CLIPTextModelWithProjection,
// whose key names it reads. Reference 09 §A.
//
// Shapes: N texts, L tokens of a text, D width, E width of the embedding.
import Torch
import TorchNN

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
    endID = configuration.endID
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
