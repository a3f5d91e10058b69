import Torch

/// One of the two things that a meme is made of.
public enum Modality: String, Sendable, CaseIterable {
  case image, text
}

extension FeatureTable {
  /// The same memes with the other modality missing, as if they had never had it.
  public func alone(_ modality: Modality) -> FeatureTable {
    switch modality {
    case .image:
      FeatureTable(
        image: image, text: text.emptied, tokens: tokens?.emptied, regions: regions, pictures: pictures,
        texts: texts.map { $0.map { _ in nil } }, ids: ids.map { $0.map { _ in [] } })
    case .text:
      FeatureTable(
        image: image.emptied, text: text, tokens: tokens, regions: regions?.emptied, pictures: pictures?.emptied,
        texts: texts, ids: ids)
    }
  }
}

extension FeatureBlock {
  fileprivate var emptied: FeatureBlock {
    FeatureBlock(values: .zeros(values.shape), isPresent: isPresent.map { _ in false })
  }
}
