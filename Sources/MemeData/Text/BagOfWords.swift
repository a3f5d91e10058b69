/// Which of the commonest words a text has: CMML's text features (reference 02 §3), as scikit-learn's
/// `CountVectorizer(max_features:, binary=True)` makes them.
///
/// A word is a run of at least two letters, digits and underscores, in lower case. Of words that equally many texts have,
/// those first in the order of their code points are kept; scikit-learn leaves that to its sorting.
public struct BagOfWords: Sendable, Equatable {
  /// The words in the order of their code points; a word's place is its column.
  public let vocabulary: [String]
  private let columns: [Word: Int]

  /// A word by its code points: `String` takes differently composed letters for equal, Python does not.
  private typealias Word = [Unicode.Scalar]

  /// A bag of words known from before.
  public init(vocabulary: [String]) {
    self.vocabulary = vocabulary
    columns = Dictionary(
      zip(vocabulary.map { Word($0.unicodeScalars) }, vocabulary.indices), uniquingKeysWith: { first, _ in first })
  }

  /// The words that most of `texts` have, at most `limit` of them.
  public init(fitting texts: some Sequence<String>, limit: Int) {
    var counts: [Word: Int] = [:]
    for text in texts {
      for word in Set(Self.words(of: text)) { counts[word, default: 0] += 1 }
    }
    let commonest = counts.sorted {
      $0.value != $1.value ? $0.value > $1.value : $0.key.lexicographicallyPrecedes($1.key)
    }.prefix(limit)
    let ordered = commonest.map(\.key).sorted { $0.lexicographicallyPrecedes($1) }
    self.init(vocabulary: ordered.map { String(String.UnicodeScalarView($0)) })
  }

  /// The columns of the words that a text has, ascending.
  public func columns(of text: String) -> [Int] { Set(Self.words(of: text).compactMap { columns[$0] }).sorted() }

  /// Whether a text has a word that could be counted.
  public static func hasWord(_ text: String) -> Bool { !words(of: text).isEmpty }

  /// What Python's `(?u)\b\w\w+\b` finds in the text in lower case.
  private static func words(of text: String) -> [Word] {
    text.lowercased().unicodeScalars.split { !$0.isWordCharacter }.filter { $0.count > 1 }.map(Word.init)
  }
}

extension Unicode.Scalar {
  /// What Python's `\w` matches.
  fileprivate var isWordCharacter: Bool {
    if isASCII { return self == "_" || properties.isAlphabetic || ("0"..."9").contains(self) }
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
      .letterNumber, .otherNumber:
      return true
    default: return false
    }
  }
}
