import Torch

/// The features of one modality for a list of memes.
public struct FeatureBlock {
  /// One row a meme, float32; rows of memes without this modality are zero.
  public var values: Tensor  // [N, D]
  /// Whether each meme has this modality.
  public var isPresent: [Bool]

  public init(values: Tensor, isPresent: [Bool]) {
    precondition(values.rank == 2 && values.shape[0] == isPresent.count, "one presence flag for each row")
    self.values = values
    self.isPresent = isPresent
  }

  public var width: Int { values.shape[1] }

  /// The given rows, in the order given.
  public func gathered(_ rows: [Int]) -> FeatureBlock {
    FeatureBlock(values: values.gathered(Tensor(rows)), isPresent: rows.map { isPresent[$0] })
  }
}

/// What frozen encoders say of a list of memes: row `i` of either block belongs to meme `i`.
public struct FeatureTable {
  public var image: FeatureBlock
  public var text: FeatureBlock

  public init(image: FeatureBlock, text: FeatureBlock) {
    precondition(image.isPresent.count == text.isPresent.count, "both blocks have one row a meme")
    self.image = image
    self.text = text
  }

  public var count: Int { image.isPresent.count }

  /// The given rows, in the order given.
  public func gathered(_ rows: [Int]) -> FeatureTable {
    FeatureTable(image: image.gathered(rows), text: text.gathered(rows))
  }
}
