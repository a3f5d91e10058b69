import Foundation

/// A family of models of the Hugging Face hub whose networks are read.
public enum HubFamily: String, Sendable, Encodable, CaseIterable {
  // As transformers writes `model_type` into `config.json`.
  case clip, siglip, bert, distilbert
  /// Described by an `open_clip_config.json`.
  case openCLIP = "open_clip"
  /// Described by a `config.json` with an `architecture` and no `model_type`.
  case timm

  /// What people call a model of it, with what it does not do.
  private var title: String {
    switch self {
    case .clip: "a CLIP of transformers"
    case .siglip: "a SigLIP"
    case .bert: "a BERT (texts alone)"
    case .distilbert: "a DistilBERT (texts alone)"
    case .openCLIP: "a CLIP of open_clip"
    case .timm: "a ResNet-18, ResNet-50 or ViT-B/16 of timm (pictures alone)"
    }
  }

  /// All families, as part of a sentence.
  public static var summary: String {
    let titles = allCases.map(\.title)
    return titles.dropLast().joined(separator: ", ") + ", or " + titles[titles.count - 1]
  }

  /// The values of `model_type` that are read, for errors.
  static var modelTypes: String {
    allCases.filter(\.isNamedByType).map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
  }

  private var isNamedByType: Bool { self != .openCLIP && self != .timm }

  /// The family of the network that a folder describes; `nil` where it is none of them.
  ///
  /// - Throws: ``EncoderError/invalidConfiguration(_:reason:)``
  init?(of folder: HubFolder) throws(EncoderError) {
    if let type = try folder.modelType() {
      guard let family = Self(rawValue: type), family.isNamedByType else { return nil }
      self = family
    } else if try folder.isOpenCLIP() {
      self = .openCLIP
    } else if try TimmModel.isDescribed(by: folder) {
      self = .timm
    } else {
      return nil
    }
  }

  /// - Throws: ``EncoderError`` naming the file at fault.
  func model(in folder: HubFolder) throws(EncoderError) -> any HubModel {
    switch self {
    case .clip: try CLIPModel(folder)
    case .siglip: try SiglipModel(folder)
    case .bert, .distilbert: try SentenceModel(folder)
    case .openCLIP: try OpenCLIPModel(folder)
    case .timm: try TimmModel(folder)
    }
  }
}
