// BERT (Devlin et al., 2018, arXiv:1810.04805) without its pooler and DistilBERT (Sanh et al., 2019, arXiv:1910.01108), for
// inference, after Hugging Face's BertModel and DistilBertModel: key names and config.json as the hub has them.
//
// Shapes: T tokens of all texts together, G texts of one length, L tokens of each, D width, H heads.
import Foundation
import Torch
import TorchNN

/// The architecture of a BERT or a DistilBERT, as a hub folder's `config.json` describes it.
public struct BertConfiguration: Sendable, Equatable {
  /// How sizes and parameters are named, by the file's `model_type`.
  public enum Family: String, Sendable, Decodable {
    case bert
    /// BERT without segments.
    case distilBert = "distilbert"
  }

  public var family = Family.bert
  public var vocabularySize: Int
  public var width: Int
  public var layerCount: Int
  public var headCount: Int
  public var innerWidth: Int
  public var positionCount: Int
  /// Zero for DistilBERT.
  public var segmentCount: Int
  public var normalizationEpsilon: Double
  public var activation: String
  /// Whether tokens see only those before them, which no encoder of texts here does.
  var isCausal = false

  /// What is wrong with it, `nil` when a network can be made of it.
  var fault: String? {
    // A million layers would take gigabytes before the first weight is looked for.
    guard (1...1024).contains(layerCount) else { return "the number of layers must lie in 1...1024" }
    let sizes = [vocabularySize, width, headCount, innerWidth, positionCount]
    guard (sizes + (family == .bert ? [segmentCount] : [])).allSatisfy({ (1...1_000_000).contains($0) }) else {
      return "sizes must lie in 1...1000000"
    }
    let names =
      family == .bert ? ("hidden_size", "num_attention_heads", "hidden_act") : ("dim", "n_heads", "activation")
    guard width.isMultiple(of: headCount) else { return "\(names.0) must be a multiple of \(names.1)" }
    guard !isCausal else { return "is_decoder is true; expected a network that reads in both directions" }
    guard activation == "gelu" else { return "\(names.2) is \"\(activation)\"; expected \"gelu\"" }
    return nil
  }
}

extension BertConfiguration: HubConfiguration {
  private enum CodingKeys: String, CodingKey {
    case family = "model_type"
    case vocabularySize = "vocab_size"
    case positionCount = "max_position_embeddings"
    case width = "hidden_size"
    case layerCount = "num_hidden_layers"
    case headCount = "num_attention_heads"
    case innerWidth = "intermediate_size"
    case segmentCount = "type_vocab_size"
    case normalizationEpsilon = "layer_norm_eps"
    case activation = "hidden_act"
    case distilWidth = "dim"
    case distilLayerCount = "n_layers"
    case distilHeadCount = "n_heads"
    case distilInnerWidth = "hidden_dim"
    case distilActivation = "activation"
    case isCausal = "is_decoder"
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func size(_ key: CodingKeys) throws -> Int { try values.decode(Int.self, forKey: key) }
    family = try values.decode(Family.self, forKey: .family)
    vocabularySize = try size(.vocabularySize)
    positionCount = try size(.positionCount)
    isCausal = try values.decodeIfPresent(Bool.self, forKey: .isCausal) ?? false
    switch family {
    case .bert:
      (width, layerCount, headCount) = (try size(.width), try size(.layerCount), try size(.headCount))
      (innerWidth, segmentCount) = (try size(.innerWidth), try size(.segmentCount))
      normalizationEpsilon = try values.decode(Double.self, forKey: .normalizationEpsilon)
      activation = try values.decode(String.self, forKey: .activation)
    case .distilBert:
      (width, layerCount, headCount) = (try size(.distilWidth), try size(.distilLayerCount), try size(.distilHeadCount))
      (innerWidth, segmentCount) = (try size(.distilInnerWidth), 0)
      normalizationEpsilon = 1e-12
      activation = try values.decode(String.self, forKey: .distilActivation)
    }
  }
}

