import Foundation

/// BERT's tokenizer: the same token ids as Hugging Face's `tokenizers` from the same `vocab.txt`.
///
/// A text is cleaned, lowercased and stripped of accents, split at white space and around punctuation and ideographs,
/// and every word is cut greedily into the longest pieces of the vocabulary, those inside a word written with `##`. A
/// word of more than 100 characters, or with a part that no piece covers, is `[UNK]`. The five special tokens are
/// recognised where a text spells them, as the original does.
public struct WordPieceTokenizer: Sendable {
  private static let maximumWordLength = 100
  private static let maximumFileSize = 1 << 26

  /// The most tokens that ``encode(_:)`` returns, `[CLS]` and `[SEP]` among them.
  public let maxLength: Int
  /// Whether text is lowercased and loses its accents, as uncased vocabularies need.
  public let lowercases: Bool
  /// The number of lines of the vocabulary: ids are below it.
  public let vocabularySize: Int
  /// The id that fills up batches, `[PAD]`.
  public let paddingID: Int32

  private let pieces: PieceTrie
  private let specialTokens: [(text: [UInt8], id: Int32)]
  private let unknownID: Int32
  private let startID: Int32
  private let endID: Int32

  /// Loads a vocabulary.
  ///
  /// - Parameters:
  ///   - vocabulary: A `vocab.txt`, one token a line, the line number being the id.
  ///   - maxLength: The most tokens of a text; at least 2.
  ///   - lowercases: Whether the vocabulary is an uncased one.
  /// - Throws: ``WordPieceError``
  public init(vocabulary: URL, maxLength: Int = 256, lowercases: Bool = true) throws(WordPieceError) {
    guard maxLength >= 2 else { throw .maxLength(maxLength) }
    let lines = try Self.lines(of: vocabulary)
    var pieces = PieceTrie()
    var ids: [ArraySlice<UInt8>: Int32] = [:]
    for (index, line) in lines.enumerated() where !line.isEmpty {
      // `##` alone is a piece like any other.
      let isContinuation = line.count > 2 && line.starts(with: "##".utf8)
      let root = isContinuation ? PieceTrie.continuation : PieceTrie.wordStart
      guard pieces.insert(line.dropFirst(isContinuation ? 2 : 0), below: root, token: Int32(index)) else {
        throw .duplicate(vocabulary, line: index + 1, token: String(decoding: line, as: UTF8.self))
      }
      if line.first == UInt8(ascii: "[") { ids[line] = Int32(index) }
    }
    func id(_ token: String) throws(WordPieceError) -> Int32 {
      guard let id = ids[Array(token.utf8)[...]] else { throw .missingToken(vocabulary, token) }
      return id
    }
    (unknownID, startID, endID, paddingID) = (try id("[UNK]"), try id("[CLS]"), try id("[SEP]"), try id("[PAD]"))
    specialTokens = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"].compactMap { token in
      ids[Array(token.utf8)[...]].map { (Array(token.utf8), $0) }
    }
    self.pieces = pieces
    self.maxLength = maxLength
    self.lowercases = lowercases
    vocabularySize = lines.count
  }

  private static func lines(of vocabulary: URL) throws(WordPieceError) -> [ArraySlice<UInt8>] {
    let bytes: [UInt8]
    do { bytes = [UInt8](try Data(contentsOf: vocabulary)) } catch {
      throw .unreadable(vocabulary, reason: "cannot be read: \(error.localizedDescription)")
    }
    guard bytes.count <= maximumFileSize else { throw .unreadable(vocabulary, reason: "is larger than 64 MiB") }
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw .unreadable(vocabulary, reason: "is not UTF-8")
    }
    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    return lines.map { $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0 }
  }

  /// The ids of a text between those of `[CLS]` and `[SEP]`, at most ``maxLength`` in all; the end of a long text is
  /// cut off. An empty text has these two ids alone.
  public func encode(_ text: String) -> [Int32] {
    let limit = maxLength - 1
    var ids = [startID]
    ids.reserveCapacity(min(maxLength, text.utf8.count / 3 + 4))
    var text = text
    text.withUTF8 { bytes in
      var start = 0
      var position = 0
      while position < bytes.count, ids.count < limit {
        if bytes[position] == UInt8(ascii: "["), let special = special(in: bytes, at: position) {
          append(UnsafeBufferPointer(rebasing: bytes[start..<position]), to: &ids, limit: limit)
          if ids.count < limit { ids.append(special.id) }
          position += special.text.count
          start = position
        } else {
          position += 1
        }
      }
      append(UnsafeBufferPointer(rebasing: bytes[start...]), to: &ids, limit: limit)
    }
    ids.append(endID)
    return ids
  }

  private func special(in bytes: UnsafeBufferPointer<UInt8>, at position: Int) -> (text: [UInt8], id: Int32)? {
    specialTokens.first { bytes[position...].starts(with: $0.text) }
  }

  /// Appends the ids of text without special tokens until there are `limit`.
  private func append(_ bytes: UnsafeBufferPointer<UInt8>, to ids: inout [Int32], limit: Int) {
    var words = WordBuffer()
    if bytes.allSatisfy({ $0 < 0x80 }) {
      for byte in bytes where ids.count < limit {
        switch BertScalarKind.ofASCII[Int(byte)] {
        case .removed: break
        case .space: appendWord(&words, to: &ids, limit: limit)
        case .punctuation:
          appendWord(&words, to: &ids, limit: limit)
          words.append(byte)
          appendWord(&words, to: &ids, limit: limit)
        default:
          let isUppercase = UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
          words.append(lowercases && isUppercase ? byte | 0x20 : byte)
        }
      }
    } else {
      let text = String(decoding: bytes, as: UTF8.self)
      for scalar in BertNormalization.scalars(of: text, lowercases: lowercases) where ids.count < limit {
        switch BertScalarKind(scalar) {
        case .space: appendWord(&words, to: &ids, limit: limit)
        case .punctuation:
          appendWord(&words, to: &ids, limit: limit)
          words.append(scalar)
          appendWord(&words, to: &ids, limit: limit)
        default: words.append(scalar)
        }
      }
    }
    appendWord(&words, to: &ids, limit: limit)
  }

  /// Appends the ids of the pieces of a word and empties the buffer.
  private func appendWord(_ word: inout WordBuffer, to ids: inout [Int32], limit: Int) {
    guard !word.bytes.isEmpty else { return }
    defer { word.removeAll() }
    let first = ids.count
    var start = word.length > Self.maximumWordLength ? -1 : 0
    while start >= 0, start < word.bytes.count {
      var node = start == 0 ? PieceTrie.wordStart : PieceTrie.continuation
      var longest = (token: PieceTrie.noToken, end: -1)
      for position in start..<word.bytes.count {
        node = pieces.step(from: node, over: word.bytes[position])
        if node == 0 { break }
        let token = pieces.token(at: node)
        if token != PieceTrie.noToken { longest = (token, position + 1) }
      }
      if longest.end > 0 { ids.append(longest.token) }
      start = longest.end
    }
    if start < 0 {
      ids.removeSubrange(first...)
      ids.append(unknownID)
    }
    if ids.count > limit { ids.removeSubrange(limit...) }
  }
}

