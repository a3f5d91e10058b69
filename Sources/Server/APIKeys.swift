import Crypto
import Foundation

/// The keys that clients must show, kept as digests.
public struct APIKeys: Sendable {
  private let digests: [[UInt8]]

  /// Reads keys, one a line; empty lines and lines that begin with `#` are left out.
  ///
  /// - Parameter source: what errors call the text.
  public init(_ text: String, source: String) throws(ServerError) {
    let keys = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty && !$0.hasPrefix("#") }
    guard !keys.isEmpty else { throw .unusableKeys("\(source): there is no key; write one a line") }
    if let short = keys.firstIndex(where: { $0.utf8.count < 16 }) {
      throw .unusableKeys(
        "\(source): key \(short + 1) has fewer than 16 characters; make one with: openssl rand -hex 32")
    }
    digests = keys.map { Array(SHA256.hash(data: Data($0.utf8))) }
  }

  /// Whether a key is one of them. How long this takes depends on the count of keys and the length of what was shown alone.
  func contains(_ key: String) -> Bool {
    let shown = Array(SHA256.hash(data: Data(key.utf8)))
    var found: UInt8 = 0
    for digest in digests {
      let difference = zip(digest, shown).reduce(0) { $0 | ($1.0 ^ $1.1) }
      found |= difference == 0 ? 1 : 0
    }
    return found == 1
  }
}
