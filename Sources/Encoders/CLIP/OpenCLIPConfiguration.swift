/// The architecture of a CLIP as open_clip's `open_clip_config.json` describes it.
///
/// Every key that would change the network is known or refused. Source: open_clip `model.py`, `CLIPVisionCfg` and
/// `CLIPTextCfg`, whose defaults count for what a configuration leaves out.
struct OpenCLIPConfiguration: Sendable, Equatable {
  enum Vision: Sendable, Equatable {
    case transformer
    case residual(ModifiedResNetConfiguration)
  }

  /// The text tower, and that for pictures where it is a transformer, as Hugging Face's classes have them.
  var clip = CLIPConfiguration()
  var vision = Vision.transformer
  /// Of pictures; `nil` where the configuration leaves them to CLIP's own.
  var mean: [Float]?
  var deviation: [Float]?
  /// Whether pictures are squashed to a square, rather than cut.
  var squashes = false

  var imageSide: Int {
    switch vision {
    case .transformer: clip.vision.imageSide
    case .residual(let network): network.imageSide
    }
  }

  /// What is wrong with it, `nil` when networks can be made of it.
  var fault: String? {
    if case .residual(let network) = vision, let fault = network.fault { return "vision_cfg: \(fault)" }
    guard mean?.count ?? 3 == 3, deviation?.count ?? 3 == 3, deviation?.allSatisfy({ $0 > 0 }) != false else {
      return "preprocess_cfg: mean and std must have 3 numbers, those of std above 0"
    }
    return clip.fault
  }
}

extension OpenCLIPConfiguration: HubConfiguration {
  private enum Keys: String, CodingKey {
    case model = "model_cfg"
    case preprocessing = "preprocess_cfg"
  }

  private enum ModelKeys: String, CodingKey, CaseIterable {
    case embeddingWidth = "embed_dim"
    case vision = "vision_cfg"
    case text = "text_cfg"
    case quickGELU = "quick_gelu"
    // They start the training, or say how it computes.
    case logitScale = "init_logit_scale"
    case logitBias = "init_logit_bias"
    case precision = "cast_dtype"
  }

  private enum VisionKeys: String, CodingKey, CaseIterable {
    case imageSide = "image_size"
    case layers, width
    case headWidth = "head_width"
    case patchSide = "patch_size"
    case innerRatio = "mlp_ratio"
    // Training alone.
    case patchDropout = "patch_dropout"
  }

  private enum TextKeys: String, CodingKey, CaseIterable {
    case positionCount = "context_length"
    case vocabularySize = "vocab_size"
    case width, layers
    case headCount = "heads"
    case innerRatio = "mlp_ratio"
  }

  private enum PreprocessingKeys: String, CodingKey, CaseIterable {
    case mean
    case deviation = "std"
    case interpolation
    case resizing = "resize_mode"
    // The side stands in `vision_cfg`, and pictures have three channels. The fill is for what is made larger by a border.
    case size, mode
    case fill = "fill_color"
  }

  init(from decoder: any Decoder) throws {
    self.init()
    let values = try decoder.container(keyedBy: Keys.self)
    let model = try values.superDecoder(forKey: .model).knownKeys(ModelKeys.self)
    clip.embeddingWidth = try model.decode(Int.self, forKey: .embeddingWidth)
    let usesQuickGELU = try model.decodeIfPresent(Bool.self, forKey: .quickGELU) ?? false
    clip.vision.shape.activation = usesQuickGELU ? .quickGELU : .gelu
    clip.text.shape.activation = clip.vision.shape.activation
    // open_clip takes the state at the greatest id.
    clip.endID = 2
    try readVision(model.superDecoder(forKey: .vision).knownKeys(VisionKeys.self))
    try readText(model.superDecoder(forKey: .text).knownKeys(TextKeys.self))
    if let part = try values.part(.preprocessing) { try readPreprocessing(part.knownKeys(PreprocessingKeys.self)) }
  }

