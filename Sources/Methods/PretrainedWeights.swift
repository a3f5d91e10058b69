import Encoders
import Networks
import Torch

/// What a network that is trained whole starts from, as recipes say it: `random`, the name of a model, or for backbones
/// the folder of a pretraining's run.
public struct InitialWeights: Codable, Sendable, Equatable {
  /// `nil` for random weights.
  public var model: String?

  public static let random = InitialWeights(model: nil)

  public init(model: String?) { self.model = model }

  /// What a name in a recipe stands for.
  public init(named name: String) { model = name == "random" ? nil : name }

  public init(from decoder: any Decoder) throws {
    self.init(named: try decoder.singleValueContainer().decode(String.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(model ?? "random")
  }
}

/// Weights of published networks in the cache of the Hugging Face hub, by the names that networks here have for them.
enum PretrainedWeights {
  /// A ResNet's as timm and torchvision store them, without its classifier.
  static func resNet(of model: String) throws -> [String: Tensor] {
    let found = try EncoderCatalog.weights(of: model).filter {
      !$0.key.hasPrefix("fc.") && !$0.key.hasSuffix(".num_batches_tracked")
    }
    return try requiring("conv1.weight", of: "ResNet", in: found, model)
  }

  /// Those of a backbone without its classifier.
  ///
  /// - Parameter model: A model of the hub in timm's layout, or a run of 'memesense pretrain'.
  static func backbone(_ backbone: Backbone, of model: String) throws -> [String: Tensor] {
    let found = try EncoderCatalog.weights(of: model, for: backbone).filter { key, _ in
      !["fc.", "head."].contains(where: key.hasPrefix) && !key.hasSuffix(".num_batches_tracked")
    }
    return try requiring(backbone.tellingKey, of: backbone.name, in: found, model)
  }

  /// ViLT's without what it was pretrained with beside it.
  static func viLT(of model: String) throws -> [String: Tensor] {
    let found = try EncoderCatalog.weights(of: model).ownOrBelow("vilt.").filter { !$0.key.hasSuffix(".position_ids") }
    return try requiring("embeddings.patch_embeddings.projection.weight", of: "ViLT", in: found, model)
  }

  /// A BERT's, or those of one of its relatives with regions, without what it was pretrained with beside it.
  ///
  /// - Parameter model: `ORG/NAME` of the hub, or `lite` for the BERT among the default encoders.
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
