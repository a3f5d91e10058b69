import Foundation

/// A SentencePiece model of the unigram kind (Kudo, 2018, arXiv:1804.10959): the same ids as Google's library gives from
/// the same `.model` file.
///
/// A text is normalised by the rules of the file, its spaces are made `▁`, and it is cut into those pieces whose
/// probabilities have the greatest product. What no piece covers is the unknown piece, a run of it one.
///
/// Google's library itself is not linked: it and libtorch both export `FLAGS_minloglevel`, of different sizes, so that
/// one overwrites memory of the other (https://github.com/google/sentencepiece/issues/944).
public struct SentencePieceModel: Sendable {
  /// What a piece is to the model, by its number in the file.
  private enum Kind: UInt64 {
    case normal = 1
    case unknown, control, userDefined, unused, byte
  }

  /// The number of pieces: ids are below it.
  public let pieceCount: Int
  /// The id of what no piece covers.
  public let unknownID: Int32

  private let normalizer: SentencePieceNormalizer
  private let pieces: PieceTrie
  private let kinds: [Kind]
  private let scores: [Float]
  /// The ids of pieces that no text contains.
  private let reserved: [String: Int32]
  private let unknownScore: Float
  private let greatestScore: Float

  private static let maximumFileSize = 1 << 26
  /// How much less likely than the least likely piece an unknown character is, as a logarithm.
  private static let unknownPenalty: Float = 10

  /// Loads a model.
  ///
  /// - Throws: ``SentencePieceError``
  public init(contentsOf file: URL) throws(SentencePieceError) {
    let bytes: [UInt8]
    do { bytes = [UInt8](try Data(contentsOf: file)) } catch {
      throw .unreadable(file, reason: "cannot be read: \(error.localizedDescription)")
    }
    guard bytes.count <= Self.maximumFileSize else { throw .unreadable(file, reason: "is larger than 64 MiB") }
    let description: SentencePieceDescription
    do throws(ProtobufReader.Fault) { description = try SentencePieceDescription(bytes) } catch {
      throw .unreadable(file, reason: "byte \(error.position): \(error.reason)")
    }
    if let fault = description.unsupported { throw .unsupported(file, reason: fault) }

    var (pieces, userDefined) = (PieceTrie(), PieceTrie())
    var (kinds, reserved): ([Kind], [String: Int32]) = ([], [:])
    var (least, greatest) = (Float.greatestFiniteMagnitude, Float.leastNormalMagnitude)
    for (index, piece) in description.pieces.enumerated() {
      func fault(_ reason: String) -> SentencePieceError { .badPiece(file, index: index, reason: reason) }
      let (text, id) = (bytes[piece.text], Int32(index))
      guard let kind = Kind(rawValue: piece.kind) else { throw fault("of the unknown kind \(piece.kind)") }
      guard !text.isEmpty, piece.score.isFinite else { throw fault("is empty, or its score no number") }
      kinds.append(kind)
      let isNew: Bool
      switch kind {
      case .normal, .userDefined, .unused: isNew = pieces.insert(text, below: PieceTrie.wordStart, token: id)
      case .unknown, .control, .byte:
        isNew = reserved.updateValue(id, forKey: String(decoding: text, as: UTF8.self)) == nil
      }
      guard isNew else { throw fault("'\(String(decoding: text, as: UTF8.self))' stands there before") }
      if kind == .userDefined { _ = userDefined.insert(text, below: PieceTrie.wordStart, token: id) }
      if kind == .normal { (least, greatest) = (min(least, piece.score), max(greatest, piece.score)) }
    }
    let unknowns = kinds.indices.filter { kinds[$0] == .unknown }
    guard unknowns.count == 1, least < .greatestFiniteMagnitude else {
      throw .unsupported(file, reason: "\(unknowns.count) unknown pieces; expected one, and normal ones beside it")
    }
    let hasUserDefined = kinds.contains(.userDefined)
    do throws(SentencePieceNormalizer.Fault) {
      normalizer = try SentencePieceNormalizer(
        description.normalization, charsmap: Array(bytes[description.normalization.charsmap]),
        kept: hasUserDefined ? userDefined : nil)
    } catch {
      throw .unreadable(file, reason: error.reason)
    }
    self.pieces = pieces
    self.kinds = kinds
    self.reserved = reserved
    (pieceCount, unknownID) = (kinds.count, Int32(unknowns[0]))
    scores = description.pieces.map(\.score)
    (unknownScore, greatestScore) = (least - Self.unknownPenalty, greatest)
  }

