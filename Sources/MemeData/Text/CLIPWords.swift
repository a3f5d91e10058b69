import Foundation

/// What CLIP's pattern takes a scalar for, by the tables of Unicode 16 that Hugging Face's `tokenizers` has: letters and
/// numbers of later versions are none to it.
enum CLIPScalarKind {
  case space, letter, number, other

  init(_ scalar: Unicode.Scalar) {
    switch scalar {
    case "a"..."z", "A"..."Z": self = .letter
    case "0"..."9": self = .number
    case " ", "\t"..."\r": self = .space
    case "\0"..."\u{7F}": self = .other
    default: self = Self.nonASCII(scalar.properties)
    }
  }

  private static func nonASCII(_ properties: Unicode.Scalar.Properties) -> CLIPScalarKind {
    if properties.isWhitespace { return .space }
    guard let age = properties.age, age.major <= 16 else { return .other }
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: return .letter
    case .decimalNumber, .letterNumber, .otherNumber: return .number
    default: return .other
    }
  }
}

/// The words of a text as CLIP splits it, each as its UTF-8 bytes.
struct CLIPWords {
  private static let contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"].map { Array($0.unicodeScalars) }
  /// The special tokens in text that only lowercasing makes them: three words each.
  private static let specials = ["startoftext", "endoftext"].map {
    [Array("<|".unicodeScalars), Array($0.unicodeScalars), Array("|>".unicodeScalars)]
  }

  private let scalars: [Unicode.Scalar]
  private var position = 0
  private var pending: [[UInt8]] = []

  init(_ text: String) {
    scalars = Self.composed(Array(text.unicodeScalars)).flatMap(Self.lowercased)
  }

  /// The next word, `nil` at the end.
  mutating func next() -> [UInt8]? {
    if !pending.isEmpty { return pending.removeFirst() }
    while position < scalars.count, CLIPScalarKind(scalars[position]) == .space { position += 1 }
    guard position < scalars.count else { return nil }
    if scalars[position] == "<", let words = Self.specials.first(where: { starts(with: Array($0.joined())) }) {
      position += words.joined().count
      pending = words.map(Self.utf8)
      return pending.removeFirst()
    }
    let start = position
    if scalars[position] == "'", let contraction = Self.contractions.first(where: starts) {
      position += contraction.count
    } else {
      let kind = CLIPScalarKind(scalars[position])
      position += 1
      while kind != .number, position < scalars.count, CLIPScalarKind(scalars[position]) == kind { position += 1 }
    }
    return Self.utf8(scalars[start..<position])
  }

  private func starts(with word: [Unicode.Scalar]) -> Bool {
    scalars[position...].starts(with: word)
  }

  private static func utf8(_ word: some Sequence<Unicode.Scalar>) -> [UInt8] {
    word.flatMap { UTF8.encode($0)! }
  }

  /// Scalar by scalar: a final sigma is a sigma like any other.
  private static func lowercased(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
    if scalar.isASCII { return [("A"..."Z").contains(scalar) ? Unicode.Scalar(UInt8(scalar.value) | 0x20) : scalar] }
    return Array(scalar.properties.lowercaseMapping.unicodeScalars)
  }

  /// NFC by the tables of Unicode 9, which the `tokenizers` crate has: scalars of later versions neither compose nor
  /// change places. Nothing below U+0300 changes.
  private static func composed(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
    guard scalars.contains(where: { $0.value >= 0x300 }) else { return scalars }
    var composed: [Unicode.Scalar] = []
    var run = String.UnicodeScalarView()
    func flush() {
      composed += String(run).precomposedStringWithCanonicalMapping.unicodeScalars
      run = String.UnicodeScalarView()
    }
    for scalar in scalars {
      if scalar.value < 0x300 || scalar.properties.age.map({ $0.major <= 9 }) ?? false {
        run.append(scalar)
      } else {
        flush()
        composed.append(scalar)
      }
    }
    flush()
    return composed
  }
}
