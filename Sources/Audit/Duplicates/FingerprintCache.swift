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
    func add(_ field: String) { hash.update(data: Data("\(field.utf8.count):\(field)".utf8)) }
    add(version)
    for meme in memes {
      add(meme.id)
      guard let file = meme.image else {
        add("text")
        add(meme.text ?? "")
        continue
      }
      add("picture")
      add(file.path)
      // A picture that is not there is a broken one, until it comes.
      let attributes = try? FileManager.default.attributesOfItem(atPath: file.path)
      add("\(attributes?[.size] as? Int ?? -1)")
      add("\((attributes?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? -1)")
    }
    return hash.finalize().map { String(format: "%02x", $0) }.joined()
  }
}
