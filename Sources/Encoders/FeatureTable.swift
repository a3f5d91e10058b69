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

  /// A block without features, which only says which memes have the modality.
  static func empty(isPresent: [Bool]) -> FeatureBlock {
    FeatureBlock(values: Tensor.zeros([isPresent.count, 0]), isPresent: isPresent)
  }

  /// The given rows, in the order given.
  public func gathered(_ rows: [Int]) -> FeatureBlock {
    FeatureBlock(values: values.gathered(Tensor(rows)), isPresent: rows.map { isPresent[$0] })
  }
}

/// What frozen encoders say of a list of memes: row `i` of each block belongs to meme `i`.
public struct FeatureTable {
  public var image: FeatureBlock
  public var text: FeatureBlock
  /// The states of the texts' tokens, as wide as the texts' features; computed for methods that ask for them.
  public var tokens: SequenceBlock?
  /// The regions of the pictures, for methods that ask for them.
  public var regions: RegionBlock?
  /// The pictures themselves, for methods that ask for them.
  public var pictures: PictureBlock?
  /// The cleaned texts themselves, `nil` where one is missing, for methods that ask for them.
  public var texts: [String?]?
  /// The token ids of the texts, empty where one is missing, for methods that ask for them.
  public var ids: [[Int32]]?

  public init(
    image: FeatureBlock, text: FeatureBlock, tokens: SequenceBlock? = nil, regions: RegionBlock? = nil,
    pictures: PictureBlock? = nil,
    texts: [String?]? = nil, ids: [[Int32]]? = nil
  ) {
    precondition(image.isPresent.count == text.isPresent.count, "both blocks have one row a meme")
    precondition(tokens == nil || (tokens!.count == text.isPresent.count && tokens!.width == text.width))
    self.image = image
    self.text = text
    precondition(pictures == nil || pictures!.count == image.isPresent.count)
    precondition(texts == nil || texts!.count == text.isPresent.count)
    precondition(regions == nil || regions!.count == image.isPresent.count)
    self.tokens = tokens
    self.regions = regions
    self.pictures = pictures
    self.texts = texts
    self.ids = ids
  }

  public var count: Int { image.isPresent.count }

  /// The given rows, in the order given, of a table of features alone.
  public func gathered(_ rows: [Int]) -> FeatureTable {
    precondition(
      tokens == nil && regions == nil && pictures == nil && texts == nil && ids == nil,
      "only features are gathered; what stands beside them would be lost")
    return FeatureTable(image: image.gathered(rows), text: text.gathered(rows))
  }
}
