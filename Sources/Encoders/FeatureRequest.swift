/// What a method wants to see of memes.
public struct FeatureRequest: Sendable, Hashable {
  /// Whether it reads the features of whole pictures and texts.
  public var readsFeatures = true
  /// Which tokens' states it reads.
  public var tokenStates: TokenStates?
  /// Whether it reads the texts themselves.
  public var readsTexts = false
  /// Whether it reads the token ids of the text encoder's tokenizer.
  public var readsTokens = false
  /// Rows and columns of the pictures that it reads themselves.
  public var pictureSide: Int?
  /// Where the regions come from that it reads.
  public var regions: RegionSource?

  /// Whether the cleaned texts themselves are needed, if only to know which memes have one.
  var readsBeyondFeatures: Bool { !readsFeatures || readsTexts || readsTokens }

  public init(
    readsFeatures: Bool = true, tokenStates: TokenStates? = nil, readsTexts: Bool = false, readsTokens: Bool = false,
    pictureSide: Int? = nil, regions: RegionSource? = nil
  ) {
    self.readsFeatures = readsFeatures
    self.tokenStates = tokenStates
    self.readsTexts = readsTexts
    self.readsTokens = readsTokens
    self.pictureSide = pictureSide
    self.regions = regions
  }
}
