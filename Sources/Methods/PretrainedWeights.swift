import Encoders
import Networks
import Torch
import TorchNN

/// What a network that is trained whole starts from, as recipes say it: `random`, the name of a model, a file with its
/// weights, or for backbones the folder of a pretraining's run.
public struct InitialWeights: Codable, Sendable, Equatable {
  /// `nil` for random weights.
  public var model: String?

  public static let random = InitialWeights(model: nil)

  public init(model: String?) { self.model = model }

  /// What a name in a recipe stands for; a file is found from wherever the program is started later.
  public init(named name: String) {
    model = name == "random" ? nil : EncoderCatalog.weightFile(named: name)?.path ?? name
  }

  public init(from decoder: any Decoder) throws {
    self.init(
      named: try decoder.singleValueContainer().filledText(
        expected: "random, lite, a model of the hub, or a file of weights"))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(model ?? "random")
  }
}

extension SingleValueDecodingContainer {
  /// A text that is not empty, nor null, which YAML would read as the text "null".
  func filledText(expected: String) throws -> String {
    let text = decodeNil() ? "" : try decode(String.self)
    guard !text.isEmpty else {
      throw DecodingError.dataCorruptedError(in: self, debugDescription: "expected \(expected)")
    }
    return text
  }
}

/// Weights of published networks, in the cache of the Hugging Face hub or in a file, by the names that networks here have
/// for them.
enum PretrainedWeights {
  /// ResNet-18's as timm and torchvision store them, without its classifier.
  ///
  /// - Parameter model: As of ``backbone(_:of:)``.
  static func resNet18(of model: String) throws -> [String: Tensor] {
    try backbone(Backbone.named("resnet18")!, of: model)
  }

  /// Those of a backbone without its classifier.
  ///
  /// - Parameter model: A model of the hub in timm's layout, a file in timm's or torchvision's, or a run of 'memesense
  ///   pretrain'.
  static func backbone(_ backbone: Backbone, of model: String) throws -> [String: Tensor] {
    let found = try EncoderCatalog.weights(of: model, for: backbone).filter { key, _ in
      !["fc.", "head."].contains(where: key.hasPrefix) && !key.hasSuffix(".num_batches_tracked")
    }
    let weights = try requiring(backbone.tellingKey, of: backbone.name, in: found, model)
    // Positions for pictures of any side will do.
    let side = 224
    try requireFit(backbone.fitted(weights, side: side), of: model) { _ = backbone.network(side: side, in: $0) }
    return weights
  }

  /// ViLT's without what it was pretrained with beside it.
  static func viLT(_ shape: ViLTShape, of model: String) throws -> [String: Tensor] {
    let found = try EncoderCatalog.weights(of: model).ownOrBelow("vilt.").filter { !$0.key.hasSuffix(".position_ids") }
    let weights = try requiring("embeddings.patch_embeddings.projection.weight", of: "ViLT", in: found, model)
    try requireFit(weights, of: model) { _ = ViLTNetwork(shape, in: $0) }
    return weights
  }

  /// A BERT's, or those of one of its relatives with regions, without what it was pretrained with beside it.
  ///
  /// - Parameter model: `ORG/NAME` of the hub, a file, or `lite` for the BERT among the default encoders.
  static func bert(of model: String, headPrefix: String) throws -> [String: Tensor] {
    let all = try EncoderCatalog.weights(of: model)
    // A plain BERT serves too: what it lacks starts at random.
    let prefix = [headPrefix, "bert."].first { prefix in all.keys.contains { $0.hasPrefix(prefix) } } ?? headPrefix
    let found = all.ownOrBelow(prefix).filter { key, _ in
      ["embeddings.", "encoder.", "pooler."].contains(where: key.hasPrefix) && !key.hasSuffix(".position_ids")
    }.withLayerNormsOfToday
    return try requiring("embeddings.word_embeddings.weight", of: "BERT", in: found, model)
  }

  /// A DistilBERT's without what it was pretrained with beside it.
  static func distilBert(of model: String) throws -> [String: Tensor] {
    let found = try EncoderCatalog.weights(of: model).ownOrBelow("distilbert.").filter { key, _ in
      ["embeddings.", "transformer."].contains(where: key.hasPrefix) && !key.hasSuffix(".position_ids")
    }
    return try requiring("transformer.layer.0.attention.q_lin.weight", of: "DistilBERT", in: found, model)
  }

  /// Refuses weights that are not those of a network, naming each tensor that is missing, not known or of another shape: what
  /// is missing would start at random unnoticed.
  ///
  /// - Parameter make: Takes the network's parameters from a scope.
  static func requireFit(_ weights: [String: Tensor], of model: String, _ make: (Scope) -> Void) throws {
    let store = ParameterStore(loading: weights, device: .meta)
    make(store.root)
    do {
      try store.validate()
    } catch {
      throw MethodError(
        "the weights of \(model): \(error); name others, give the network their sizes, or take weights: random")
    }
  }

  /// Refuses weights of another kind of network, of which nothing would be used.
  private static func requiring(
    _ key: String, of network: String, in found: [String: Tensor], _ model: String
  ) throws -> [String: Tensor] {
    guard found[key] != nil else {
      throw MethodError(
        "the weights of \(model) are no \(network)'s: they have no \(key); take another model, or weights: random")
    }
    return found
  }
}

extension [String: Tensor] {
  /// Without layers that a shallower network lacks: it takes the first ones.
  ///
  /// - Parameter counts: How many layers there are below a path, such as `encoder.layer.`.
  func keepingLayers(_ counts: [String: Int]) -> [String: Tensor] {
    filter { key, _ in
      guard let (path, count) = counts.first(where: { key.hasPrefix($0.key) }) else { return true }
      let number = key.dropFirst(path.count).prefix { $0 != "." }
      return Int(number).map { $0 < count } ?? true
    }
  }

  /// The same tensors below a path.
  func withPrefix(_ prefix: String) -> [String: Tensor] {
    Dictionary(uniqueKeysWithValues: map { (prefix + $0.key, $0.value) })
  }
}
