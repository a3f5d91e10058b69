import Foundation

/// What is done to a meme's text before an encoder sees it.
public enum TextCleaning: String, Sendable, Codable, CaseIterable {
  /// The text as it is.
  case none
  /// The cleaning that SemiMemes and TIB-VA publish: ``cleaned(_:)`` says what it deletes.
  case semiMemes = "semimemes"

  /// The text after cleaning.
  ///
  /// `semiMemes`, in this order, with Python's idea of white space, digits and word characters:
  /// 1. delete every run of non-spaces with a dot inside it that is followed by one of `(net)|comrg` and one character
  ///    more (the published pattern has a character class where it means names of domains: `end.the` goes too);
  /// 2. delete from `http` to the end of its run, where anything follows it (case matters);
  /// 3. each run of digits, then each run of white space, becomes a space; `_` becomes a space;
  /// 4. word by word: compatibility decomposition (NFKD), everything outside ASCII dropped, lower case, punctuation to
  ///    spaces, empty words dropped; words are joined by spaces, and spaces at either end removed.
  ///
  /// Runs of spaces inside the result stay, as the tokenizers drop them. Everything that is not ASCII is lost, so this
  /// is for reproducing those systems alone.
  public func cleaned(_ text: String) -> String {
    switch self {
    case .none: text
    case .semiMemes: Self.joinedWords(Self.spaced(Self.withoutAddresses(text.unicodeScalars)))
    }
  }

  /// Steps 1 and 2. Both patterns reach from their first match to the end of a run of non-spaces.
  private static func withoutAddresses(_ text: String.UnicodeScalarView) -> [Unicode.Scalar] {
    var kept: [Unicode.Scalar] = []
    var run: [Unicode.Scalar] = []
    func flush() {
      if !hasDomain(run) { kept += run.prefix(addressStart(in: run)) }
      run.removeAll(keepingCapacity: true)
    }
    for scalar in text {
      if scalar.isPythonSpace {
        flush()
        kept.append(scalar)
      } else {
        run.append(scalar)
      }
    }
    flush()
    return kept
  }

  private static func hasDomain(_ run: [Unicode.Scalar]) -> Bool {
    guard run.count >= 4 else { return false }
    return (1..<run.count - 2).contains { run[$0] == "." && "(net)|comrg".unicodeScalars.contains(run[$0 + 1]) }
  }

  private static func addressStart(in run: [Unicode.Scalar]) -> Int {
    let scheme = Array("http".unicodeScalars)
    guard run.count > scheme.count else { return run.count }
    return (0..<run.count - scheme.count).first { run[$0...].starts(with: scheme) } ?? run.count
  }

  /// Step 3. The result has no white space but single spaces, those for `_` aside.
  private static func spaced(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    var spaced: [Unicode.Scalar] = []
    var endsInSpace = false
    for scalar in text {
      let isSpace = scalar.isPythonSpace || scalar.properties.generalCategory == .decimalNumber
      if isSpace, endsInSpace { continue }
      endsInSpace = isSpace
      spaced.append(isSpace || scalar == "_" ? " " : scalar)
    }
    return spaced
  }

  /// Step 4. Bytes rather than scalars: nothing but ASCII is left.
  private static func joinedWords(_ text: [Unicode.Scalar]) -> String {
    var joined: [UInt8] = []
    for word in text.split(separator: " ") {
      let letters = word.flatMap(asciiDecomposition)
      if letters.isEmpty { continue }
      if !joined.isEmpty { joined.append(UInt8(ascii: " ")) }
      joined += letters.map(lowercasedOrSpace)
    }
    let isSpace = { (byte: UInt8) in byte == UInt8(ascii: " ") }
    let trimmed = joined.drop(while: isSpace).reversed().drop(while: isSpace).reversed()
    return String(decoding: Array(trimmed), as: UTF8.self)
  }

  /// What NFKD leaves of a scalar in ASCII. Reordering of marks does not matter here: no mark is ASCII.
  private static func asciiDecomposition(of scalar: Unicode.Scalar) -> [UInt8] {
    if scalar.isASCII { return [UInt8(scalar.value)] }
    return String(scalar).decomposedStringWithCompatibilityMapping.utf8.filter { $0 < 0x80 }
  }

  private static func lowercasedOrSpace(_ byte: UInt8) -> UInt8 {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): byte
    default: UInt8(ascii: " ")
    }
  }
}

extension Unicode.Scalar {
  /// What Python's `str.isspace` and `\s` accept: Unicode white space and the four ASCII separators.
  var isPythonSpace: Bool {
    properties.isWhitespace || ("\u{1C}"..."\u{1F}").contains(self)
  }
}
