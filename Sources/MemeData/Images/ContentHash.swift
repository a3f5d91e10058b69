import Crypto
import Foundation

/// The SHA-256 of a file's bytes, which names the same content wherever it lies and whatever it is called.
public struct ContentHash: Sendable, Hashable, CustomStringConvertible {
  /// 64 lower-case hexadecimal digits.
  public let hex: String

  public init(of data: some DataProtocol) {
    self.init(digest: SHA256.hash(data: data))
  }

  /// Hashes a file of any size, a mebibyte at a time.
  public init(contentsOf url: URL) throws(ImageError) {
    do {
      let file = try FileHandle(forReadingFrom: url)
      var hash = SHA256()
      while let chunk = try file.read(upToCount: 1 << 20), !chunk.isEmpty {
        hash.update(data: chunk)
      }
      self.init(digest: hash.finalize())
    } catch {
      throw .unreadable(name: url.path, reason: error.localizedDescription)
    }
  }

  private init(digest: SHA256.Digest) {
    let digits = Array("0123456789abcdef".utf8)
    hex = String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  public var description: String { hex }
}
