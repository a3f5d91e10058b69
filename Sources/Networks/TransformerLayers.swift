// The layers of BERT (Devlin et al., 2018, arXiv:1810.04805) and of its relatives for pictures and text, trainable, with
// the key names of Hugging Face's models.
//
// Shapes: N examples, L tokens, K tokens that are looked at, D width, H heads.
import Torch
import TorchNN

/// Sizes and rates that all layers of a transformer share.
public struct TransformerLayerShape: Sendable, Equatable {
  public var width: Int
  public var headCount: Int
  public var innerWidth: Int
  public var normalizationEpsilon: Double
  /// Of what leaves a sublayer, and of attention weights.
  public var dropoutRate: Double
  /// Whether the backward pass computes every layer once more, so that less must be kept: see `recomputed`.
  public var isRecomputed: Bool

  public init(
    width: Int, headCount: Int, innerWidth: Int, normalizationEpsilon: Double = 1e-12, dropoutRate: Double = 0.1,
    isRecomputed: Bool = false
  ) {
    precondition(width.isMultiple(of: headCount), "a width of \(width) cannot be cut into \(headCount) heads")
    self.width = width
    self.headCount = headCount
    self.innerWidth = innerWidth
    self.normalizationEpsilon = normalizationEpsilon
    self.dropoutRate = dropoutRate
    self.isRecomputed = isRecomputed
  }

  public static let base = TransformerLayerShape(width: 768, headCount: 12, innerWidth: 3072)

  func normalization(in scope: Scope) -> LayerNorm {
    LayerNorm(width: width, epsilon: normalizationEpsilon, in: scope)
  }

  func linear(inputs: Int? = nil, outputs: Int? = nil, in scope: Scope) -> Linear {
    .transformer(inputs: inputs ?? width, outputs: outputs ?? width, in: scope)
  }

  var dropout: Dropout { Dropout(rate: dropoutRate) }
}

/// How a layer is run: as it is, or so that the backward pass computes it once more.
struct LayerRun {
  /// The layer's parameters where it is recomputed.
  private let parameters: [Tensor]?

  /// - Parameter scope: Where all of the layer's parameters have been taken from.
  init(isRecomputed: Bool, in scope: Scope) {
    parameters = isRecomputed ? scope.parameters : nil
  }

  func callAsFunction(
    _ inputs: [Tensor], using generator: Generator?, _ layer: @escaping ([Tensor], Generator?) -> [Tensor]
  ) -> [Tensor] {
    guard let parameters else { return layer(inputs, generator) }
    return recomputed(inputs, parameters: parameters, using: generator, layer)
  }
}

/// Which tokens may be looked at.
public struct AttentionMask {
  /// Zero where a token may be looked at and a large negative number elsewhere.
  let scores: Tensor  // [N, 1, 1, K]

  /// - Parameter isPresent: [N, K], 1 for tokens and 0 for padding.
  public init(_ isPresent: Tensor) {
    let (count, length) = (isPresent.shape[0], isPresent.shape[1])
    scores = ((1 - isPresent.to(.float32)) * -1e9).reshaped(to: [count, 1, 1, length])
  }
}

extension Tensor {
  /// What queries `self` [N, H, L, E] see of `values` by `keys` [N, H, K, E], with some of the weights dropped.
  ///
  /// The fused kernel drops with numbers of its own, which a resumed training could not repeat. While training on the CPU
  /// it also multiplies blocks one by one that are too small for it: of 185 tokens in bfloat16 whole products took a
  /// fifth of its time, in float32 three fourths. They keep the weights for the backward pass, which up to this many
  /// tokens is a fraction of what the rest of a layer keeps.
  func mixing(
    _ values: Tensor, by keys: Tensor, mask: AttentionMask? = nil, dropout: Dropout = Dropout(rate: 0),
    using generator: Generator?
  ) -> Tensor {
    let longest = 256
    guard let generator, dropout.rate > 0 || device == .cpu && keys.shape[2] <= longest else {
      return attention(keys: keys, values: values, mask: mask?.scores.to(dtype))
    }
    return dropout(attentionWeights(keys: keys, mask: mask?.scores), using: generator).matmul(values)
  }
}

