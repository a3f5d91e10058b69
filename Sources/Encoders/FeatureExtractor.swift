import Foundation
import MemeData
import Synchronization
import Torch

/// Encodes memes once and for all: what a cache has is not computed again.
///
/// Memes stream through: memory holds a batch of pictures for each worker and a window of texts, however many memes
/// there are. There is one worker for each core, each decoding, resizing and encoding on a single thread, which no
/// division of one picture over threads comes near; a GPU, where there is one, serves them all.
public struct FeatureExtractor: Sendable {
  /// What an extraction did.
  public struct Statistics: Sendable, Equatable {
    public var memes = 0
    /// Memes whose picture or text was not in the cache at the start.
    public var computed = 0
    /// Pictures and texts that were encoded, not found.
    public var imagesComputed = 0
    public var textsComputed = 0
    /// Texts whose tokens' states were computed.
    public var sequencesComputed = 0
    /// Seconds of either pass; loading the networks is left out.
    public var imageSeconds = 0.0
    public var textSeconds = 0.0
  }

  public let encoder: EncoderPair
  /// `nil` where nothing is kept.
  let imageCache: FeatureCache?
  let textCache: FeatureCache?
  /// What is wanted beside the features of whole pictures and texts.
  let request: FeatureRequest
  /// Where the states of tokens and the pictures themselves are kept; `nil` where they are not wanted.
  let stateCache: FeatureCache?
  let pictureCache: FeatureCache?
  /// Where the cells of pictures are kept, or the regions that a detector found; `nil` where they are not wanted.
  let regionCache: FeatureCache?
  let regionFile: RegionFile?
  let decoder = ImageDecoder()
  let warn: @Sendable (String) -> Void
  let progress: @Sendable (_ phase: String, _ done: Int, _ total: Int) -> Void

  /// - Parameters:
  ///   - cacheFolder: where features of all encoders are kept.
  ///   - request: what is wanted beside the features of whole pictures and texts.
  ///   - warn: told of damaged parts of the cache, and of pictures that a detector's file lacks.
  ///   - progress: told how far a pass is, from any thread.
  public init(
    encoder: EncoderPair, cacheFolder: URL, request: FeatureRequest = FeatureRequest(),
    warn: @escaping @Sendable (String) -> Void,
    progress: @escaping @Sendable (_ phase: String, _ done: Int, _ total: Int) -> Void
  ) throws {
    let names = try encoder.cacheNames()
    self.encoder = encoder
    self.warn = warn
    self.progress = progress
    imageCache = try FeatureCache(
      folder: cacheFolder.appending(path: names.image), width: encoder.imageWidth, warn: warn)
    textCache = try FeatureCache(folder: cacheFolder.appending(path: names.text), width: encoder.textWidth, warn: warn)
    self.request = request
    stateCache = try request.tokenStates.map { states in
      let folder = cacheFolder.appending(path: try encoder.cacheName(of: states))
      return try FeatureCache(folder: folder, width: encoder.textWidth, layout: .sequences, warn: warn)
    }
    regionFile = if case .file(let file) = request.regions { try encoder.regions(in: file) } else { nil }
    regionCache =
      request.regions == .grid
      ? try FeatureCache(
        folder: cacheFolder.appending(path: "grid-\(names.image)"), width: try encoder.regionEncoder.regionWidth,
        layout: .sequences, warn: warn) : nil
    pictureCache = try request.pictureSide.map { side in
      let folder = cacheFolder.appending(path: "pictures-squash-bicubic-\(side)\(encoder.decodesFast ? "-fast" : "")")
      return try FeatureCache(folder: folder, width: 3 * side * side, layout: .pictures, warn: warn)
    }
  }

  /// An extractor that computes everything and keeps nothing, to measure its speed.
  public init(
    encoder: EncoderPair, progress: @escaping @Sendable (_ phase: String, _ done: Int, _ total: Int) -> Void
  ) {
    self.encoder = encoder
    self.progress = progress
    warn = { _ in }  // there is neither a cache nor a detector's file
    imageCache = nil
    textCache = nil
    request = FeatureRequest()
    stateCache = nil
    pictureCache = nil
    regionCache = nil
    regionFile = nil
  }

