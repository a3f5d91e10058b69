// SigLIP (Zhai et al., 2023, arXiv:2303.15343): towers trained on pairs with a sigmoid for each, after Hugging Face's
// SiglipModel, whose key names they read.
//
// Shapes: N images or texts, P patches of each, L tokens, D width, H heads, E width of the embedding, S side of an image.
import Torch
import TorchNN

/// SigLIP's vision transformer. There is no projection behind its head: features are the same before and after it.
struct SiglipVision: ImageTower, Sendable {
  private let trunk: VisionTrunk
  private let head: AttentionPooling

  var pooledWidth: Int { trunk.width }
  var embeddingWidth: Int { trunk.width }
  var batchSize: Int { trunk.batchSize }
  var computation: Computation { trunk.computation }

  init(_ configuration: SiglipConfiguration, computation: Computation, in scope: Scope) {
    let model = scope["vision_model"]
    trunk = VisionTrunk(configuration.vision, reading: .patches, computation: computation, in: model)
    head = AttentionPooling(configuration.vision.shape, computation, in: model["head"])
  }

  func pooled(_ pixels: Tensor) -> Tensor { head(trunk.states(pixels)) }

  func projected(_ pooled: Tensor) -> Tensor { pooled }
}

/// SigLIP's text transformer with its projection: every token sees all others, and the last one stands for the text.
struct SiglipText: TextTower, Sendable {
  private let trunk: TextTrunk
  private let head: FrozenLinear
  let embeddingWidth: Int

  var pooledWidth: Int { trunk.width }
  var computation: Computation { trunk.computation }

  init(_ configuration: SiglipConfiguration, computation: Computation, in scope: Scope) {
    let model = scope["text_model"]
    trunk = TextTrunk(configuration.text, isCausal: false, computation: computation, in: model)
    head = FrozenLinear(
      inputs: trunk.width, outputs: configuration.textEmbeddingWidth, computation.exact, in: model["head"])
    embeddingWidth = configuration.textEmbeddingWidth
  }

  /// - Precondition: Each text is filled up to the length that the network was trained with.
  func pooled(_ texts: [[Int32]]) -> Tensor { trunk.lastStates(texts) }

  func projected(_ pooled: Tensor) -> Tensor { head(pooled) }

  func states(_ texts: [[Int32]]) -> Tensor { trunk.states(texts) }
}

/// One learned query attends to all states of a picture; what it finds goes through a network of two layers.
private struct AttentionPooling: @unchecked Sendable {  // its tensors are never written
  private let query: Tensor  // [1, H, 1, D / H]
  private let keysAndValues: FrozenLinear
  private let output: FrozenLinear
  private let norm: FrozenLayerNorm
  private let inner: FrozenLinear
  private let outer: FrozenLinear
  private let dtype: DType

  init(_ shape: TransformerShape, _ computation: Computation, in scope: Scope) {
    let width = shape.width
    let attention = scope["attention"]
    let probe = scope.parameter("probe", [1, 1, width], .constant(0))
    let weight = attention.parameter("in_proj_weight", [3 * width, width], .constant(0))
    let bias = attention.parameter("in_proj_bias", [3 * width], .constant(0))
    query = withoutGrad {
      probe.to(.float32).linear(
        weight: weight.sliced(0..<width).to(.float32), bias: bias.sliced(0..<width).to(.float32)
      ).reshaped(to: [1, shape.headCount, 1, width / shape.headCount]).to(computation.device)
    }
    keysAndValues = FrozenLinear(
      weight: weight.sliced(width..<3 * width), bias: bias.sliced(width..<3 * width), computation)
    // A state a picture: their cost is small.
    output = FrozenLinear(inputs: width, outputs: width, computation.exact, in: attention["out_proj"])
    norm = FrozenLayerNorm(
      width: width, epsilon: shape.normalizationEpsilon, dtype: .float32, device: computation.device,
      in: scope["layernorm"])
    (inner, outer) = shape.innerLayers(computation.exact, in: scope["mlp"])
    dtype = computation.dtype
  }

  /// What stands for each picture, [N, D], of its states [N, P, D], both float32.
  func callAsFunction(_ states: Tensor) -> Tensor {
    let (count, length, width) = (states.shape[0], states.shape[1], states.shape[2])
    let parts = keysAndValues(states.reshaped(to: [count * length, width]).to(dtype)).to(.float32)
      .reshaped(to: [count, length, 2, query.shape[1], query.shape[3]]).permuted(to: [2, 0, 3, 1, 4])
    let queries = Tensor.concatenated([Tensor](repeating: query, count: count), along: 0)
    let attended = queries.attention(keys: parts.selected(0), values: parts.selected(1))  // [N, H, 1, D / H]
    let x = output(attended.reshaped(to: [count, width]))
    return outer(inner(norm(x)), adding: x)
  }
}
