// CLIP's vision transformer (Radford et al., 2021, arXiv:2103.00020; Dosovitskiy et al., 2020, arXiv:2010.11929), after
// Hugging Face's CLIPVisionModelWithProjection, whose key names it reads. Reference 09 §A.
//
// Shapes: N images, D width, E width of the embedding, S side of an image.
import Torch
import TorchNN

/// CLIP's vision transformer with its projection. Its values never change, so that threads may share it.
struct CLIPVision: ImageTower, Sendable {
  private let trunk: VisionTrunk
  private let projection: FrozenLinear
  let embeddingWidth: Int

  var pooledWidth: Int { trunk.width }
  var batchSize: Int { trunk.batchSize }
  var computation: Computation { trunk.computation }

  init(_ configuration: CLIPConfiguration, computation: Computation, in scope: Scope) {
    trunk = VisionTrunk(
      configuration.vision, reading: .classTokenAndPatches, computation: computation, in: scope["vision_model"])
    projection = FrozenLinear(
      inputs: trunk.width, outputs: configuration.embeddingWidth, usesBias: false, computation.exact,
      in: scope["visual_projection"])
    embeddingWidth = configuration.embeddingWidth
  }

  func pooled(_ pixels: Tensor) -> Tensor { trunk.firstStates(pixels) }

  func projected(_ pooled: Tensor) -> Tensor { projection(pooled) }
}
