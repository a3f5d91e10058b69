/// What SentencePiece does to a text before it is cut into pieces, by the rules that its model brings along.
///
/// The rules are a double-array trie (Aoe, 1989) over UTF-8, whose values say where in a list of zero-terminated texts
/// the replacement stands; the longest rule wins. Source: google/sentencepiece `src/normalizer.cc`,
/// `third_party/darts_clone/darts.h`.
struct SentencePieceNormalizer: Sendable {
  struct Fault: Error {
    var reason: String
  }

  private let description: SentencePieceDescription.Normalization
  private let units: [UInt32]
  private let replacements: [UInt8]
  /// Pieces that rules do not touch; `nil` where there is none.
  private let kept: PieceTrie?

  private static let space = UInt8(ascii: " ")
  /// U+2581, `▁`.
  private static let escapedSpace: [UInt8] = [0xE2, 0x96, 0x81]

  init(
    _ description: SentencePieceDescription.Normalization, charsmap: [UInt8], kept: PieceTrie?
  ) throws(Fault) {
    self.description = description
    self.kept = kept
    guard !charsmap.isEmpty else {
      (units, replacements) = ([], [])
      return
    }
    func number(at place: Int) -> UInt32 { (0..<4).reduce(0) { $0 | UInt32(charsmap[place + $1]) << (8 * $1) } }
    guard charsmap.count > 4 else { throw Fault(reason: "precompiled_charsmap has \(charsmap.count) bytes") }
    let size = Int(number(at: 0))
    guard size.isMultiple(of: 4), size > 0, size < charsmap.count - 4, charsmap.last == 0 else {
      throw Fault(reason: "precompiled_charsmap announces \(size) of \(charsmap.count) bytes for its rules")
    }
    units = stride(from: 4, to: 4 + size, by: 4).map(number)
    replacements = Array(charsmap[(4 + size)...])
  }

  /// The normalised text, spaces in it as `▁`.
  func normalized(_ text: String) -> [UInt8] {
    let input = Array(text.utf8)
    var position = 0
    if description.removesExtraSpaces {
      while position < input.count {
        let (bytes, count) = prefix(of: input, at: position)
        guard bytes.elementsEqual(CollectionOfOne(Self.space)) else { break }
        position += count
      }
    }
    guard position < input.count else { return [] }

    let space = description.escapesSpaces ? Self.escapedSpace : [Self.space]
    var result: [UInt8] = []
    result.reserveCapacity(input.count * 2)
    if description.addsPrefix { result += space }
    var endsInSpace = description.removesExtraSpaces
    while position < input.count {
      var (bytes, count) = prefix(of: input, at: position)
      if endsInSpace { bytes = bytes.drop { $0 == Self.space } }
      for byte in bytes {
        if byte == Self.space { result += space } else { result.append(byte) }
      }
      if let last = bytes.last { endsInSpace = last == Self.space }
      if !description.removesExtraSpaces { endsInSpace = false }
      position += count
    }
    if description.removesExtraSpaces {
      while result.suffix(space.count).elementsEqual(space) { result.removeLast(space.count) }
    }
    return result
  }

  /// What becomes of the next scalar, or of the scalars that a rule replaces together, and how many bytes it was.
  private func prefix(of input: [UInt8], at start: Int) -> (bytes: ArraySlice<UInt8>, count: Int) {
    if let count = keptLength(input, at: start) { return (input[start..<start + count], count) }
    if let (place, count) = longestRule(input, at: start), place < replacements.count {
      let end = replacements[place...].firstIndex(of: 0) ?? replacements.count
      return (replacements[place..<end], count)
    }
    let count = min(input[start].encodedLength, input.count - start)
    return (input[start..<start + count], count)
  }

  private func keptLength(_ input: [UInt8], at start: Int) -> Int? {
    guard let kept else { return nil }
    var node = PieceTrie.wordStart
    var longest: Int?
    for position in start..<input.count {
      node = kept.step(from: node, over: input[position])
      if node == 0 { break }
      if kept.token(at: node) != PieceTrie.noToken { longest = position + 1 - start }
    }
    return longest
  }

  /// Where the replacement of the longest rule stands, and how many bytes the rule is for.
  private func longestRule(_ input: [UInt8], at start: Int) -> (place: Int, count: Int)? {
    guard let root = units.first else { return nil }
    var node = root.offset
    var longest: (place: Int, count: Int)?
    for position in start..<input.count {
      node ^= Int(input[position])
      // Nodes out of reach are those of a damaged file.
      guard node < units.count, units[node].label == UInt32(input[position]) else { break }
      let unit = units[node]
      node ^= unit.offset
      if unit.hasValue, node < units.count { longest = (units[node].value, position + 1 - start) }
    }
    return longest
  }
}

/// A unit of a double array, as darts-clone packs it.
extension UInt32 {
  fileprivate var hasValue: Bool { self >> 8 & 1 == 1 }
  fileprivate var value: Int { Int(self & 0x7FFF_FFFF) }
  /// The byte that leads here; more than a byte for what is no node.
  fileprivate var label: UInt32 { self & 0x8000_00FF }
  fileprivate var offset: Int { Int((self >> 10) << ((self & 0x200) >> 6)) }
}