/// Texts as token ids, one after the other, those of equal length beside each other.
///
/// Rows of no text follow them up to one of a few numbers of rows. oneDNN compiles a kernel and keeps a third of a megabyte
/// for each number that it meets, and a dataset would meet hundreds.
public struct PackedTexts {
  /// Neighbouring texts of one length.
  struct Run {
    var start: Int
    var count: Int
    var length: Int
  }

  let ids: Tensor  // [T] int64
  let positions: Tensor  // [T] int64
  let runs: [Run]
  /// The rows at the end that belong to no text.
  let fillerCount: Int
  /// The text that each packed one was.
  let order: [Int]

  /// - Precondition: No text is empty.
  public init(_ texts: [[Int32]], device: Device = .cpu) {
    precondition(texts.allSatisfy { !$0.isEmpty }, "a text without tokens; even an empty one has two")
    order = texts.indices.sorted { (texts[$0].count, $0) < (texts[$1].count, $1) }
    var runs: [Run] = []
    var total = 0
    for index in order {
      let length = texts[index].count
      if runs.last?.length == length {
        runs[runs.count - 1].count += 1
      } else {
        runs.append(Run(start: total, count: 1, length: length))
      }
      total += length
    }
    self.runs = runs
    fillerCount = Self.rowCount(holding: total) - total
    let filler = [Int](repeating: 0, count: fillerCount)
    ids = Tensor(order.flatMap { texts[$0].map(Int.init) } + filler, device: device)
    positions = Tensor(order.flatMap { Array(0..<texts[$0].count) } + filler, device: device)
  }

  /// The least of at most four numbers an octave that is no less than `total`, so that a batch filled to its budget of
  /// tokens has a few rows too many and a single text no more than a quarter.
  static func rowCount(holding total: Int) -> Int {
    let octave = 1 << (Int.bitWidth - 1 - max(total, 1).leadingZeroBitCount)
    let step = max(octave / 4, 1)
    return (total + step - 1) / step * step
  }
}

extension PackedTexts {
  /// One row a text, from the order they are packed in back to the order they were given in.
  func inGivenOrder(_ rows: Tensor) -> Tensor {
    var places = order
    for (row, index) in order.enumerated() { places[index] = row }
    return rows.gathered(Tensor(places, device: rows.device))
  }

  /// The rows [T, D] of all tokens, from the order texts are packed in back to the order they were given in.
  func tokensInGivenOrder(_ rows: Tensor) -> Tensor {
    var ranges = [Range<Int>](repeating: 0..<0, count: order.count)
    let starts = runs.flatMap { run in (0..<run.count).map { run.start + $0 * run.length } }
    let lengths = runs.flatMap { run in [Int](repeating: run.length, count: run.count) }
    for (row, index) in order.enumerated() { ranges[index] = starts[row]..<starts[row] + lengths[row] }
    return rows.gathered(Tensor(ranges.flatMap(Array.init), device: rows.device))
  }
}

/// The encoder of a BERT or a DistilBERT. Its values never change, so that threads may share it.
public struct Bert: @unchecked Sendable {
  private let words: Tensor  // [V, D]
  private let positions: Tensor
  private let segment: Tensor?  // [D], the first: there is one segment
  private let normalization: FrozenLayerNorm
  private let layers: [Layer]
  public let configuration: BertConfiguration
  public let computation: Computation

  public init(_ configuration: BertConfiguration, computation: Computation, in scope: Scope) {
    self.configuration = configuration
    self.computation = computation
    let embeddings = scope["embeddings"]
    func table(_ name: String, _ count: Int) -> Tensor {
      embeddings[name].parameter("weight", [count, configuration.width], .constant(0))
        .to(.float32).to(computation.device)
    }
    words = table("word_embeddings", configuration.vocabularySize)
    positions = table("position_embeddings", configuration.positionCount)
    segment =
      configuration.family == .bert ? table("token_type_embeddings", configuration.segmentCount).selected(0) : nil
    normalization = FrozenLayerNorm(
      width: configuration.width, epsilon: configuration.normalizationEpsilon, dtype: .float32,
      device: computation.device, in: embeddings["LayerNorm"])
    let stack = scope[configuration.family == .bert ? "encoder" : "transformer"]["layer"]
    layers = (0..<configuration.layerCount).map { Layer(configuration, computation, in: stack[$0]) }
  }

