/// The shape of a transformer with layer normalisation in front of each part.
struct TransformerShape: Sendable, Equatable {
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

/// The shape of a transformer over the patches of a picture.
struct VisionShape: Sendable, Equatable {
  var shape: TransformerShape
  /// Rows and columns of the input.
  var imageSide: Int
  var patchSide: Int
  var channelCount = 3

  /// Patches along a side; pixels beyond the last whole patch are not looked at.
  var gridSide: Int { imageSide / patchSide }
  var patchCount: Int { gridSide * gridSide }

  var fault: String? {
    guard (1...4096).contains(imageSide) else { return "image_size must lie in 1...4096" }
    guard (1...imageSide).contains(patchSide) else { return "patch_size must lie in 1...image_size" }
    guard channelCount == 3 else { return "num_channels is \(channelCount); expected 3" }
    return shape.fault
  }
}

/// The shape of a transformer over the tokens of a text.
struct TextShape: Sendable, Equatable {
  var shape: TransformerShape
  var vocabularySize: Int
  var positionCount: Int

  var fault: String? {
    guard (1...10_000_000).contains(vocabularySize) else { return "vocab_size must lie in 1...10000000" }
    guard (2...65_536).contains(positionCount) else { return "max_position_embeddings must lie in 2...65536" }
    return shape.fault
  }
}

// MARK: Hub configurations

// They leave out what equals the defaults of Hugging Face's classes, which differ from family to family: a shape takes up
// what a configuration says, and the rest stays as it is.

extension TransformerShape {
  private enum CodingKeys: String, CodingKey {
    case width = "hidden_size"
    case innerWidth = "intermediate_size"
    case layerCount = "num_hidden_layers"
    case headCount = "num_attention_heads"
    case activation = "hidden_act"
    case normalizationEpsilon = "layer_norm_eps"
  }

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

extension VisionShape {
  private enum CodingKeys: String, CodingKey {
    case imageSide = "image_size"
    case patchSide = "patch_size"
    case channelCount = "num_channels"
  }

  mutating func update(from decoder: any Decoder) throws {
    try shape.update(from: decoder)
    let values = try decoder.container(keyedBy: CodingKeys.self)
    imageSide = try values.decodeIfPresent(Int.self, forKey: .imageSide) ?? imageSide
    patchSide = try values.decodeIfPresent(Int.self, forKey: .patchSide) ?? patchSide
    channelCount = try values.decodeIfPresent(Int.self, forKey: .channelCount) ?? channelCount
  }
}

extension TextShape {
  private enum CodingKeys: String, CodingKey {
    case vocabularySize = "vocab_size"
    case positionCount = "max_position_embeddings"
  }

  mutating func update(from decoder: any Decoder) throws {
    try shape.update(from: decoder)
    let values = try decoder.container(keyedBy: CodingKeys.self)
    vocabularySize = try values.decodeIfPresent(Int.self, forKey: .vocabularySize) ?? vocabularySize
    positionCount = try values.decodeIfPresent(Int.self, forKey: .positionCount) ?? positionCount
  }
}

extension KeyedDecodingContainer {
  /// What reads the part under the first of the keys that has one.
  func part(_ keys: Key...) throws -> (any Decoder)? {
    for key in keys where contains(key) {
      if try !decodeNil(forKey: key) { return try superDecoder(forKey: key) }
    }
    return nil
  }
}
