import Checkpoints
import Crypto
import Foundation
import MemeData

/// One version of a model in the cache, with the files that an encoder needs.
public struct HubSnapshot: Sendable, Encodable, Equatable {
  public struct File: Sendable, Encodable, Equatable {
    public let name: String
    public let bytes: Int
    /// 64 lower-case hexadecimal digits.
    public let sha256: String

    /// Measures a file of a folder.
    ///
    /// - Parameter sha256: Its hash where that is known.
    /// - Throws: `CheckpointError` when the file cannot be read.
    public init(named name: String, in folder: URL, sha256: String? = nil) throws(CheckpointError) {
      let file = folder.appending(path: name)
      self.name = name
      bytes = try MappedFile(file).bytes.count
      if let sha256 { self.sha256 = sha256 } else { self.sha256 = try SHA256.hash(of: file).hex }
    }
  }

  /// `org/name`.
  public let name: String
  public let folder: String
  public let files: [File]
  public let commit: String

  /// - Parameter verified: Files whose hash is known; `nil` for all that an encoder needs and the folder has.
  /// - Throws: `CheckpointError` when a file cannot be read.
  init(name: String, folder: URL, verified: [HubEndpoint.FileDescription]? = nil) throws {
    (self.name, self.folder, commit) = (name, folder.path, folder.lastPathComponent)
    let etags = verified.map { Dictionary(uniqueKeysWithValues: $0.map { ($0.name, $0.etag) }) }
    let names = try etags?.keys.sorted() ?? Self.names(in: folder)
    files = try names.map { name in
      try File(named: name, in: folder, sha256: etags?[name].flatMap { $0.count == 64 ? $0 : nil })
    }
  }

  private static func names(in folder: URL) throws -> [String] {
    let present = Set(try FileManager.default.subpathsOfDirectory(atPath: folder.path))
    let weights = HubFiles.weights(in: present, isOpenCLIP: try HubFolder(url: folder).isOpenCLIP())
    var names = HubFiles.descriptions(in: present) + [weights].compactMap(\.self)
    if weights == HubFiles.weightIndex {
      names += HubFiles.shards(of: try Data(contentsOf: folder.appending(path: HubFiles.weightIndex))) ?? []
    }
    return names.sorted()
  }
}
