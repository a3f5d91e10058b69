// One block of a transformer with layer normalisation in front of each part (Xiong et al., 2020, arXiv:2002.04745), for
// inference, with the key names that Hugging Face gives it in CLIP and SigLIP.
//
// Shapes: T tokens of all sequences together, G sequences of one length, L tokens of each, D width, H heads.
import Torch
import TorchNN

/// Attention and a network of two layers, each with its input normalised and its result added to it.
struct FrozenBlock: Sendable {
  /// Which token of a sequence.
  enum Place: Sendable {
    case first, last
  }

  private let attentionNorm: FrozenLayerNorm
  private let projections: FrozenLinear  // queries, keys and values
  private let output: FrozenLinear
  private let innerNorm: FrozenLayerNorm
  private let inner: FrozenLinear
  private let outer: FrozenLinear
  private let headCount: Int
  private let isCausal: Bool

  /// Texts this short are attended to faster in float32 than in bfloat16, and more exactly.
  private static let shortLength = 128

  /// - Parameter isCausal: Whether a token sees those before it alone.
  init(_ shape: TransformerShape, isCausal: Bool, _ computation: Computation, in scope: Scope) {
    let width = shape.width
    func norm(_ name: String) -> FrozenLayerNorm {
      FrozenLayerNorm(
        width: width, epsilon: shape.normalizationEpsilon, dtype: computation.dtype, device: computation.device,
        in: scope[name])
    }
    let attention = scope["self_attn"]
    attentionNorm = norm("layer_norm1")
    projections = FrozenLinear(
      inputs: width, outputs: width, computation, in: attention["q_proj"], attention["k_proj"], attention["v_proj"])
    output = FrozenLinear(inputs: width, outputs: width, computation, in: attention["out_proj"])
    innerNorm = norm("layer_norm2")
    (inner, outer) = shape.innerLayers(computation, in: scope["mlp"])
    headCount = shape.headCount
    self.isCausal = isCausal
  }

  /// The states [T, D] of sequences that lie one after the other. Rows behind the last one belong to none and attend to
  /// nothing.
  func callAsFunction(_ x: Tensor, _ runs: [PackedTexts.Run]) -> Tensor {
    let projected = projections(attentionNorm(x))  // [T, 3 D]
    var attended = runs.map { run in
      let parts = split(projected, run)
      return joined(parts[0].attention(keys: parts[1], values: parts[2], isCausal: isCausal), projected)
    }
    let end = runs.last.map { $0.start + $0.count * $0.length } ?? 0
    if end < x.shape[0] { attended.append(x.sliced(end..<x.shape[0]).to(projected.dtype)) }
    return finished(attended, adding: x)
  }

  /// The states [N, D] of one token of each of N sequences, which is all that is needed of the last block.
  ///
  /// - Precondition: A causal block is asked for the last token, which sees all others.
  func callAsFunction(_ x: Tensor, _ runs: [PackedTexts.Run], at place: Place) -> Tensor {
    precondition(!isCausal || place == .last, "only the last token of a causal block sees all others")
    let projected = projections(attentionNorm(x))
    let attended = runs.map { run in
      let parts = split(projected, run)
      let index = place == .first ? 0 : run.length - 1
      return joined(
        parts[0].sliced(index..<index + 1, along: 2).attention(keys: parts[1], values: parts[2]), projected)
    }
    return finished(attended, adding: x.rows(of: runs, at: place))
  }

  /// Queries, keys and values of a run, each [G, H, L, D / H].
  private func split(_ projected: Tensor, _ run: PackedTexts.Run) -> [Tensor] {
    let width = projected.shape[1] / 3
    let rows = projected.sliced(run.start..<run.start + run.count * run.length)
    let parts = (run.length <= Self.shortLength ? rows.to(.float32) : rows)
      .reshaped(to: [run.count, run.length, 3, headCount, width / headCount]).permuted(to: [2, 0, 3, 1, 4])
    return (0..<3).map { parts.selected($0) }
  }

  /// What the heads found, side by side: [G L, D] in the type of `projected`.
  private func joined(_ attended: Tensor, _ projected: Tensor) -> Tensor {
    attended.transposed(1, 2).reshaped(to: [-1, projected.shape[1] / 3]).to(projected.dtype)
  }

  private func finished(_ attended: [Tensor], adding x: Tensor) -> Tensor {
    let joined = attended.count == 1 ? attended[0] : Tensor.concatenated(attended, along: 0)
    let y = output(joined, adding: x)
    return outer(inner(innerNorm(y)), adding: y)
  }
}

extension TransformerShape {
  /// The two layers of a block's network.
  ///
  /// `x · σ(1.702 x)` is `swish(1.702 x) / 1.702`; the factors are folded into the weights, and the kernel has a swish.
  func innerLayers(_ computation: Computation, in scope: Scope) -> (inner: FrozenLinear, outer: FrozenLinear) {
    let scale = activation == .quickGELU ? 1.702 : 1
    let inner = FrozenLinear(
      inputs: width, outputs: innerWidth, activation: activation.fused, weightScale: scale, biasScale: scale,
      computation, in: scope["fc1"])
    let outer = FrozenLinear(
      inputs: innerWidth, outputs: width, weightScale: 1 / scale, computation, in: scope["fc2"])
    return (inner, outer)
  }
}

extension TransformerShape.Activation {
  fileprivate var fused: FusedActivation {
    switch self {
    case .quickGELU: .swish
    case .gelu: .gelu
    case .tanhGELU: .tanhGELU
    }
  }
}

extension Tensor {
  /// One row [D] of each sequence of packed ones [T, D].
  func rows(of runs: [PackedTexts.Run], at place: FrozenBlock.Place) -> Tensor {
    let rows = runs.map { run in
      sliced(run.start..<run.start + run.count * run.length).reshaped(to: [run.count, run.length, shape[1]])
        .selected(place == .first ? 0 : run.length - 1, along: 1)
    }
    return rows.count == 1 ? rows[0].contiguous() : Tensor.concatenated(rows, along: 0)
  }
}
