import TorchNN

/// A BERT or a DistilBERT of any size without its pooler; DistilBERT's sizes are the default.
public struct TextArchitecture: Codable, Sendable, Equatable {
  public enum Family: String, Codable, Sendable, CaseIterable {
    case distilBert = "distilbert"
    case bert
  }

  public var family = Family.distilBert
  public var width = 768
  public var layerCount = 6
  public var headCount = 12
  public var innerWidth = 3072
  public var dropoutRate = 0.1
  /// Tokens of a text that are read at most.
  public var textLength = 100

  public init() {}

  enum CodingKeys: String, CodingKey {
    case family, width
    case layerCount = "layers"
    case headCount = "heads"
    case innerWidth = "inner_width"
    case dropoutRate = "dropout_rate"
    case textLength = "text_length"
  }

  /// What tokenizers of BERT's uncased words know.
  public static let vocabularySize = BertShape.base.vocabularySize
  /// `[UNK]` of BERT's uncased words, which an id beyond the vocabulary counts as: no training text had it.
  public static let unknownID: Int32 = 100

  /// Of the ids of a text, the last of which says that it ends, those that a network reads: the last one and others before it,
  /// `limit` at most, with ids beyond the vocabulary as unknown.
  public static func read(_ ids: [Int32], limit: Int, vocabularySize: Int = Self.vocabularySize) -> [Int32] {
    let cut = ids.count > limit ? ids.prefix(limit - 1) + [ids[ids.count - 1]] : ids[...]
    return cut.map { $0 < vocabularySize ? $0 : unknownID }
  }

  private var shape: BertShape {
    BertShape(
      layers: TransformerLayerShape(
        width: width, headCount: headCount, innerWidth: innerWidth, dropoutRate: dropoutRate), layerCount: layerCount)
  }

  /// How many layers there are below a path of keys.
  public var layerCounts: [String: Int] {
    [family == .bert ? "encoder.layer." : "transformer.layer.": layerCount]
  }

  /// The network with its parameters from a scope; ``fault`` must be `nil`.
  public func network(in scope: Scope) -> any TextNetwork {
    switch family {
    case .distilBert: DistilBertNetwork(shape, in: scope)
    case .bert: BertTrunk(shape, in: scope)
    }
  }

  /// What is wrong with sizes that came from a file; `nil` where a network can be made of them.
  public var fault: String? {
    for (name, value, largest) in [
      ("width", width, 8192), ("layers", layerCount, 100), ("heads", headCount, 256),
      ("inner_width", innerWidth, 65_536),
      ("text_length", textLength, 512),
    ] where !(1...largest).contains(value) {
      return "\(name) is \(value); it must be from 1 to \(largest)"
    }
    guard textLength > 1 else { return "text_length is 1; it must be from 2 to 512" }
    guard width.isMultiple(of: headCount) else {
      return "width is \(width); it must be a multiple of heads, \(headCount)"
    }
    return (0...0.99).contains(dropoutRate) ? nil : "dropout_rate is \(dropoutRate); it must be from 0 to 0.99"
  }
}