/// Multi-head attention with a product each for queries, keys and values.
struct MultiHeadAttention {
  private let query: Linear
  private let key: Linear
  private let value: Linear
  private let headCount: Int
  private let dropout: Dropout

  /// How a family of networks names the three products.
  struct Names {
    var query = "query"
    var key = "key"
    var value = "value"
  }

  /// - Parameter contextWidth: Of the tokens that are looked at.
  init(_ shape: TransformerLayerShape, contextWidth: Int? = nil, names: Names = Names(), in scope: Scope) {
    query = shape.linear(in: scope[names.query])
    key = shape.linear(inputs: contextWidth, in: scope[names.key])
    value = shape.linear(inputs: contextWidth, in: scope[names.value])
    headCount = shape.headCount
    dropout = shape.dropout
  }

  /// What tokens `x` [N, L, D] see of `context` [N, K, D].
  func callAsFunction(
    _ x: Tensor, context: Tensor? = nil, mask: AttentionMask?, using generator: Generator?
  ) -> Tensor {
    let context = context ?? x
    let (count, length, width) = (x.shape[0], x.shape[1], x.shape[2])
    func heads(_ tokens: Tensor) -> Tensor {  // [N, H, L, D / H]
      tokens.reshaped(to: [count, tokens.shape[1], headCount, width / headCount]).transposed(1, 2)
    }
    let (queries, keys, values) = (heads(query(x)), heads(key(context)), heads(value(context)))
    let mixed = queries.mixing(values, by: keys, mask: mask, dropout: dropout, using: generator)
    return mixed.transposed(1, 2).reshaped(to: [count, length, width])
  }
}

/// Adds what a sublayer found to its input and normalises the sum (post-LN).
struct AddedOutput {
  private let dense: Linear
  private let normalization: LayerNorm
  private let dropout: Dropout

  init(_ shape: TransformerLayerShape, inputs: Int? = nil, in scope: Scope) {
    dense = shape.linear(inputs: inputs, in: scope["dense"])
    normalization = shape.normalization(in: scope["LayerNorm"])
    dropout = shape.dropout
  }

  func callAsFunction(_ found: Tensor, addedTo x: Tensor, using generator: Generator?) -> Tensor {
    normalization(dropout(dense(found), using: generator) + x)
  }
}

/// The sublayer that sees every token by itself: `intermediate` and `output` in key names.
struct FeedForward {
  private let inner: Linear
  private let output: AddedOutput

  init(_ shape: TransformerLayerShape, inner: Scope, output: Scope) {
    self.inner = shape.linear(outputs: shape.innerWidth, in: inner["dense"])
    self.output = AddedOutput(shape, inputs: shape.innerWidth, in: output)
  }

  func callAsFunction(_ x: Tensor, using generator: Generator?) -> Tensor {
    output(inner(x).gelu(), addedTo: x, using: generator)
  }
}

/// One layer of BERT: attention, then the sublayer for every token, normalised after each.
struct BertLayer {
  private let attention: MultiHeadAttention
  private let attended: AddedOutput
  private let feedForward: FeedForward
  private let run: LayerRun

  init(_ shape: TransformerLayerShape, in scope: Scope) {
    attention = MultiHeadAttention(shape, in: scope["attention"]["self"])
    attended = AddedOutput(shape, in: scope["attention"]["output"])
    feedForward = FeedForward(shape, inner: scope["intermediate"], output: scope["output"])
    run = LayerRun(isRecomputed: shape.isRecomputed, in: scope)
  }

  func callAsFunction(_ x: Tensor, mask: AttentionMask?, using generator: Generator?) -> Tensor {
    run([x], using: generator) { inputs, generator in
      let x = inputs[0]
      let seen = attended(attention(x, mask: mask, using: generator), addedTo: x, using: generator)
      return [feedForward(seen, using: generator)]
    }[0]
  }
}

/// One layer of ViLT, which normalises before each sublayer (pre-LN).
struct PreNormalizedLayer {
  private let attention: MultiHeadAttention
  private let attended: Linear
  private let beforeAttention: LayerNorm
  private let beforeInner: LayerNorm
  private let inner: Linear
  private let outer: Linear
  private let dropout: Dropout
  private let run: LayerRun

