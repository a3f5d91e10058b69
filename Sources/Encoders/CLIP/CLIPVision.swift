// CLIP's vision transformer (Radford et al., 2021, arXiv:2103.00020; Dosovitskiy et al., 2020, arXiv:2010.11929), after
// Hugging Face's CLIPVisionModelWithProjection, whose key names it reads. Reference 09 §A.
//
// Shapes: N images, P patches of each, D width, E width of the embedding, S side of an image, g patches along a side,
// p pixels along a side of a patch.
import Torch
import TorchNN

/// A network that sees pictures, in two steps: what a picture's features are before and after the last projection.
protocol ImageTower: Sendable {
  var pooledWidth: Int { get }
  var embeddingWidth: Int { get }
  /// How many pictures are encoded in one call on the CPU.
  var batchSize: Int { get }
  var computation: Computation { get }

  /// Features [N, pooledWidth], float32, of normalised pixels [N, 3, S, S], float32.
  func pooled(_ pixels: Tensor) -> Tensor
  /// Features [N, embeddingWidth] in the space that pictures and texts share.
  func projected(_ pooled: Tensor) -> Tensor
}

/// CLIP's vision transformer with its projection. Its values never change, so that threads may share it.
struct CLIPVision: ImageTower, @unchecked Sendable {
  private let patches: PatchEmbedding
  private let classState: Tensor  // [D], with its position added
  private let preNorm: FrozenLayerNorm
  private let blocks: [FrozenBlock]
  private let postNorm: FrozenLayerNorm
  private let projection: FrozenLinear
  let pooledWidth: Int
  let embeddingWidth: Int
  let batchSize: Int
  let computation: Computation

  init(_ configuration: CLIPConfiguration, computation: Computation, in scope: Scope) {
    let vision = configuration.vision
    let model = scope["vision_model"]
    let embeddings = model["embeddings"]
    let width = vision.shape.width
    let patchCount = vision.gridSide * vision.gridSide
    let positions = embeddings["position_embedding"].parameter("weight", [patchCount + 1, width], .constant(0))
      .to(.float32).to(computation.device)
    classState = withoutGrad {
      embeddings.parameter("class_embedding", [width], .constant(0)).to(.float32).to(computation.device)
        + positions.selected(0)
    }
    patches = PatchEmbedding(
      vision, positions: positions.sliced(1..<patchCount + 1), computation,
      in: embeddings["patch_embedding"])
    func norm(_ name: String) -> FrozenLayerNorm {
      FrozenLayerNorm(
        width: width, epsilon: vision.shape.normalizationEpsilon, dtype: .float32, device: computation.device,
        in: model[name])
    }
    preNorm = norm("pre_layrnorm")  // as the hub spells it
    blocks = (0..<vision.shape.layerCount).map {
      FrozenBlock(vision.shape, isCausal: false, computation, in: model["encoder"]["layers"][$0])
    }
    postNorm = norm("post_layernorm")
    projection = FrozenLinear(
      inputs: width, outputs: configuration.embeddingWidth, usesBias: false, computation.exact,
      in: scope["visual_projection"])
    pooledWidth = width
    embeddingWidth = configuration.embeddingWidth
    batchSize = PatchEmbedding.batchSize(patchCount: patchCount)
    self.computation = computation
  }

  func pooled(_ pixels: Tensor) -> Tensor {
    let (count, width) = (pixels.shape[0], pooledWidth)
    let first = Tensor.zeros([count, 1, width], device: computation.device) + classState
    let embedded = Tensor.concatenated([first, patches(pixels)], along: 1)  // [N, P + 1, D]
    let run = PackedTexts.Run(start: 0, count: count, length: embedded.shape[1])
    var x = preNorm(embedded.reshaped(to: [-1, width])).to(computation.dtype)
    for block in blocks.dropLast() { x = block(x, [run]) }
    return postNorm(blocks[blocks.count - 1](x, [run], at: .first).to(.float32))
  }

  func projected(_ pooled: Tensor) -> Tensor { projection(pooled) }
}

/// A convolution without bias whose steps are as wide as its kernel: a product of a matrix with each patch.
struct PatchEmbedding: @unchecked Sendable {  // its tensors are never written
  private let linear: FrozenLinear
  private let positions: Tensor  // [P, D]
  private let gridSide: Int
  private let patchSide: Int
  private let dtype: DType

  init(_ vision: CLIPConfiguration.Vision, positions: Tensor, _ computation: Computation, in scope: Scope) {
    let (width, side) = (vision.shape.width, vision.patchSide)
    let weight = scope.parameter("weight", [width, 3, side, side], .constant(0))
    linear = FrozenLinear(
      weight: weight.reshaped(to: [width, 3 * side * side]), bias: nil, computation)
    self.positions = positions
    gridSide = vision.gridSide
    patchSide = side
    dtype = computation.dtype
  }

  /// About a thousand patches a call, whose states stay near the processor.
  static func batchSize(patchCount: Int) -> Int { max(1, 1024 / patchCount) }

  /// The embedded patches [N, P, D], float32, row by row, of pixels [N, 3, S, S].
  func callAsFunction(_ pixels: Tensor) -> Tensor {
    let (count, side) = (pixels.shape[0], gridSide * patchSide)
    let cut = pixels.shape[3] == side ? pixels : pixels.sliced(0..<side, along: 2).sliced(0..<side, along: 3)
    let patches = cut.reshaped(to: [count, 3, gridSide, patchSide, gridSide, patchSide])
      .permuted(to: [0, 2, 4, 1, 3, 5]).reshaped(to: [count * gridSide * gridSide, 3 * patchSide * patchSide])
    return linear(patches.to(dtype)).to(.float32).reshaped(to: [count, gridSide * gridSide, -1]) + positions
  }
}
