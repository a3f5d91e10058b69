import Foundation

/// CLIP's byte-level BPE tokenizer: the same token ids as Hugging Face's `CLIPTokenizer` from the same `vocab.json` and
/// `merges.txt` (reference 09 §A; OpenAI's own code, which repairs and unescapes text first, is not reproduced).
///
/// A text is composed (NFC), its white space collapsed and its scalars lowercased one by one; it is split into
/// contractions, runs of letters, single digits and runs of everything else; each word's UTF-8 bytes, the last marked
/// `</w>`, are merged pair by pair in the order of the merges file. `<|startoftext|>` and `<|endoftext|>` are recognised
/// where a text spells them exactly.
public struct CLIPTokenizer: Sendable {
  /// What fills a text up to the greatest length.
  public enum Padding: String, Sendable, Codable, CaseIterable {
    /// The id 0, as OpenAI's code has it.
    case zero
    /// The id of `<|endoftext|>`, as the Hugging Face tokenizer of OpenAI's models has it.
    case endOfText = "end-of-text"
  }

  private static let startToken = "<|startoftext|>"
  private static let endToken = "<|endoftext|>"

  /// The most tokens that ``encode(_:)`` returns, `<|startoftext|>` and `<|endoftext|>` among them.
  public let maxLength: Int
  /// The number of tokens of the vocabulary.
  public let vocabularySize: Int
  /// The greatest id of the vocabulary.
  public let largestID: Int32
  /// The id of `<|startoftext|>`, 49406 in the published vocabulary.
  public let startID: Int32
  /// The id of `<|endoftext|>`, 49407 in the published vocabulary: a text's feature is read at its first place.
  public let endID: Int32

  private let merges: BytePairMerges
  private let cache = WordCache()

  /// Loads a vocabulary in the layout of the Hugging Face hub.
  ///
  /// - Parameters:
  ///   - vocabulary: A `vocab.json`, an object of tokens and their ids.
  ///   - merges: A `merges.txt`, two tokens a line, the most frequent pair first.
  ///   - maxLength: The most tokens of a text; at least 2.
  /// - Throws: ``CLIPTokenizerError``
  public init(vocabulary: URL, merges: URL, maxLength: Int = 77) throws(CLIPTokenizerError) {
    guard maxLength >= 2 else { throw .maxLength(maxLength) }
    let ids = try BytePairMerges.ids(of: vocabulary)
    func id(_ token: String) throws(CLIPTokenizerError) -> Int32 {
      guard let id = ids[token] else { throw .missingToken(vocabulary, token) }
      return id
    }
    (startID, endID) = (try id(Self.startToken), try id(Self.endToken))
    self.merges = try BytePairMerges(ids: ids, vocabulary: vocabulary, merges: merges)
    self.maxLength = maxLength
    vocabularySize = ids.count
    largestID = ids.values.max() ?? 0
  }

  /// The ids of a text between those of `<|startoftext|>` and `<|endoftext|>`, at most ``maxLength`` in all; the end of
  /// a long text is cut off. An empty text has these two ids alone.
  public func encode(_ text: String) -> [Int32] {
    let limit = maxLength - 1
    var ids = [startID]
    var text = text
    text.withUTF8 { bytes in
      var start = 0
      var position = 0
      while position < bytes.count, ids.count < limit {
        if bytes[position] == UInt8(ascii: "<"), let special = special(in: bytes[position...]) {
          append(bytes[start..<position], to: &ids, limit: limit)
          if ids.count < limit { ids.append(special.id) }
          position += special.length
          start = position
        } else {
          position += 1
        }
      }
      append(bytes[start...], to: &ids, limit: limit)
    }
    ids.append(endID)
    return ids
  }

  /// Ids filled up at the right to ``maxLength``.
  ///
  /// - Precondition: There are at most ``maxLength`` ids.
  public func padded(_ ids: [Int32], with padding: Padding) -> [Int32] {
    precondition(ids.count <= maxLength, "\(ids.count) ids; expected at most \(maxLength)")
    let filler = padding == .zero ? 0 : endID
    return ids + [Int32](repeating: filler, count: maxLength - ids.count)
  }

  private func special(in bytes: Slice<UnsafeBufferPointer<UInt8>>) -> (length: Int, id: Int32)? {
    if bytes.starts(with: Self.startToken.utf8) { return (Self.startToken.utf8.count, startID) }
    return bytes.starts(with: Self.endToken.utf8) ? (Self.endToken.utf8.count, endID) : nil
  }

  /// Appends the ids of text without special tokens until there are `limit`.
  private func append(_ bytes: Slice<UnsafeBufferPointer<UInt8>>, to ids: inout [Int32], limit: Int) {
    guard !bytes.isEmpty, ids.count < limit else { return }
    var words = CLIPWords(String(decoding: bytes, as: UTF8.self))
    while ids.count < limit, let word = words.next() {
      ids += cache.ids(of: word) { merges.encode($0) }
    }
    if ids.count > limit { ids.removeSubrange(limit...) }
  }
}

/// Why CLIP's tokenizer cannot be made.
public enum CLIPTokenizerError: Error, Equatable, CustomStringConvertible {
  /// A file cannot be read.
  case unreadable(URL, reason: String)
  /// A line of a file is not what it should be.
  case malformed(URL, line: Int, reason: String)
  /// A token that CLIP needs is not in the vocabulary.
  case missingToken(URL, String)
  /// A token's id is no id.
  case badID(URL, token: String, id: String)
  /// The greatest length leaves no room for the first and the last token.
  case maxLength(Int)

  public var description: String {
    switch self {
    case .unreadable(let url, let reason): "\(url.path): \(reason)"
    case .malformed(let url, let line, let reason): "\(url.path):\(line): \(reason)"
    case .missingToken(let url, let token):
      "\(url.path): the token '\(token)' is missing; expected the vocab.json of a CLIP model"
    case .badID(let url, let token, let id):
      "\(url.path): the id of '\(token)' is \(id); expected a whole number below 2³¹ that no other token has"
    case .maxLength(let length): "a greatest length of \(length) tokens; expected at least 2"
    }
  }
}