  private mutating func readVision(_ values: KeyedDecodingContainer<VisionKeys>) throws {
    let imageSide = try values.decodeIfPresent(Int.self, forKey: .imageSide) ?? 224
    let headWidth = try values.positive(.headWidth, default: 64)
    let layers = values.contains(.layers) ? try? values.decode([Int].self, forKey: .layers) : nil
    if let layers {
      let width = try values.decodeIfPresent(Int.self, forKey: .width) ?? 64
      let headCount =
        width.multipliedReportingOverflow(by: ModifiedResNetConfiguration.totalStride).partialValue / headWidth
      vision = .residual(
        ModifiedResNetConfiguration(
          imageSide: imageSide, width: width, layerCounts: layers, headCount: headCount,
          embeddingWidth: clip.embeddingWidth))
      return
    }
    clip.vision.imageSide = imageSide
    clip.vision.patchSide = try values.decodeIfPresent(Int.self, forKey: .patchSide) ?? 16
    clip.vision.shape.width = try values.decodeIfPresent(Int.self, forKey: .width) ?? 768
    clip.vision.shape.layerCount = try values.decodeIfPresent(Int.self, forKey: .layers) ?? 12
    clip.vision.shape.headCount = clip.vision.shape.width / headWidth
    clip.vision.shape.innerWidth = try values.innerWidth(.innerRatio, of: clip.vision.shape.width)
  }

  private mutating func readText(_ values: KeyedDecodingContainer<TextKeys>) throws {
    clip.text.positionCount = try values.decodeIfPresent(Int.self, forKey: .positionCount) ?? 77
    clip.text.vocabularySize = try values.decodeIfPresent(Int.self, forKey: .vocabularySize) ?? 49_408
    clip.text.shape.width = try values.decodeIfPresent(Int.self, forKey: .width) ?? 512
    clip.text.shape.headCount = try values.decodeIfPresent(Int.self, forKey: .headCount) ?? 8
    clip.text.shape.layerCount = try values.decodeIfPresent(Int.self, forKey: .layers) ?? 12
    clip.text.shape.innerWidth = try values.innerWidth(.innerRatio, of: clip.text.shape.width)
  }

  private mutating func readPreprocessing(_ values: KeyedDecodingContainer<PreprocessingKeys>) throws {
    mean = try values.decodeIfPresent([Float].self, forKey: .mean)
    deviation = try values.decodeIfPresent([Float].self, forKey: .deviation)
    let interpolation = try values.decodeIfPresent(String.self, forKey: .interpolation) ?? "bicubic"
    guard interpolation == "bicubic" else {
      throw values.fault(.interpolation, "is \"\(interpolation)\"; expected \"bicubic\"")
    }
    switch try values.decodeIfPresent(String.self, forKey: .resizing) ?? "shortest" {
    case "shortest": squashes = false
    case "squash": squashes = true
    case let other: throw values.fault(.resizing, "is \"\(other)\"; expected \"shortest\" or \"squash\"")
    }
  }
}

extension Decoder {
  /// The values of an object that has keys of these alone.
  fileprivate func knownKeys<Key: CodingKey & CaseIterable & RawRepresentable<String>>(
    _: Key.Type
  ) throws -> KeyedDecodingContainer<Key> {
    let known = Set(Key.allCases.map(\.rawValue))
    let other = try container(keyedBy: AnyKey.self).allKeys.map(\.stringValue).sorted().first { !known.contains($0) }
    if let other {
      throw DecodingError.dataCorrupted(
        .init(
          codingPath: codingPath,
          debugDescription: "\(other) is not known; expected \(known.sorted().joined(separator: ", "))"))
    }
    return try container(keyedBy: Key.self)
  }
}

private struct AnyKey: CodingKey {
  var stringValue: String
  var intValue: Int? { nil }
  init?(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}

extension KeyedDecodingContainer {
  fileprivate func fault(_ key: Key, _ reason: String) -> DecodingError {
    DecodingError.dataCorrupted(.init(codingPath: codingPath + [key], debugDescription: reason))
  }

  fileprivate func positive(_ key: Key, default standard: Int) throws -> Int {
    let value = try decodeIfPresent(Int.self, forKey: key) ?? standard
    guard value > 0 else { throw fault(key, "is \(value); expected a number above 0") }
    return value
  }

  /// The width inside a block whose ratio to the width outside stands under `key`.
  fileprivate func innerWidth(_ key: Key, of width: Int) throws -> Int {
    let ratio = try decodeIfPresent(Double.self, forKey: key) ?? 4
    guard (0.01...1000).contains(ratio), width < 1 << 32 else { throw fault(key, "is \(ratio); expected 0.01 to 1000") }
    return Int(Double(width) * ratio)
  }
}
