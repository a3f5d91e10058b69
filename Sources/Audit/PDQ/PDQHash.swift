/// The 256 bits that PDQ makes of a picture: pictures that look alike differ in few of them.
public struct PDQHash: Hashable, Sendable {
  /// Bit 16 · i + j is of row frequency i + 1 and column frequency j + 1; bit 0 is the lowest of the first word.
  public var words: SIMD4<UInt64>

  /// How many bits may differ between pictures that count as near duplicates; PDQ's authors' own threshold.
  public static let nearDistance = 31

  public init(words: SIMD4<UInt64>) {
    self.words = words
  }

  /// The bits that differ, 0 to 256.
  @inlinable
  public func distance(to other: PDQHash) -> Int {
    let bits = words ^ other.words
    return bits.x.nonzeroBitCount + bits.y.nonzeroBitCount + bits.z.nonzeroBitCount + bits.w.nonzeroBitCount
  }

  /// One of the sixteen 16-bit pieces, the lowest bits first.
  func chunk(_ index: Int) -> UInt16 { UInt16(truncatingIfNeeded: words[index / 4] >> UInt64(16 * (index % 4))) }
}

extension PDQHash: CustomStringConvertible {
  /// 64 hexadecimal digits, the highest bits first, as PDQ's tools print them.
  public var description: String {
    [words.w, words.z, words.y, words.x].map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }

  /// Reads what ``description`` prints; `nil` for anything else.
  public init?(hexadecimal text: String) {
    let digits = Array(text.utf8)
    guard digits.count == 64, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return nil }
    let parts = stride(from: 0, to: 64, by: 16).compactMap { start in
      UInt64(String(decoding: digits[start..<start + 16], as: UTF8.self), radix: 16)
    }
    guard parts.count == 4 else { return nil }
    words = SIMD4(parts[3], parts[2], parts[1], parts[0])
  }
}

extension PDQHash: Codable {
  /// Reads what ``description`` prints.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let hash = PDQHash(hexadecimal: text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "'\(text)' is no hash; expected 64 hexadecimal digits")
    }
    self = hash
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
