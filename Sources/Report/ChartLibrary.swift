import Crypto
import Foundation

/// Apache ECharts, which draws the charts of a page, as the text of its one file.
///
/// Scripts/setup takes it out of a wheel into `.dependencies/charts`; `Scripts/pins.sh` has the same version and hash.
public struct ChartLibrary: Sendable {
  public static let version = "6.0.0"
  static let fileName = "echarts.min.js"
  static let sha256 = "baa8dfe7e1d9336b98e8986ba7e20ea15e7cdbea1ef42a59d59478632fa45a1d"

  let text: String

  /// Any text in the library's place; nothing is drawn with it.
  init(text: String) { self.text = text }

  /// Reads the library from the first of `folders` that has it.
  ///
  /// - Throws: ``ChartLibraryError`` where none has, or where the file is not the pinned one.
  public init(in folders: [URL]) throws(ChartLibraryError) {
    let files = folders.map { $0.appending(path: Self.fileName) }
    for file in files {
      guard let data = FileManager.default.contents(atPath: file.path) else { continue }
      let found = SHA256.hash(data: data).map { String(format: "%02x", $0) }.joined()
      guard found == Self.sha256 else { throw .otherFile(file, sha256: found) }
      text = String(decoding: data, as: UTF8.self)
      return
    }
    throw .missing(searched: folders)
  }
}

/// Why no report can be made.
public enum ChartLibraryError: Error, Equatable, CustomStringConvertible {
  case missing(searched: [URL])
  /// A file of that name that is not the pinned one.
  case otherFile(URL, sha256: String)

  public var description: String {
    switch self {
    case .missing(let searched):
      "the charting library of reports, \(ChartLibrary.fileName) of Apache ECharts \(ChartLibrary.version), is not in "
        + searched.map(\.path).joined(separator: ", ")
        + "; run Scripts/setup, or set MEMESENSE_CHARTS to its folder"
    case .otherFile(let file, let sha256):
      "\(file.path) has the SHA-256 \(sha256), expected \(ChartLibrary.sha256) (Apache ECharts "
        + "\(ChartLibrary.version)); delete it and run Scripts/setup"
    }
  }
}
