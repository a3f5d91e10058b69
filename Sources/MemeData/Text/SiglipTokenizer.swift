import Foundation

/// SigLIP's tokenizer: the same token ids as Hugging Face's `SiglipTokenizer` from the same `spiece.model`.
///
/// A text is lowercased, loses the punctuation of ASCII, its white space becomes single spaces, and SentencePiece cuts
/// it; `</s>` ends it and fills it up, since the network reads every text at one length and takes the last state.
/// `</s>` and `<unk>` are recognised where a text spells them, as the original does.
public struct SiglipTokenizer: Sendable {
  /// The tokens of every text.
  public let length: Int
  /// Whether text is lowercased, as published models want it.
  public let lowercases: Bool
  /// The greatest id that a text can have.
  public var largestID: Int32 { Int32(model.pieceCount - 1) }
  /// The id of `</s>`.
  public let endID: Int32

  private let model: SentencePieceModel
  /// How many pieces `<unk>` is cut into.
  private let unknownLength: Int

  private static let end = "</s>"
  private static let unknown = "<unk>"
  private static let escapedSpace: Unicode.Scalar = "\u{2581}"

  /// - Parameters:
  ///   - model: A `spiece.model`.
  ///   - length: At least 1.
  /// - Throws: ``SentencePieceError``
  public init(model file: URL, length: Int = 64, lowercases: Bool = true) throws(SentencePieceError) {
    guard length >= 1 else { throw .maxLength(length, least: 1) }
    model = try SentencePieceModel(contentsOf: file)
    guard let endID = model.reservedID(of: Self.end) else { throw .missingPiece(file, Self.end) }
    unknownLength = model.encode(Self.unknown).count
    (self.length, self.lowercases, self.endID) = (length, lowercases, endID)
  }

  /// The ids of a text, ``length`` of them, the last always that of `</s>`; the end of a long text is cut off.
  public func encode(_ text: String) -> [Int32] {
    var ids: [Int32] = []
    // Escaped spaces of the text itself are spaces; one in front marks its beginning.
    var scalars = [Self.escapedSpace]
    scalars += text.unicodeScalars.lazy.map { $0 == Self.escapedSpace ? " " : $0 }
    for part in Self.parts(of: scalars) {
      switch part {
      case .special(let token): ids.append(token == Self.end ? endID : model.unknownID)
      case .text(let scalars): ids += pieces(of: canonical(scalars))
      }
    }
    ids = Array(ids.prefix(length - 1))
    return ids + [Int32](repeating: endID, count: length - ids.count)
  }

  /// SentencePiece drops the mark of a beginning, but not behind other pieces: as the original does, those of `<unk>` are
  /// put in front and taken away again.
  private func pieces(of text: String) -> ArraySlice<Int32> {
    let ids = model.encode(Self.unknown + text)
    return ids.count >= unknownLength ? ids[unknownLength...] : ids[...]
  }

  // MARK: Special tokens

  private enum Part {
    case text(ArraySlice<Unicode.Scalar>)
    case special(String)
  }

  /// The text between special tokens, without spaces next to them.
  private static func parts(of scalars: [Unicode.Scalar]) -> [Part] {
    var parts: [Part] = []
    var start = 0
    var position = 0
    func text(upTo end: Int, isLast: Bool) -> ArraySlice<Unicode.Scalar> {
      var slice = scalars[start..<end]
      if !parts.isEmpty { slice = slice.drop(while: \.isPythonSpace) }
      while !isLast, slice.last?.isPythonSpace == true { slice.removeLast() }
      return slice
    }
    while position < scalars.count {
      guard scalars[position] == "<",
        let token = [end, unknown].first(where: { scalars[position...].starts(with: $0.unicodeScalars) })
      else {
        position += 1
        continue
      }
      let before = text(upTo: position, isLast: false)
      if !before.isEmpty { parts.append(.text(before)) }
      parts.append(.special(token))
      position += token.unicodeScalars.count
      start = position
    }
    let rest = text(upTo: scalars.count, isLast: true)
    return rest.isEmpty ? parts : parts + [.text(rest)]
  }

  // MARK: Canonical texts

  private func canonical(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
    var result = String.UnicodeScalarView()
    var isAfterSpace = false
    for scalar in lowercases ? scalars.pythonLowercased : Array(scalars) where !scalar.isASCIIPunctuation {
      if scalar.isPythonSpace {
        isAfterSpace = true
      } else {
        if isAfterSpace, !result.isEmpty { result.append(" ") }
        isAfterSpace = false
        result.append(scalar)
      }
    }
    return String(result)
  }
}

extension ArraySlice<Unicode.Scalar> {
  /// What Python's `str.lower` makes of them: a sigma at the end of a word has a form of its own.
  fileprivate var pythonLowercased: [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    for (index, scalar) in zip(indices, self) {
      if scalar == "\u{3A3}" {
        let isAfterLetter = self[..<index].last { !$0.properties.isCaseIgnorable }?.properties.isCased == true
        let isBeforeLetter = self[(index + 1)...].first { !$0.properties.isCaseIgnorable }?.properties.isCased == true
        result.append(isAfterLetter && !isBeforeLetter ? "\u{3C2}" : "\u{3C3}")
      } else {
        result += scalar.properties.lowercaseMapping.unicodeScalars
      }
    }
    return result
  }
}

extension Unicode.Scalar {
  fileprivate var isASCIIPunctuation: Bool {
    switch self {
    case "!"..."/", ":"..."@", "["..."`", "{"..."~": true
    default: false
    }
  }
}