  /// The keys under which the features of memes are found.
  public struct Keys: Sendable {
    var image: [FeatureCache.Key?]
    var text: [FeatureCache.Key?]
    /// The same as of texts, where tokens' states are wanted.
    var states: [FeatureCache.Key?]?
    /// The same as of images, where pictures themselves are wanted.
    var pictures: [FeatureCache.Key?]?
    /// The same as of images, where regions are wanted.
    var regions: [FeatureCache.Key?]?
    /// The cleaned texts, where something beside their features is wanted.
    var cleaned: [String?]?
    /// Their token ids, where those are wanted.
    var ids: [[Int32]]?
  }

  /// Makes sure that the features of all memes are in the cache.
  ///
  /// - Parameter cleaning: what is done to texts first.
  /// - Returns: among others the memes whose picture could not be read, which count as memes without one.
  public func extract(
    _ memes: [Meme], cleaning: TextCleaning
  ) throws -> (keys: Keys, statistics: Statistics, problems: [UnreadablePicture]) {
    var statistics = Statistics()
    statistics.memes = memes.count
    // An encoder without such states is refused before the long work on pictures.
    if let states = request.tokenStates { _ = try encoder.tokenEncoder(for: states) }
    releaseNetworks()  // and what reading the dataset took
    let images = try extractImages(memes, &statistics)
    releaseNetworks()
    let regions = try extractRegions(memes)
    let pictures = try extractPictures(memes)
    let texts = try extractTexts(memes, cleaning: cleaning, &statistics)
    let states = try extractStates(memes, cleaning: cleaning, &statistics)
    let cleaned = request.readsBeyondFeatures ? memes.map { $0.text(cleaned: cleaning) } : nil
    let ids = try cleaned.flatMap(tokenIDs)
    releaseNetworks()
    statistics.computed = memes.indices.count { index in
      images.keys[index].map(images.fresh.contains) == true || texts.keys[index].map(texts.fresh.contains) == true
        || states?.keys[index].map(states!.fresh.contains) == true
    }
    let keys = Keys(
      image: images.keys, text: texts.keys, states: states?.keys, pictures: pictures?.keys,
      regions: regions?.keys,
      cleaned: cleaned, ids: ids)
    // A picture that could not be read is told once, whatever it was wanted for.
    let problems = [images.problems, regions?.problems ?? [], pictures?.problems ?? []].first { !$0.isEmpty } ?? []
    return (keys, statistics, problems)
  }

  /// The network of one pass is not needed in the next one, nor in what comes after an extraction.
  private func releaseNetworks() {
    encoder.unload()
    Runtime.releaseFreeMemory()
  }

  /// The features under `keys`, a row a meme. The extractor must have a cache.
  public func table(_ keys: Keys) throws -> FeatureTable {
    guard let imageCache, let textCache else { preconditionFailure("an extractor that keeps nothing has no table") }
    let regions = try keys.regions.map { keys in
      try regionFile?.block(keys) ?? RegionBlock(cells: try regionCache!.sequences(keys))
    }
    let pictures = try keys.pictures.map { keys in
      PictureBlock(rows: try pictureCache!.sequences(keys), side: request.pictureSide!)
    }
    let hasImage = pictures?.isPresent ?? regions?.isPresent ?? []
    let hasText = keys.cleaned?.map { $0 != nil } ?? []
    return FeatureTable(
      image: request.readsFeatures ? try imageCache.gather(keys.image) : .empty(isPresent: hasImage),
      text: request.readsFeatures ? try textCache.gather(keys.text) : .empty(isPresent: hasText),
      tokens: try keys.states.map { try stateCache!.sequences($0) }, regions: regions, pictures: pictures,
      texts: request.readsTexts ? keys.cleaned : nil, ids: keys.ids)
  }

  // MARK: Cores

  /// Runs `body` once for each core, each with a single thread for its operations; throws the first error.
  func forEachCore(_ body: @Sendable () throws -> Void) throws {
    try Runtime.concurrently(Runtime.threadCount, threadsEach: 1) { _, _ in try body() }
  }
}
