/// The architecture of a CLIP with a vision transformer, as a hub folder's `config.json` describes it.
///
/// What a configuration leaves out is that of ViT-B/32. Reference 09 §A; transformers' `configuration_clip.py`.
public struct CLIPConfiguration: Sendable, Equatable {
  var vision = VisionShape(
    shape: TransformerShape(
      width: 768, innerWidth: 3072, layerCount: 12, headCount: 12, activation: .quickGELU, normalizationEpsilon: 1e-5),
    imageSide: 224, patchSide: 32)
  var text = TextShape(
    shape: TransformerShape(
      width: 512, innerWidth: 2048, layerCount: 12, headCount: 8, activation: .quickGELU, normalizationEpsilon: 1e-5),
    vocabularySize: 49_408, positionCount: 77)
  /// The token whose state stands for a text; 2 in older files, which means the one of the greatest id.
  var endID = 49_407
  /// Features of either tower after its projection.
  var embeddingWidth = 512

  /// What is wrong with it, `nil` when networks can be made of it.
  var fault: String? {
    if let fault = vision.fault { return "vision_config: \(fault)" }
    if let fault = text.fault { return "text_config: \(fault)" }
    guard endID == 2 || (0..<text.vocabularySize).contains(endID) else {
      return "text_config: eos_token_id must lie below vocab_size"
    }
    return (1...65_536).contains(embeddingWidth) ? nil : "projection_dim must lie in 1...65536"
  }

  /// ViT-B/32 with 224 pixels a side: 151,277,313 parameters.
  public static let viTB32 = CLIPConfiguration()
  /// ViT-B/16 with 224 pixels a side: 149,620,737 parameters.
  public static let viTB16: CLIPConfiguration = {
    var base = CLIPConfiguration()
    base.vision.patchSide = 16
    return base
  }()
  /// ViT-L/14 with 224 pixels a side: 427,616,513 parameters.
  public static let viTL14 = large(imageSide: 224)
  /// ViT-L/14 with 336 pixels a side: 427,944,193 parameters.
  public static let viTL14At336 = large(imageSide: 336)

  private static func large(imageSide: Int) -> CLIPConfiguration {
    var large = CLIPConfiguration()
    (large.vision.imageSide, large.vision.patchSide) = (imageSide, 14)
    (large.vision.shape.width, large.vision.shape.innerWidth) = (1024, 4096)
    (large.vision.shape.layerCount, large.vision.shape.headCount) = (24, 16)
    (large.text.shape.width, large.text.shape.innerWidth, large.text.shape.headCount) = (768, 3072, 12)
    large.embeddingWidth = 768
    return large
  }
}

extension CLIPConfiguration: HubConfiguration {
  private enum CodingKeys: String, CodingKey {
    case vision = "vision_config"
    case text = "text_config"
    case visionDictionary = "vision_config_dict"
    case textDictionary = "text_config_dict"
    case embeddingWidth = "projection_dim"
  }

  private enum TextKeys: String, CodingKey {
    case endID = "eos_token_id"
  }

  /// Files of 2022 describe a tower twice. As in transformers, the `_dict` counts where it is there, with defaults for
  /// what it leaves out.
  public init(from decoder: any Decoder) throws {
    self.init()
    let values = try decoder.container(keyedBy: CodingKeys.self)
    if let part = try values.part(.visionDictionary, .vision) { try vision.update(from: part) }
    if let part = try values.part(.textDictionary, .text) {
      try text.update(from: part)
      endID = try part.container(keyedBy: TextKeys.self).decodeIfPresent(Int.self, forKey: .endID) ?? endID
    }
    embeddingWidth = try values.decodeIfPresent(Int.self, forKey: .embeddingWidth) ?? embeddingWidth
  }
}
