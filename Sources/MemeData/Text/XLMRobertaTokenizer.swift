import Foundation

/// The tokenizer of XLM-RoBERTa and of the multilingual networks made from it: the ids of fairseq, which differ from those
/// of the SentencePiece model beneath by one and begin with special tokens of their own.
///
/// Reads a `sentencepiece.bpe.model` (which despite its name is a unigram model). The special tokens are recognised where
/// a text spells them, as the original does. Source: transformers 4 `tokenization_xlm_roberta.py`.
public struct XLMRobertaTokenizer: Sendable {
  private static let startID: Int32 = 0
  private static let endID: Int32 = 2
  private static let unknownID: Int32 = 3
  /// Fairseq puts `<pad>` in front of the pieces of SentencePiece, which has none.
  private static let offset: Int32 = 1

  /// The most tokens that ``encode(_:)`` returns, `<s>` and `</s>` among them.
  public let maxLength: Int
  /// The greatest id that a text can have, that of `<mask>`.
  public let largestID: Int32
  private let model: SentencePieceModel
  private let specialTokens: [(text: [UInt8], id: Int32)]

  /// - Parameters:
  ///   - model: A `sentencepiece.bpe.model`, with `<unk>`, `<s>` and `</s>` as its first pieces.
  ///   - maxLength: At least 2.
  /// - Throws: ``SentencePieceError``
  public init(model file: URL, maxLength: Int = 512) throws(SentencePieceError) {
    guard maxLength >= 2 else { throw .maxLength(maxLength, least: 2) }
    model = try SentencePieceModel(contentsOf: file)
    for (id, piece) in ["<unk>", "<s>", "</s>"].enumerated() where model.reservedID(of: piece) != Int32(id) {
      throw .missingPiece(file, piece)
    }
    self.maxLength = maxLength
    largestID = Int32(model.pieceCount) + Self.offset
    specialTokens = [("<s>", 0), ("<pad>", 1), ("</s>", 2), ("<unk>", 3), ("<mask>", largestID)].map {
      (Array($0.0.utf8), $0.1)
    }
  }

  /// The ids of a text between those of `<s>` and `</s>`, at most ``maxLength`` in all; the end of a long text is cut
  /// off. An empty text has these two ids alone.
  public func encode(_ text: String) -> [Int32] {
    var ids = [Self.startID]
    let bytes = Array(text.utf8)
    var (start, position) = (0, 0)
    while position < bytes.count {
      if bytes[position] == UInt8(ascii: "<"),
        let special = specialTokens.first(where: { bytes[position...].starts(with: $0.text) })
      {
        ids += pieces(of: bytes[start..<position])
        ids.append(special.id)
        position += special.text.count
        start = position
      } else {
        position += 1
      }
    }
    ids += pieces(of: bytes[start...])
    return ids.prefix(maxLength - 1) + [Self.endID]
  }

  private func pieces(of bytes: ArraySlice<UInt8>) -> [Int32] {
    model.encode(String(decoding: bytes, as: UTF8.self)).map {
      $0 == model.unknownID ? Self.unknownID : $0 + Self.offset
    }
  }
}