  /// The id of a piece that no text contains, such as `</s>`.
  public func reservedID(of piece: String) -> Int32? { reserved[piece] }

  /// The ids of a text's pieces, without any that mark its ends.
  public func encode(_ text: String) -> [Int32] {
    let bytes = normalizer.normalized(text)
    guard !bytes.isEmpty else { return [] }
    return ids(along: bestEnds(of: bytes), count: bytes.count)
  }

  /// The last piece of the best way to cut everything up to a place.
  private struct End {
    var id: Int32 = -1
    var score: Float = 0
    var start = -1
  }

  /// Viterbi's algorithm, in the single precision of the library, which settles many a draw; the earlier of equals stays.
  private func bestEnds(of text: [UInt8]) -> [End] {
    var ends = [End](repeating: End(), count: text.count + 1)
    func offer(_ id: Int32, score: Float, from start: Int, to end: Int) {
      let total = score + ends[start].score
      if ends[end].start < 0 || total > ends[end].score {
        ends[end] = End(id: id, score: total, start: start)
      }
    }
    var start = 0
    while start < text.count {
      let length = min(text[start].encodedLength, text.count - start)
      var isCovered = false
      var node = PieceTrie.wordStart
      for position in start..<text.count {
        node = pieces.step(from: node, over: text[position])
        if node == 0 { break }
        let id = pieces.token(at: node)
        guard id != PieceTrie.noToken, kinds[Int(id)] != .unused else { continue }
        let count = position + 1 - start
        // What users define always wins.
        let isUserDefined = kinds[Int(id)] == .userDefined
        let score = isUserDefined ? Float(count) * greatestScore - 0.1 : scores[Int(id)]
        offer(id, score: score, from: start, to: position + 1)
        if count == length { isCovered = true }
      }
      if !isCovered { offer(unknownID, score: unknownScore, from: start, to: start + length) }
      start += length
    }
    return ends
  }

  private func ids(along ends: [End], count: Int) -> [Int32] {
    var ids: [Int32] = []
    var place = count
    while place > 0 {
      let end = ends[place]
      // Neighbouring unknown characters are one unknown piece.
      if end.id != unknownID || ids.last != unknownID { ids.append(end.id) }
      place = end.start
    }
    return ids.reversed()
  }
}

extension UInt8 {
  /// The bytes of the scalar that this one begins; 1 for a byte that begins none.
  var encodedLength: Int {
    switch self {
    case 0xF0...: 4
    case 0xE0...: 3
    case 0xC0...: 2
    default: 1
    }
  }
}

/// Why a SentencePiece model cannot be used.
public enum SentencePieceError: Error, Equatable, CustomStringConvertible {
  /// The file cannot be read as what it should be.
  case unreadable(URL, reason: String)
  /// A piece of the vocabulary is none.
  case badPiece(URL, index: Int, reason: String)
  /// A model that works in a way that is not known here.
  case unsupported(URL, reason: String)
  /// A piece that the tokenizer needs is not in the model.
  case missingPiece(URL, String)
  /// The greatest length leaves no room for what marks the ends.
  case maxLength(Int, least: Int)

  public var description: String {
    switch self {
    case .unreadable(let url, let reason): "\(url.path): \(reason); expected a model of SentencePiece"
    case .badPiece(let url, let index, let reason): "\(url.path): piece \(index): \(reason)"
    case .unsupported(let url, let reason): "\(url.path): \(reason)"
    case .missingPiece(let url, let piece):
      "\(url.path): the piece '\(piece)' is missing; expected the SentencePiece model of this network"
    case .maxLength(let length, let least): "a greatest length of \(length) tokens; expected at least \(least)"
    }
  }
}
