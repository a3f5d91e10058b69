import Foundation

/// What the uncased BERT tokenizer makes of one scalar.
///
/// The Hugging Face `tokenizers` crate classifies by a table of Unicode 8: scalars of later versions are no controls, no
/// marks and no punctuation to it. The published vocabularies were used with that table, so it is kept here.
enum BertScalarKind {
  /// Controls, format characters, private use and U+FFFD vanish.
  case removed
  case space
  /// Stands as a word of its own.
  case punctuation
  /// A CJK ideograph: a word of its own that may still decompose.
  case ideograph
  /// A mark that takes no space of its own: vanishes after decomposition.
  case mark
  case letter

  /// The kinds of the 128 ASCII scalars.
  static let ofASCII = (0..<0x80).map(ascii)

  init(_ scalar: Unicode.Scalar) {
    if scalar.isASCII {
      self = Self.ofASCII[Int(scalar.value)]
    } else if Self.isIdeograph(scalar.value) {
      self = .ideograph
    } else {
      self = Self.nonASCII(scalar)
    }
  }

  private static func ascii(_ byte: UInt8) -> BertScalarKind {
    switch byte {
    case 0x09, 0x0A, 0x0D, 0x20: .space
    case 0x00...0x1F, 0x7F: .removed
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      .letter
    default: .punctuation
    }
  }

  private static func nonASCII(_ scalar: Unicode.Scalar) -> BertScalarKind {
    // Reclassified after Unicode 8: two became symbol or mark, two lost and three gained the category of a mark.
    switch scalar.value {
    case 0xFFFD: return .removed
    case 0x166D, 0x111C9: return .punctuation
    case 0x1734, 0x1171E: return .mark
    case 0x1885, 0x1886, 0xA9BD: return .letter
    default: break
    }
    let properties = scalar.properties
    if properties.isWhitespace, scalar.value != 0x85 { return .space }
    switch properties.generalCategory {
    case .control, .format, .privateUse: return isOld(properties) ? .removed : .letter
    case .nonspacingMark: return isOld(properties) ? .mark : .letter
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
      .finalPunctuation, .otherPunctuation:
      return isOld(properties) ? .punctuation : .letter
    default: return .letter
    }
  }

  private static func isOld(_ properties: Unicode.Scalar.Properties) -> Bool {
    properties.age.map { $0.major <= 8 } ?? false
  }

  /// The blocks that BERT's own code names; its range for extension E leaves out the first 256 scalars.
  private static func isIdeograph(_ value: UInt32) -> Bool {
    switch value {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0xF900...0xFAFF, 0x20000...0x2A6DF, 0x2A700...0x2B81F, 0x2B920...0x2CEAF,
      0x2F800...0x2FA1F:
      true
    default: false
    }
  }
}

/// The first step of the uncased BERT tokenizer, Hugging Face's `BertNormalizer`.
enum BertNormalization {
  /// Cleans, decomposes (NFD), strips marks and lowercases; spaces set off ideographs. A cased model only cleans.
  static func scalars(of text: String, lowercases: Bool) -> [Unicode.Scalar] {
    var scalars: [Unicode.Scalar] = []
    var decomposes = false
    for scalar in text.unicodeScalars {
      switch BertScalarKind(scalar) {
      case .removed: continue
      case .space: scalars.append(" ")
      case .ideograph: scalars += [" ", scalar, " "]
      case .punctuation, .mark, .letter: scalars.append(scalar)
      }
      if lowercases, mayDecompose(scalar) { decomposes = true }
    }
    guard lowercases else { return scalars }
    if decomposes { scalars = decomposed(scalars) }
    var normalized: [Unicode.Scalar] = []
    normalized.reserveCapacity(scalars.count)
    for scalar in scalars {
      if scalar.isASCII {
        normalized.append(("A"..."Z").contains(scalar) ? Unicode.Scalar(UInt8(scalar.value) | 0x20) : scalar)
      } else if BertScalarKind(scalar) != .mark {
        normalized += scalar.properties.lowercaseMapping.unicodeScalars
      }
    }
    return normalized
  }

  /// Whether NFD can change text that holds the scalar; the exceptions are what memes are full of.
  private static func mayDecompose(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0xC0, 0x2010..<0x2100, 0x2500..<0x2A00, 0x4E00..<0xA000, 0x1F000..<0x20000: false
    default: true
    }
  }

  /// U+11938 has decomposed since Unicode 13; the crate's table of decompositions is older.
  private static func decomposed(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
    let runs = scalars.split(separator: "\u{11938}", omittingEmptySubsequences: false).map { run in
      var string = String.UnicodeScalarView()
      string.append(contentsOf: run)
      return Array(String(string).decomposedStringWithCanonicalMapping.unicodeScalars)
    }
    return Array(runs.joined(separator: ["\u{11938}"]))
  }
}