  init(_ shape: TransformerLayerShape, in scope: Scope) {
    beforeAttention = shape.normalization(in: scope["layernorm_before"])
    attention = MultiHeadAttention(shape, in: scope["attention"]["attention"])
    attended = shape.linear(in: scope["attention"]["output"]["dense"])
    beforeInner = shape.normalization(in: scope["layernorm_after"])
    inner = shape.linear(outputs: shape.innerWidth, in: scope["intermediate"]["dense"])
    outer = shape.linear(inputs: shape.innerWidth, in: scope["output"]["dense"])
    dropout = shape.dropout
    run = LayerRun(isRecomputed: shape.isRecomputed, in: scope)
  }

  /// - Parameter onlyFirst: Whether to make nothing but the first token [N, 1, D], which looks at the others as ever.
  func callAsFunction(
    _ x: Tensor, onlyFirst: Bool = false, mask: AttentionMask?, using generator: Generator?
  ) -> Tensor {
    run([x], using: generator) { inputs, generator in
      let normalized = beforeAttention(inputs[0])
      func wanted(_ tokens: Tensor) -> Tensor { onlyFirst ? tokens.sliced(0..<1, along: 1) : tokens }
      let seen = attention(wanted(normalized), context: normalized, mask: mask, using: generator)
      let attended = wanted(inputs[0]) + dropout(attended(seen), using: generator)
      return [attended + dropout(outer(inner(beforeInner(attended)).gelu()), using: generator)]
    }[0]
  }
}

/// A vector for the whole sequence, made of its first token: tanh(W·x + b).
struct Pooler {
  private let dense: Linear

  init(_ shape: TransformerLayerShape, in scope: Scope) { dense = shape.linear(in: scope["dense"]) }

  /// [N, D] of states [N, L, D].
  func callAsFunction(_ states: Tensor) -> Tensor { dense(states.selected(0, along: 1)).tanh() }
}

/// The sum of what a token is, where it stands and which part it belongs to, normalised.
struct TextEmbedding {
  private let words: Tensor  // [V, D]
  private let positions: Tensor  // [P, D]
  private let segments: Tensor?  // [S, D]
  private let normalization: LayerNorm
  private let dropout: Dropout
  private let frozenRow: Int

  /// - Parameters:
  ///   - freezesFirst: Whether the first position and segment stay as they are, as in LXMERT; the first word, which is
  ///     padding, always does.
  ///   - segmentCount: Zero where a network does not tell parts apart.
  init(
    _ shape: TransformerLayerShape, freezesFirst: Bool = false, vocabularySize: Int, positionCount: Int,
    segmentCount: Int, in scope: Scope
  ) {
    func table(_ name: String, _ count: Int) -> Tensor {
      scope[name].parameter("weight", [count, shape.width], .normal(mean: 0, deviation: 0.02))
    }
    words = table("word_embeddings", vocabularySize)
    positions = table("position_embeddings", positionCount)
    segments = segmentCount > 0 ? table("token_type_embeddings", segmentCount) : nil
    normalization = shape.normalization(in: scope["LayerNorm"])
    dropout = shape.dropout
    frozenRow = freezesFirst ? 0 : -1
  }

  /// Where it lies.
  var device: Device { words.device }

  /// [N, L, D] of token ids [N, L], all of the first segment.
  func callAsFunction(_ ids: Tensor, using generator: Generator?) -> Tensor {
    normalized(sum(ids), using: generator)
  }

  /// The sum before it is normalised.
  func sum(_ ids: Tensor) -> Tensor {
    let places = Tensor(Array(0..<ids.shape[1]), device: ids.device)
    let placed = ids.embedded(in: words, frozenRow: 0) + places.embedded(in: positions, frozenRow: frozenRow)
    guard let segments else { return placed }
    return placed + Tensor([0], device: ids.device).embedded(in: segments, frozenRow: frozenRow)
  }

  func normalized(_ sum: Tensor, using generator: Generator?) -> Tensor {
    dropout(normalization(sum), using: generator)
  }
}