  /// The last hidden states [T, D] of packed texts.
  public func callAsFunction(_ texts: PackedTexts) -> Tensor {
    let placed = texts.ids.embedded(in: words) + texts.positions.embedded(in: positions)
    var x = normalization(segment.map { placed + $0 } ?? placed).to(computation.dtype)
    for layer in layers { x = layer(x, texts) }
    return x
  }

  private struct Layer {
    let projections: FrozenLinear  // queries, keys and values
    let output: FrozenLinear
    let attentionNorm: FrozenLayerNorm
    let inner: FrozenLinear
    let outer: FrozenLinear
    let outputNorm: FrozenLayerNorm
    let headCount: Int

    init(_ configuration: BertConfiguration, _ computation: Computation, in scope: Scope) {
      let (width, innerWidth) = (configuration.width, configuration.innerWidth)
      func norm(_ scope: Scope) -> FrozenLayerNorm {
        FrozenLayerNorm(
          width: width, epsilon: configuration.normalizationEpsilon, dtype: computation.dtype,
          device: computation.device, in: scope)
      }
      let parts = Parts(configuration.family, in: scope)
      projections = FrozenLinear(
        inputs: width, outputs: width, computation, in: parts.products[0], parts.products[1], parts.products[2])
      output = FrozenLinear(inputs: width, outputs: width, computation, in: parts.output)
      attentionNorm = norm(parts.attentionNorm)
      inner = FrozenLinear(
        inputs: width, outputs: innerWidth, activation: .gelu, computation, in: parts.inner)
      outer = FrozenLinear(inputs: innerWidth, outputs: width, computation, in: parts.outer)
      outputNorm = norm(parts.outputNorm)
      headCount = configuration.headCount
    }

    func callAsFunction(_ x: Tensor, _ texts: PackedTexts) -> Tensor {
      let projected = projections(x)  // [T, 3 D]
      var attended = texts.runs.map { attention(projected, $0) }
      if texts.fillerCount > 0 { attended.append(x.sliced(x.shape[0] - texts.fillerCount..<x.shape[0])) }
      let joined = attended.count == 1 ? attended[0] : Tensor.concatenated(attended, along: 0)
      let y = attentionNorm(output(joined, adding: x))
      return outputNorm(outer(inner(y), adding: y))
    }

    /// Where the parameters of a layer lie.
    private struct Parts {
      /// Of queries, keys and values.
      let products: [Scope]
      let output: Scope
      let attentionNorm: Scope
      let inner: Scope
      let outer: Scope
      let outputNorm: Scope

      init(_ family: BertConfiguration.Family, in scope: Scope) {
        let attention = scope["attention"]
        switch family {
        case .bert:
          products = ["query", "key", "value"].map { attention["self"][$0] }
          (output, attentionNorm) = (attention["output"]["dense"], attention["output"]["LayerNorm"])
          (inner, outer) = (scope["intermediate"]["dense"], scope["output"]["dense"])
          outputNorm = scope["output"]["LayerNorm"]
        case .distilBert:
          products = ["q_lin", "k_lin", "v_lin"].map { attention[$0] }
          (output, attentionNorm) = (attention["out_lin"], scope["sa_layer_norm"])
          (inner, outer) = (scope["ffn"]["lin1"], scope["ffn"]["lin2"])
          outputNorm = scope["output_layer_norm"]
        }
      }
    }

    /// Attention within each text of a run; there is no padding, hence no mask.
    private func attention(_ projected: Tensor, _ run: PackedTexts.Run) -> Tensor {
      let width = projected.shape[1] / 3
      // float32: for texts this short libtorch's kernels are faster with it than with bfloat16, and more exact.
      let parts =
        projected.sliced(run.start..<run.start + run.count * run.length).to(.float32)
        .reshaped(to: [run.count, run.length, 3, headCount, width / headCount])
        .permuted(to: [2, 0, 3, 1, 4])  // [3, G, H, L, D / H]
      return parts.selected(0).attention(keys: parts.selected(1), values: parts.selected(2))
        .transposed(1, 2).reshaped(to: [run.count * run.length, width]).to(projected.dtype)
    }
  }
}
