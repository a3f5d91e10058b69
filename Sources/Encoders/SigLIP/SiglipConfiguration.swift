/// The architecture of a SigLIP, as a hub folder's `config.json` describes it.
///
/// What a configuration leaves out is that of `google/siglip-base-patch16-224`: 203,155,970 parameters. Source:
/// transformers' `configuration_siglip.py`.
public struct SiglipConfiguration: Sendable, Equatable {
  private static let base = TransformerShape(
    width: 768, innerWidth: 3072, layerCount: 12, headCount: 12, activation: .tanhGELU, normalizationEpsilon: 1e-6)

  var vision = VisionShape(shape: base, imageSide: 224, patchSide: 16)
  var text = TextShape(shape: base, vocabularySize: 32_000, positionCount: 64)
  /// Features of a text after its projection; that of the text transformer where a configuration does not say.
  var textEmbeddingWidth = 768
  /// Whether a picture's features come from attention over its states; models without are not read.
  var poolsByAttention = true

  /// What is wrong with it, `nil` when networks can be made of it.
  var fault: String? {
    if let fault = vision.fault { return "vision_config: \(fault)" }
    if let fault = text.fault { return "text_config: \(fault)" }
    guard (1...65_536).contains(textEmbeddingWidth) else { return "text_config: projection_size must lie in 1...65536" }
    return poolsByAttention ? nil : "vision_config: vision_use_head is false; expected true"
  }

  /// `google/siglip-base-patch16-224`.
  public static let basePatch16 = SiglipConfiguration()
}

extension SiglipConfiguration: HubConfiguration {
  private enum CodingKeys: String, CodingKey {
    case vision = "vision_config"
    case text = "text_config"
  }

  private enum PartKeys: String, CodingKey {
    case textEmbeddingWidth = "projection_size"
    case poolsByAttention = "vision_use_head"
  }

  public init(from decoder: any Decoder) throws {
    self.init()
    let values = try decoder.container(keyedBy: CodingKeys.self)
    if let part = try values.part(.vision) {
      try vision.update(from: part)
      poolsByAttention =
        try part.container(keyedBy: PartKeys.self).decodeIfPresent(Bool.self, forKey: .poolsByAttention) ?? true
    }
    if let part = try values.part(.text) {
      try text.update(from: part)
      textEmbeddingWidth =
        try part.container(keyedBy: PartKeys.self).decodeIfPresent(Int.self, forKey: .textEmbeddingWidth)
        ?? text.shape.width
    }
  }
}
