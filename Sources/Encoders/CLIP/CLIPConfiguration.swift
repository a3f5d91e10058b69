import Foundation

/// The shape of a transformer with layer normalisation in front of each part.
struct TransformerLayerShape: Sendable, Equatable {
  /// What the inner layer of a block is put through, named as hub configurations name it.
  enum Activation: String, Sendable, Decodable {
    /// `x · σ(1.702 x)`
    case quickGELU = "quick_gelu"
    case gelu
    case tanhGELU = "gelu_pytorch_tanh"
  }

  var width: Int
  var innerWidth: Int
  var layerCount: Int
  var headCount: Int
  var activation: Activation
  var normalizationEpsilon: Double

  /// What is wrong with it, `nil` when a network can be made of it.
  var fault: String? {
    guard [width, innerWidth].allSatisfy({ (1...65_536).contains($0) }) else {
      return "hidden_size and intermediate_size must lie in 1...65536"
    }
    guard (1...1024).contains(layerCount) else { return "num_hidden_layers must lie in 1...1024" }
    guard (1...width).contains(headCount), width.isMultiple(of: headCount) else {
      return "hidden_size must be a multiple of num_attention_heads"
    }
    guard normalizationEpsilon > 0, normalizationEpsilon < 1 else { return "layer_norm_eps must lie between 0 and 1" }
    return nil
  }
}

/// The architecture of a CLIP with a vision transformer, as a hub folder's `config.json` describes it.
///
/// Hub files leave out what equals the defaults of Hugging Face's classes, which are those of ViT-B/32.
/// Reference 09 §A; transformers' `configuration_clip.py`.
public struct CLIPConfiguration: Sendable, Equatable {
  struct Vision: Sendable, Equatable {
    var shape = TransformerLayerShape(
      width: 768, innerWidth: 3072, layerCount: 12, headCount: 12, activation: .quickGELU, normalizationEpsilon: 1e-5)
    /// Rows and columns of the input.
    var imageSide = 224
    var patchSide = 32
    var channelCount = 3

    /// Patches along a side; pixels beyond the last whole patch are not looked at.
    var gridSide: Int { imageSide / patchSide }

    var fault: String? {
      guard (1...4096).contains(imageSide) else { return "image_size must lie in 1...4096" }
      guard (1...imageSide).contains(patchSide) else { return "patch_size must lie in 1...image_size" }
      guard channelCount == 3 else { return "num_channels is \(channelCount); expected 3" }
      return shape.fault
    }
  }

  struct Text: Sendable, Equatable {
    var shape = TransformerLayerShape(
      width: 512, innerWidth: 2048, layerCount: 12, headCount: 8, activation: .quickGELU, normalizationEpsilon: 1e-5)
    var vocabularySize = 49_408
    var positionCount = 77
    /// The token whose state stands for a text; 2 in older files, which means the one of the greatest id.
    var endID = 49_407

    var fault: String? {
      guard (1...10_000_000).contains(vocabularySize) else { return "vocab_size must lie in 1...10000000" }
      guard (2...65_536).contains(positionCount) else { return "max_position_embeddings must lie in 2...65536" }
      guard endID == 2 || (0..<vocabularySize).contains(endID) else { return "eos_token_id must lie below vocab_size" }
      return shape.fault
    }
  }

  var vision = Vision()
  var text = Text()
  /// Features of either tower after its projection.
  var embeddingWidth = 512

  /// What is wrong with it, `nil` when networks can be made of it.
  var fault: String? {
    if let fault = vision.fault { return "vision_config: \(fault)" }
    if let fault = text.fault { return "text_config: \(fault)" }
    return (1...65_536).contains(embeddingWidth) ? nil : "projection_dim must lie in 1...65536"
  }

  /// ViT-B/32 with 224 pixels a side: 151,277,313 parameters.
  public static let viTB32 = CLIPConfiguration()
  /// ViT-B/16 with 224 pixels a side: 149,620,737 parameters.
  public static let viTB16 = CLIPConfiguration(vision: Vision(patchSide: 16))
  /// ViT-L/14 with 224 pixels a side: 427,616,513 parameters.
  public static let viTL14 = CLIPConfiguration(imageSide: 224)
  /// ViT-L/14 with 336 pixels a side: 427,944,193 parameters.
  public static let viTL14At336 = CLIPConfiguration(imageSide: 336)

