import Foundation
import Synchronization

/// The merges of a byte-level BPE whose words end in `</w>`.
struct BytePairMerges: Sendable {
  private static let wordEnd = "</w>"
  private static let maximumFileSize = 1 << 26

  private struct Merge {
    var rank: Int32
    var merged: Int32
  }

  /// The ids of the 256 bytes inside a word, and at its end.
  private let inner: [Int32]
  private let last: [Int32]
  /// What two neighbouring ids merge into, by both as one number.
  private let merges: [UInt64: Merge]

  /// The scalar that stands for each byte in the files: printable Latin-1 as it is, the others from U+0100 on.
  private static let scalars: [Unicode.Scalar] = {
    var next: UInt32 = 0x100
    return (UInt8.min...UInt8.max).map { byte in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return Unicode.Scalar(byte)
      default:
        defer { next += 1 }
        return Unicode.Scalar(next)!
      }
    }
  }()

  /// Reads the merges of a vocabulary.
  init(ids: [String: Int32], vocabulary: URL, merges url: URL) throws(CLIPTokenizerError) {
    func id(_ token: String) throws(CLIPTokenizerError) -> Int32 {
      guard let id = ids[token] else { throw .missingToken(vocabulary, token) }
      return id
    }
    var (inner, last): ([Int32], [Int32]) = ([], [])
    for scalar in Self.scalars {
      inner.append(try id(String(scalar)))
      last.append(try id(String(scalar) + Self.wordEnd))
    }
    (self.inner, self.last) = (inner, last)

    var merges: [UInt64: Merge] = [:]
    let lines = try Self.bytes(of: url).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, var line) in lines.enumerated() {
      if line.last == UInt8(ascii: "\r") { line.removeLast() }
      if line.starts(with: "#version".utf8) || (line.isEmpty && index == lines.count - 1) { continue }
      func fault(_ reason: String) -> CLIPTokenizerError { .malformed(url, line: index + 1, reason: reason) }
      guard let text = String(validating: line, as: UTF8.self) else { throw fault("is not UTF-8") }
      let parts = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2 else { throw fault("'\(text)'; expected two tokens with one space between") }
      for token in [parts[0], parts[1], parts[0] + parts[1]] where ids[token] == nil {
        throw fault("the token '\(token)' is not in \(vocabulary.lastPathComponent)")
      }
      let merge = Merge(rank: Int32(merges.count), merged: ids[parts[0] + parts[1]]!)
      guard merges.updateValue(merge, forKey: Self.key(ids[parts[0]]!, ids[parts[1]]!)) == nil else {
        throw fault("the pair '\(text)' stands in an earlier line")
      }
    }
    self.merges = merges
  }

  /// The tokens of a `vocab.json` with their ids. No two tokens are canonically equivalent: none has a mark.
  static func ids(of vocabulary: URL) throws(CLIPTokenizerError) -> [String: Int32] {
    let bytes = try bytes(of: vocabulary)
    let value: JSON
    do throws(JSONFault) { value = try JSON.parse(bytes[...]) } catch {
      throw .malformed(vocabulary, line: error.line, reason: error.message)
    }
    guard case .object(let object) = value else {
      throw .malformed(vocabulary, line: 1, reason: "\(value); expected an object of tokens and ids")
    }
    var ids: [String: Int32] = [:]
    var known: Set<Int32> = []
    for (token, value) in object.values {
      guard case .number(let digits) = value, let id = Int32(digits), id >= 0, known.insert(id).inserted else {
        throw .badID(vocabulary, token: token, id: "\(value)")
      }
      ids[token] = id
    }
    return ids
  }

  private static func bytes(of url: URL) throws(CLIPTokenizerError) -> [UInt8] {
    let bytes: [UInt8]
    do { bytes = [UInt8](try Data(contentsOf: url)) } catch {
      throw .unreadable(url, reason: "cannot be read: \(error.localizedDescription)")
    }
    guard bytes.count <= maximumFileSize else {
      throw .unreadable(url, reason: "\(bytes.count) bytes; expected at most \(maximumFileSize)")
    }
    return bytes
  }

  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  /// The ids of a word's UTF-8 bytes.
  ///
  /// Always the pair of the lowest rank merges, the leftmost among equals. A heap holds the pairs, so that a word of n
  /// bytes takes O(n log n); entries whose symbols have merged meanwhile are recognised by what they would merge into.
  func encode(_ word: [UInt8]) -> [Int32] {
    guard let end = word.last else { return [] }
    var symbols = word.dropLast().map { inner[Int($0)] } + [last[Int(end)]]
    if symbols.count == 1 { return symbols }
    let gone: Int32 = -1
    var previous = Array(-1..<symbols.count - 1)
    var next = Array(1...symbols.count)
    var heap = MergeHeap()
    func push(_ left: Int) {
      guard left >= 0, next[left] < symbols.count,
        let merge = merges[Self.key(symbols[left], symbols[next[left]])]
      else { return }
      heap.push(.init(rank: merge.rank, position: left, merged: merge.merged))
    }
    for left in 0..<symbols.count - 1 { push(left) }
    while let top = heap.pop() {
      let left = top.position
      guard symbols[left] != gone, next[left] < symbols.count,
        merges[Self.key(symbols[left], symbols[next[left]])]?.rank == top.rank
      else { continue }
      let right = next[left]
      symbols[left] = top.merged
      symbols[right] = gone
      next[left] = next[right]
      if next[left] < symbols.count { previous[next[left]] = left }
      push(previous[left])
      push(left)
    }
    return symbols.filter { $0 != gone }
  }
}

/// Pairs that may merge, the one of the lowest rank and then of the lowest position on top.
private struct MergeHeap {
  struct Entry {
    var rank: Int32
    var position: Int
    var merged: Int32

    func precedes(_ other: Entry) -> Bool {
      rank != other.rank ? rank < other.rank : position < other.position
    }
  }

  private var entries: [Entry] = []

  mutating func push(_ entry: Entry) {
    var child = entries.count
    entries.append(entry)
    while child > 0, entries[child].precedes(entries[(child - 1) / 2]) {
      entries.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func pop() -> Entry? {
    guard let last = entries.popLast() else { return nil }
    guard let top = entries.first else { return last }
    entries[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count {
        if entries[child].precedes(entries[least]) { least = child }
      }
      if least == parent { return top }
      entries.swapAt(parent, least)
      parent = least
    }
  }
}

/// The ids of words met before, shared by all copies of a tokenizer. It stops growing when it is full.
final class WordCache: Sendable {
  private static let capacity = 1 << 15
  /// Longer words do not come twice.
  private static let longestWord = 64
  private let known = Mutex<[[UInt8]: [Int32]]>([:])

  func ids(of word: [UInt8], otherwise encode: ([UInt8]) -> [Int32]) -> [Int32] {
    guard word.count <= Self.longestWord else { return encode(word) }
    if let ids = known.withLock({ $0[word] }) { return ids }
    let ids = encode(word)
    known.withLock { if $0.count < Self.capacity { $0[word] = ids } }
    return ids
  }
}