/// The word being gathered, as UTF-8 and its number of scalars.
private struct WordBuffer {
  private(set) var bytes: [UInt8] = []
  private(set) var length = 0

  mutating func append(_ byte: UInt8) {
    bytes.append(byte)
    length += 1
  }

  mutating func append(_ scalar: Unicode.Scalar) {
    bytes.append(contentsOf: UTF8.encode(scalar)!)
    length += 1
  }

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    length = 0
  }
}

/// Why a tokenizer cannot be made.
public enum WordPieceError: Error, Equatable, CustomStringConvertible {
  /// The vocabulary cannot be read as UTF-8 text.
  case unreadable(URL, reason: String)
  /// A token that BERT needs is not in the vocabulary.
  case missingToken(URL, String)
  /// A token stands on two lines.
  case duplicate(URL, line: Int, token: String)
  /// The greatest length leaves no room for `[CLS]` and `[SEP]`.
  case maxLength(Int)

  public var description: String {
    switch self {
    case .unreadable(let url, let reason): "\(url.path): \(reason); expected a vocab.txt, one token a line"
    case .missingToken(let url, let token): "\(url.path): the token \(token) is missing; expected a BERT vocab.txt"
    case .duplicate(let url, let line, let token): "\(url.path):\(line): the token '\(token)' stands in an earlier line"
    case .maxLength(let length): "a greatest length of \(length) tokens; expected at least 2"
    }
  }
}
