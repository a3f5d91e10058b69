// The vision transformer that CLIP and SigLIP share, with the key names that Hugging Face gives it in both.
//
// Shapes: N images, P patches of each, L states of each, D width, S side of an image.
import Torch
import TorchNN

/// Patches, blocks and the last normalisation of a vision transformer.
struct VisionTrunk: @unchecked Sendable {  // its tensors are never written
  /// What the blocks are given.
  enum Input {
    /// A learned state in front of the patches, all of them normalised first; patches have no bias. CLIP's way.
    case classTokenAndPatches
    /// The patches alone, with a bias, as they are. SigLIP's way.
    case patches
  }

  private let patches: PatchEmbedding
  private let classState: Tensor?  // [D], with its position added
  private let preNorm: FrozenLayerNorm?
  private let blocks: [FrozenBlock]
  private let postNorm: FrozenLayerNorm
  let width: Int
  let batchSize: Int
  let computation: Computation

  init(_ vision: VisionShape, reading input: Input, computation: Computation, in scope: Scope) {
    let width = vision.shape.width
    func norm(_ name: String) -> FrozenLayerNorm {
      FrozenLayerNorm(
        width: width, epsilon: vision.shape.normalizationEpsilon, dtype: .float32, device: computation.device,
        in: scope[name])
    }
    let embeddings = scope["embeddings"]
    let extraCount = input == .classTokenAndPatches ? 1 : 0
    let positions = embeddings["position_embedding"]
      .parameter("weight", [extraCount + vision.patchCount, width], .constant(0))
      .to(.float32).to(computation.device)
    switch input {
    case .classTokenAndPatches:
      classState = withoutGrad {
        embeddings.parameter("class_embedding", [width], .constant(0)).to(.float32).to(computation.device)
          + positions.selected(0)
      }
      preNorm = norm("pre_layrnorm")  // as the hub spells it
    case .patches: (classState, preNorm) = (nil, nil)
    }
    patches = PatchEmbedding(
      vision, usesBias: input == .patches, positions: positions.sliced(extraCount..<extraCount + vision.patchCount),
      computation, in: embeddings["patch_embedding"])
    blocks = (0..<vision.shape.layerCount).map {
      FrozenBlock(vision.shape, isCausal: false, computation, in: scope["encoder"]["layers"][$0])
    }
    postNorm = norm("post_layernorm")
    self.width = width
    batchSize = PatchEmbedding.batchSize(patchCount: vision.patchCount)
    self.computation = computation
  }

  /// The first state [N, D], float32, of each picture [N, 3, S, S].
  func firstStates(_ pixels: Tensor) -> Tensor {
    let (x, run) = beforeLastBlock(pixels)
    return postNorm(blocks[blocks.count - 1](x, [run], at: .first).to(.float32))
  }

  /// All states [N, L, D], float32, of pictures [N, 3, S, S].
  func states(_ pixels: Tensor) -> Tensor {
    let (x, run) = beforeLastBlock(pixels)
    return postNorm(blocks[blocks.count - 1](x, [run]).to(.float32)).reshaped(to: [run.count, run.length, width])
  }

  private func beforeLastBlock(_ pixels: Tensor) -> (Tensor, PackedTexts.Run) {
    let count = pixels.shape[0]
    var embedded = patches(pixels)  // [N, P, D]
    if let classState {
      let first = Tensor.zeros([count, 1, width], device: computation.device) + classState
      embedded = .concatenated([first, embedded], along: 1)
    }
    let run = PackedTexts.Run(start: 0, count: count, length: embedded.shape[1])
    let flat = embedded.reshaped(to: [-1, width])
    var x = (preNorm?(flat) ?? flat).to(computation.dtype)
    for block in blocks.dropLast() { x = block(x, [run]) }
    return (x, run)
  }
}

/// A convolution whose steps are as wide as its kernel: a product of a matrix with each patch.
struct PatchEmbedding: @unchecked Sendable {  // its tensors are never written
  private let linear: FrozenLinear
  private let positions: Tensor  // [P, D]
  private let gridSide: Int
  private let patchSide: Int
  private let dtype: DType

  init(
    _ vision: VisionShape, usesBias: Bool, positions: Tensor, _ computation: Computation, in scope: Scope
  ) {
    let (width, side) = (vision.shape.width, vision.patchSide)
    let weight = scope.parameter("weight", [width, 3, side, side], .constant(0))
    linear = FrozenLinear(
      weight: weight.reshaped(to: [width, 3 * side * side]),
      bias: usesBias ? scope.parameter("bias", [width], .constant(0)) : nil, computation)
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
