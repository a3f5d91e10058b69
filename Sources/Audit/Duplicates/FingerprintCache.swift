import Crypto
import Foundation
import MemeData

/// Fingerprints kept on disk, so that the pictures of a dataset are decoded and hashed once.
///
/// A table is kept under a digest of ids, texts, and the paths, sizes and times of change of the pictures: where one of
/// these changes, all are hashed anew.
public struct FingerprintCache: Sendable {
  private let folder: URL

  /// - Parameter folder: where tables are kept; made when the first one is.
  public init(folder: URL) { self.folder = folder }

  /// The table of some memes, hashed if it is not there.
  ///
  /// - Parameter progress: told how many memes are hashed, from any thread.
  /// - Throws: where the cache cannot be written.
  public func table(of memes: [Meme], progress: @Sendable (_ done: Int) -> Void) throws -> FingerprintTable {
    let file = folder.appending(path: "\(Self.digest(of: memes)).json")
    // A file that was damaged is like one that is not there.
    if let data = FileManager.default.contents(atPath: file.path),
      let table = try? JSONDecoder().decode(FingerprintTable.self, from: data), table.fingerprints.count == memes.count
    {
      return table
    }
    let table = FingerprintTable(of: memes, progress: progress)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try JSONEncoder().encode(table).write(to: file, options: .atomic)
    return table
  }

  /// The layout of the tables and the kind of hash; another number leaves earlier tables alone.
  private static let version = "1"

  private static func digest(of memes: [Meme]) -> String {
    var hash = SHA256()
    hash.update(field: version)
    for meme in memes {
      hash.update(field: meme.id)
      guard let file = meme.image else {
        hash.update(field: "text")
        hash.update(field: meme.text ?? "")
        continue
      }
      hash.update(field: "picture")
      hash.update(field: file.path)
      // A picture that is not there is a broken one, until it comes.
      let attributes = try? FileManager.default.attributesOfItem(atPath: file.path)
      hash.update(field: "\(attributes?[.size] as? Int ?? -1)")
      hash.update(field: "\((attributes?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? -1)")
    }
    return hash.finalize().hex
  }
}
