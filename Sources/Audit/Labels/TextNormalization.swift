import Foundation

/// Makes texts equal that differ in nothing a reader minds.
public enum TextNormalization {
  /// The words of a text in lower case with one space between them: compatible forms of characters count as one (NFKC),
  /// and all but letters, marks and digits parts words. A text without any of those keeps its characters.
  public static func normalized(_ text: String) -> String {
    let lowercased = text.precomposedStringWithCompatibilityMapping.lowercased()
    let words = lowercased.split { !isPartOfWord($0) }
    guard !words.isEmpty else {
      return lowercased.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
    return words.joined(separator: " ")
  }

  private static func isPartOfWord(_ character: Character) -> Bool {
    character.unicodeScalars.first.map { $0.properties.isAlphabetic || $0.properties.numericType != nil } ?? false
  }
}