  private init(imageSide: Int) {
    vision = Vision(imageSide: imageSide, patchSide: 14)
    vision.shape.width = 1024
    vision.shape.innerWidth = 4096
    vision.shape.layerCount = 24
    vision.shape.headCount = 16
    text.shape.width = 768
    text.shape.innerWidth = 3072
    text.shape.headCount = 12
    embeddingWidth = 768
  }

  init(vision: Vision = Vision(), text: Text = Text(), embeddingWidth: Int = 512) {
    self.vision = vision
    self.text = text
    self.embeddingWidth = embeddingWidth
  }
}

extension TransformerLayerShape {
  private enum CodingKeys: String, CodingKey {
    case width = "hidden_size"
    case innerWidth = "intermediate_size"
    case layerCount = "num_hidden_layers"
    case headCount = "num_attention_heads"
    case activation = "hidden_act"
    case normalizationEpsilon = "layer_norm_eps"
  }

  /// Takes up what a configuration says; the rest stays as it is.
  mutating func update(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    width = try values.decodeIfPresent(Int.self, forKey: .width) ?? width
    innerWidth = try values.decodeIfPresent(Int.self, forKey: .innerWidth) ?? innerWidth
    layerCount = try values.decodeIfPresent(Int.self, forKey: .layerCount) ?? layerCount
    headCount = try values.decodeIfPresent(Int.self, forKey: .headCount) ?? headCount
    activation = try values.decodeIfPresent(Activation.self, forKey: .activation) ?? activation
    normalizationEpsilon =
      try values.decodeIfPresent(Double.self, forKey: .normalizationEpsilon) ?? normalizationEpsilon
  }
}

extension CLIPConfiguration.Vision: Decodable {
  private enum CodingKeys: String, CodingKey {
    case imageSide = "image_size"
    case patchSide = "patch_size"
    case channelCount = "num_channels"
  }

  /// Takes up what a configuration says; the rest stays as it is.
  mutating func update(from decoder: any Decoder) throws {
    try shape.update(from: decoder)
    let values = try decoder.container(keyedBy: CodingKeys.self)
    imageSide = try values.decodeIfPresent(Int.self, forKey: .imageSide) ?? imageSide
    patchSide = try values.decodeIfPresent(Int.self, forKey: .patchSide) ?? patchSide
    channelCount = try values.decodeIfPresent(Int.self, forKey: .channelCount) ?? channelCount
  }

  init(from decoder: any Decoder) throws {
    self.init()
    try update(from: decoder)
  }
}

extension CLIPConfiguration.Text: Decodable {
  private enum CodingKeys: String, CodingKey {
    case vocabularySize = "vocab_size"
    case positionCount = "max_position_embeddings"
    case endID = "eos_token_id"
  }

  /// Takes up what a configuration says; the rest stays as it is.
  mutating func update(from decoder: any Decoder) throws {
    try shape.update(from: decoder)
    let values = try decoder.container(keyedBy: CodingKeys.self)
    vocabularySize = try values.decodeIfPresent(Int.self, forKey: .vocabularySize) ?? vocabularySize
    positionCount = try values.decodeIfPresent(Int.self, forKey: .positionCount) ?? positionCount
    endID = try values.decodeIfPresent(Int.self, forKey: .endID) ?? endID
  }

  init(from decoder: any Decoder) throws {
    self.init()
    try update(from: decoder)
  }
}

extension CLIPConfiguration: Decodable {
  private enum CodingKeys: String, CodingKey {
    case vision = "vision_config"
    case text = "text_config"
    case visionDictionary = "vision_config_dict"
    case textDictionary = "text_config_dict"
    case embeddingWidth = "projection_dim"
  }

  /// Files of 2022 describe a tower twice. As in transformers, the `_dict` counts where it is there, with defaults for
  /// what it leaves out.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func tower<Tower: Decodable>(_ dictionary: CodingKeys, _ key: CodingKeys, default standard: Tower) throws -> Tower {
      try values.decodeIfPresent(Tower.self, forKey: dictionary)
        ?? values.decodeIfPresent(Tower.self, forKey: key) ?? standard
    }
    self.init(
      vision: try tower(.visionDictionary, .vision, default: Vision()),
      text: try tower(.textDictionary, .text, default: Text()),
      embeddingWidth: try values.decodeIfPresent(Int.self, forKey: .embeddingWidth) ?? 512)
  }
}
