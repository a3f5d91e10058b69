import Foundation
import MemeData
import Synchronization
import Torch

/// Encodes memes once and for all: what a cache has is not computed again.
///
/// Memes stream through: memory holds a batch of pictures for each worker and a window of texts, however many memes
/// there are. There is one worker for each core, each decoding, resizing and encoding on a single thread, which no
/// division of one picture over threads comes near.
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

  /// A meme whose picture could not be read; it counts as a meme without one.
  public struct Problem: Sendable, CustomStringConvertible {
    public var id: String
    public var reason: String
    public var description: String { "\(id): \(reason)" }
  }

  public let encoder: EncoderPair
  /// `nil` where nothing is kept.
  private let imageCache: FeatureCache?
  private let textCache: FeatureCache?
  /// Which tokens' states are wanted, and where they are kept; `nil` where none are.
  private let tokens: (states: TokenStates, cache: FeatureCache)?
  private let decoder = ImageDecoder()
  private let progress: @Sendable (_ phase: String, _ done: Int, _ total: Int) -> Void

  /// - Parameters:
  ///   - cacheFolder: where features of all encoders are kept.
  ///   - tokenStates: which tokens' states are wanted beside the features of whole texts.
  ///   - warn: told of damaged parts of the cache.
  ///   - progress: told how far a pass is, from any thread.
  public init(
    encoder: EncoderPair, cacheFolder: URL, tokenStates: TokenStates? = nil, warn: (String) -> Void,
    progress: @escaping @Sendable (_ phase: String, _ done: Int, _ total: Int) -> Void
  ) throws {
    let names = try encoder.cacheNames()
    self.encoder = encoder
    self.progress = progress
    imageCache = try FeatureCache(
      folder: cacheFolder.appending(path: names.image), width: encoder.imageWidth, warn: warn)
    textCache = try FeatureCache(folder: cacheFolder.appending(path: names.text), width: encoder.textWidth, warn: warn)
    tokens = try tokenStates.map { states in
      let folder = cacheFolder.appending(path: try encoder.cacheName(of: states))
      return (
        states, try FeatureCache(folder: folder, width: encoder.textWidth, layout: .sequences, warn: warn)
      )
    }
  }

  /// An extractor that computes everything and keeps nothing, to measure its speed.
  public init(
    encoder: EncoderPair, progress: @escaping @Sendable (_ phase: String, _ done: Int, _ total: Int) -> Void
  ) {
    self.encoder = encoder
    self.progress = progress
    imageCache = nil
    textCache = nil
    tokens = nil
  }

  /// The keys under which the features of memes are found.
  public struct Keys: Sendable {
    var image: [FeatureCache.Key?]
    var text: [FeatureCache.Key?]
    /// The same as of texts, where tokens' states are wanted.
    var tokens: [FeatureCache.Key?]?
  }

  /// Makes sure that the features of all memes are in the cache.
  ///
  /// - Parameter cleaning: what is done to texts first.
  public func extract(
    _ memes: [Meme], cleaning: TextCleaning
  ) throws -> (keys: Keys, statistics: Statistics, problems: [Problem]) {
    var statistics = Statistics()
    statistics.memes = memes.count
    // An encoder without such states is refused before the long work on pictures.
    if let tokens { _ = try encoder.tokenEncoder(for: tokens.states) }
    releaseNetworks()  // and what reading the dataset took
    let images = try extractImages(memes, &statistics)
    releaseNetworks()
    let texts = try extractTexts(memes, cleaning: cleaning, &statistics)
    let states = try tokens.map {
      try extractStates(memes, cleaning: cleaning, from: encoder.tokenEncoder(for: $0.states), &statistics)
    }
    releaseNetworks()
    statistics.computed = memes.indices.count { index in
      images.keys[index].map(images.fresh.contains) == true || texts.keys[index].map(texts.fresh.contains) == true
        || states?.keys[index].map(states!.fresh.contains) == true
    }
    return (Keys(image: images.keys, text: texts.keys, tokens: states?.keys), statistics, images.problems)
  }

  /// The network of one pass is not needed in the next one, nor in what comes after an extraction.
  private func releaseNetworks() {
    encoder.unload()
    Runtime.releaseFreeMemory()
  }

  /// The features under `keys`, a row a meme. The extractor must have a cache.
  public func table(_ keys: Keys) throws -> FeatureTable {
    guard let imageCache, let textCache else { preconditionFailure("an extractor that keeps nothing has no table") }
    return FeatureTable(
      image: try imageCache.gather(keys.image), text: try textCache.gather(keys.text),
      tokens: try keys.tokens.map { try tokens!.cache.sequences($0) })
  }

  // MARK: Images

  /// What workers share.
  private struct Shared {
    var next = 0
    var done = 0
    var computed = 0
    var keys: [FeatureCache.Key?]
    /// Contents that no cache had and a worker has taken up.
    var fresh: Set<FeatureCache.Key> = []
    var problems: [Problem] = []

    init(count: Int) { keys = [FeatureCache.Key?](repeating: nil, count: count) }

    mutating func takeNext() -> Int? {
      guard next < keys.count else { return nil }
      defer { next += 1 }
      return next
    }

    mutating func finishOne() -> Int {
      done += 1
      return done
    }
  }

  private func extractImages(
    _ memes: [Meme], _ statistics: inout Statistics
  ) throws -> (keys: [FeatureCache.Key?], fresh: Set<FeatureCache.Key>, problems: [Problem]) {
    guard memes.contains(where: { $0.image != nil }) else {
      return ([FeatureCache.Key?](repeating: nil, count: memes.count), [], [])
    }
    let network = try encoder.image
    let leastSide = try encoder.leastSide
    let shared = Mutex(Shared(count: memes.count))
    let clock = ContinuousClock()
    let start = clock.now
    try forEachCore {
      var keys: [FeatureCache.Key] = []
      var pixels: [Tensor] = []
      func encodeBatch() throws {
        guard !keys.isEmpty else { return }
        let features = network.encode(pixels)
        try imageCache?.add(keys, features)
        let count = keys.count
        keys.removeAll(keepingCapacity: true)
        pixels.removeAll(keepingCapacity: true)
        shared.withLock { $0.computed += count }
      }
      while let index = shared.withLock({ $0.takeNext() }) {
        if let (key, image) = readImage(of: memes[index], at: index, leastSide: leastSide, shared) {
          keys.append(key)
          pixels.append(network.pixels(of: image))
          if keys.count >= network.preferredBatchSize { try encodeBatch() }
        }
        // Told under the lock, so that no one hears of an earlier count after a later one.
        shared.withLock { progress("images", $0.finishOne(), memes.count) }
      }
      try encodeBatch()
    }
    try imageCache?.flush()
    statistics.imageSeconds = (clock.now - start) / .seconds(1)
    return shared.withLock { shared in
      statistics.imagesComputed = shared.computed
      return (shared.keys, shared.fresh, shared.problems.sorted { $0.id < $1.id })
    }
  }

  /// The key and the pixels of a picture that has to be encoded; `nil` where there is nothing to do.
  private func readImage(
    of meme: Meme, at index: Int, leastSide: Int?, _ shared: borrowing Mutex<Shared>
  ) -> (FeatureCache.Key, RGBImage)? {
    guard let file = meme.image else { return nil }
    do {
      let bytes = try decoder.bytes(contentsOf: file)
      let key = FeatureCache.Key(of: bytes)
      let isNew = imageCache?.contains(key) != true && shared.withLock { $0.fresh.insert(key).inserted }
      let image = isNew ? try decoder.decode(bytes, name: file.path, leastSide: leastSide) : nil
      // Only now, so that a picture that cannot be decoded has no key; its copies have one that leads nowhere.
      shared.withLock { $0.keys[index] = key }
      return image.map { (key, $0) }
    } catch {
      shared.withLock { $0.problems.append(Problem(id: meme.id, reason: error.description)) }
      return nil
    }
  }

  // MARK: Texts

  /// Texts are sorted by length and batched within windows of this many, so that memory does not grow with the data.
  private static let textWindow = 8192

  private func extractTexts(
    _ memes: [Meme], cleaning: TextCleaning, _ statistics: inout Statistics
  ) throws -> (keys: [FeatureCache.Key?], fresh: Set<FeatureCache.Key>) {
    guard memes.contains(where: { $0.text != nil }) else {
      return ([FeatureCache.Key?](repeating: nil, count: memes.count), [])
    }
    let network = try encoder.text
    let clock = ContinuousClock()
    let start = clock.now
    let pass = TextPass(
      phase: "texts", cache: textCache, tokens: network.tokens(of:), tokenBudget: network.preferredTokenCount
    ) { keys, tokens in
      let features = network.encode(tokens)
      try textCache?.add(keys, features)
    }
    let result = try run(pass, on: memes, cleaning: cleaning)
    statistics.textSeconds = (clock.now - start) / .seconds(1)
    statistics.textsComputed = result.fresh.count
    return result
  }

  private func extractStates(
    _ memes: [Meme], cleaning: TextCleaning, from network: any TokenEncoder, _ statistics: inout Statistics
  ) throws -> (keys: [FeatureCache.Key?], fresh: Set<FeatureCache.Key>) {
    guard let (states, cache) = tokens else { preconditionFailure("states of tokens that no one wants") }
    let pass = TextPass(
      phase: "tokens", cache: cache, tokens: { network.tokens(of: $0, for: states) },
      tokenBudget: network.preferredTokenCount,
      encode: { keys, tokens in try cache.add(keys, network.states(tokens), lengths: tokens.map(\.count)) })
    let result = try run(pass, on: memes, cleaning: cleaning)
    statistics.sequencesComputed = result.fresh.count
    return result
  }

  /// One walk over all texts.
  private struct TextPass: Sendable {
    let phase: String
    let cache: FeatureCache?
    let tokens: @Sendable (String) -> [Int32]
    /// How many tokens are encoded at once.
    let tokenBudget: Int
    /// Encodes texts and keeps what comes out.
    let encode: @Sendable ([FeatureCache.Key], [[Int32]]) throws -> Void
  }

  private func run(
    _ pass: TextPass, on memes: [Meme], cleaning: TextCleaning
  ) throws -> (keys: [FeatureCache.Key?], fresh: Set<FeatureCache.Key>) {
    var keys = [FeatureCache.Key?](repeating: nil, count: memes.count)
    var freshKeys: Set<FeatureCache.Key> = []
    for window in stride(from: 0, to: memes.count, by: Self.textWindow) {
      let range = window..<min(window + Self.textWindow, memes.count)
      var fresh: [(key: FeatureCache.Key, text: String)] = []
      for index in range {
        guard let text = memes[index].text.map(cleaning.cleaned), !text.isEmpty else { continue }
        let key = FeatureCache.Key(of: Data(text.utf8))
        keys[index] = key
        if pass.cache?.contains(key) != true, freshKeys.insert(key).inserted { fresh.append((key, text)) }
      }
      try encode(fresh, pass)
      progress(pass.phase, range.upperBound, memes.count)
    }
    try pass.cache?.flush()
    return (keys, freshKeys)
  }

  private func encode(_ texts: [(key: FeatureCache.Key, text: String)], _ pass: TextPass) throws {
    let nextText = Mutex(0)
    let tokenized = Mutex([[Int32]](repeating: [], count: texts.count))
    try forEachCore {
      while let chunk = nextText.withLock({ $0.takeChunk(of: 256, below: texts.count) }) {
        let tokens = texts[chunk].map { pass.tokens($0.text) }
        tokenized.withLock { $0.replaceSubrange(chunk, with: tokens) }
      }
    }
    let tokens = tokenized.withLock { $0 }
    let batches = Self.batches(lengths: tokens.map(\.count), budget: pass.tokenBudget)
    let nextBatch = Mutex(0)
    try forEachCore {
      while let batch = nextBatch.withLock({ $0.takeChunk(of: 1, below: batches.count) })?.first {
        let rows = batches[batch]
        try pass.encode(rows.map { texts[$0].key }, rows.map { tokens[$0] })
      }
    }
  }

  /// Rows of like length together, each batch within the budget of tokens unless a single text exceeds it.
  static func batches(lengths: [Int], budget: Int) -> [[Int]] {
    var batches: [[Int]] = []
    var total = 0
    for row in lengths.indices.sorted(by: { lengths[$0] > lengths[$1] }) {
      if batches.isEmpty || total + lengths[row] > budget {
        batches.append([])
        total = 0
      }
      batches[batches.count - 1].append(row)
      total += lengths[row]
    }
    return batches
  }

  // MARK: Cores

  /// Runs `body` once for each core, each with a single thread for its operations; throws the first error.
  private func forEachCore(_ body: @Sendable () throws -> Void) throws {
    let count = encoder.computation.device == .cpu ? Runtime.threadCount : 1
    try Runtime.concurrently(count, threadsEach: 1) { _, _ in try body() }
  }
}

