import Foundation
import MemeData
import Synchronization
import Torch

extension FeatureExtractor {
  /// Texts are sorted by length and batched within windows of this many, so that memory does not grow with the data.
  private static let textWindow = 8192

  func extractTexts(
    _ memes: [Meme], cleaning: TextCleaning, _ statistics: inout Statistics
  ) throws -> (keys: [FeatureCache.Key?], fresh: Set<FeatureCache.Key>) {
    guard request.readsFeatures, memes.contains(where: { $0.text != nil }) else {
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

  /// The token ids of all texts; `nil` where no one wants them.
  func tokenIDs(of texts: [String?]) throws -> [[Int32]]? {
    guard request.readsTokens else { return nil }
    let network = try encoder.text
    return texts.map { $0.map(network.tokens(of:)) ?? [] }
  }

  func extractStates(
    _ memes: [Meme], cleaning: TextCleaning, _ statistics: inout Statistics
  ) throws -> (keys: [FeatureCache.Key?], fresh: Set<FeatureCache.Key>)? {
    guard let states = request.tokenStates, let cache = stateCache else { return nil }
    let network = try encoder.tokenEncoder(for: states)
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
        guard let text = memes[index].text(cleaned: cleaning) else { continue }
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
}

extension Meme {
  /// The text as it is encoded; `nil` where nothing is left of it.
  func text(cleaned cleaning: TextCleaning) -> String? { cleaning.remainder(of: text) }
}

extension TextCleaning {
  /// The text as it is encoded; `nil` where nothing is left of it.
  func remainder(of text: String?) -> String? { text.map(cleaned).flatMap { $0.isEmpty ? nil : $0 } }
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