extension Int {
  /// The next `size` numbers below `count`, which the counter then has behind it.
  fileprivate mutating func takeChunk(of size: Int, below count: Int) -> Range<Int>? {
    guard self < count else { return nil }
    let chunk = self..<Swift.min(self + size, count)
    self = chunk.upperBound
    return chunk
  }
}

extension EncoderPair {
  /// The features of a few memes, computed on the spot.
  ///
  /// - Throws: `ImageError` for a picture that cannot be read, ``EncoderError`` where there are no such states.
  public func table(
    of memes: [Meme], cleaning: TextCleaning, tokenStates: TokenStates? = nil
  ) throws -> FeatureTable {
    let tokenEncoder = try tokenStates.map { try self.tokenEncoder(for: $0) }
    func block<Content>(_ contents: [Content?], width: Int, _ encode: ([Content]) throws -> Tensor) throws
      -> FeatureBlock
    {
      let rows = contents.indices.filter { contents[$0] != nil }
      let values = Tensor.zeros([contents.count, width])
      if !rows.isEmpty { values.replaceRows(at: Tensor(rows), with: try encode(rows.map { contents[$0]! })) }
      return FeatureBlock(values: values, isPresent: contents.map { $0 != nil })
    }
    let leastSide = try memes.contains { $0.image != nil } ? leastSide : nil
    let images = try memes.map { meme in
      try meme.image.map { try ImageDecoder().decode(contentsOf: $0, leastSide: leastSide) }
    }
    let texts = memes.map { meme in meme.text.map(cleaning.cleaned).flatMap { $0.isEmpty ? nil : $0 } }
    return FeatureTable(
      image: try block(images, width: imageWidth) { try image.features(of: $0) },
      text: try block(texts, width: textWidth) { try text.features(of: $0) },
      tokens: tokenEncoder.map { $0.sequences(of: texts, for: tokenStates!) })
  }
}

extension TokenEncoder {
  /// The states of a few texts, in one call.
  func sequences(of texts: [String?], for states: TokenStates) -> SequenceBlock {
    let tokenized = texts.map { text in text.map { tokens(of: $0, for: states) } ?? [] }
    let present = tokenized.filter { !$0.isEmpty }
    let rows = present.isEmpty ? Tensor.zeros([0, width]) : self.states(present)
    return SequenceBlock(states: rows, lengths: tokenized.map(\.count))
  }
}
