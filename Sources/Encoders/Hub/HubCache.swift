import Checkpoints
import Foundation

/// The folder where Python's huggingface_hub keeps models, in its layout, so that either finds what the other fetched.
///
///     models--ORG--NAME/refs/main                      the commit that a branch was at
///     models--ORG--NAME/blobs/ETAG                     the bytes of a file, named by their hash
///     models--ORG--NAME/snapshots/COMMIT/FILE          a link to ../../blobs/ETAG
///     .locks/models--ORG--NAME/ETAG.lock
///
/// Source: huggingface_hub `file_download.py`.
public struct HubCache: Sendable {
  /// A model in the cache that looks like an encoder.
  public struct Model: Sendable, Encodable, Equatable {
    /// `org/name`.
    public let name: String
    /// The snapshot of its branch `main`.
    public let folder: String
    public let commit: String
    public let family: HubFamily

    enum CodingKeys: String, CodingKey {
      case name, folder, commit
      case family = "model_type"
    }
  }

  public let folder: URL

  public init(folder: URL = HubSettings().cacheFolder) {
    self.folder = folder
  }

  /// The snapshot of a model; `nil` unless it has a configuration and all of its weights.
  ///
  /// - Parameter revision: A branch, a tag or a commit.
  /// - Throws: ``HubFault/invalidName`` for a name that is none of the hub's.
  public func folder(of name: String, revision: String = "main") throws(EncoderError) -> URL? {
    guard let commit = try commit(of: name, revision: revision) else { return nil }
    let snapshot = try self.snapshot(of: name, commit: commit)
    return Self.isComplete(snapshot) ? snapshot : nil
  }

  /// The snapshot of a model that must be there.
  ///
  /// - Throws: ``HubFault/notCached(_:)``, which names the command that fetches it.
  public func requiredFolder(of name: String, revision: String = "main") throws(EncoderError) -> URL {
    guard let folder = try folder(of: name, revision: revision) else {
      throw .hub(model: name, .notCached(self.folder))
    }
    return folder
  }

  /// The models whose configuration is that of an encoder, by name.
  public func encoders() -> [Model] {
    // A cache that is not there yet holds nothing.
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return entries.sorted().compactMap { entry in
      guard entry.hasPrefix("models--"), let middle = entry.dropFirst(8).firstRange(of: "--") else { return nil }
      let name = entry.dropFirst(8)[..<middle.lowerBound] + "/" + entry[middle.upperBound...]
      // What other programs left broken there is not an encoder.
      guard let snapshot = try? folder(of: String(name)),
        let family = try? HubFamily(of: HubFolder(url: snapshot))
      else { return nil }
      return Model(name: String(name), folder: snapshot.path, commit: snapshot.lastPathComponent, family: family)
    }
  }

  // MARK: Names

  /// The folder of a model with all its versions.
  func modelFolder(of name: String) throws(EncoderError) -> URL {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ Self.isSafe($0) && $0.count <= 96 }), !name.contains("--") else {
      throw .hub(model: name, .invalidName)
    }
    return folder.appending(path: "models--\(parts[0])--\(parts[1])")
  }

  /// Whether a name stays in its folder: letters, digits, `.`, `_` and `-`, no dot in front, no two dots in a row.
  static func isSafe(_ name: some StringProtocol) -> Bool {
    String(name).wholeMatch(of: /[A-Za-z0-9_][A-Za-z0-9._-]*/) != nil && !name.contains("..")
  }

  static func isCommit(_ text: String) -> Bool { text.wholeMatch(of: /[0-9a-f]{40}/) != nil }

  func snapshot(of name: String, commit: String) throws(EncoderError) -> URL {
    try modelFolder(of: name).appending(path: "snapshots/\(commit)")
  }

  /// The commit that a branch or tag was at when it was fetched.
  func commit(of name: String, revision: String) throws(EncoderError) -> String? {
    let parts = revision.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.allSatisfy(Self.isSafe) else { throw .hub(model: name, .invalidName) }
    if Self.isCommit(revision) { return revision }
    let file = try modelFolder(of: name).appending(path: "refs/\(revision)")
    // A reference that is missing or damaged is written anew by the next download.
    let text = (try? String(contentsOf: file, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
    return text.flatMap { Self.isCommit($0) ? $0 : nil }
  }

  private static func isComplete(_ snapshot: URL) -> Bool {
    func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: snapshot.appending(path: name).path) }
    if has(OpenCLIPModel.configurationName), HubFiles.openCLIPWeights.contains(where: has) { return true }
    guard has("config.json") else { return false }
    if has(HubFiles.weights) || has(HubFiles.pickledWeights) { return true }
    guard let index = try? Data(contentsOf: snapshot.appending(path: HubFiles.weightIndex)) else { return false }
    return HubFiles.shards(of: index)?.allSatisfy(has) ?? false
  }

  // MARK: Writing

  /// Lets a file of a snapshot point to its blob; a link to another one is replaced.
  func link(_ file: String, to blob: URL, in snapshot: URL) throws(CheckpointError) {
    let place = snapshot.appending(path: file)
    try Self.create(place.deletingLastPathComponent())
    let steps = 2 + file.split(separator: "/").count - 1
    let target = String(repeating: "../", count: steps) + "blobs/" + blob.lastPathComponent
    // A name of its own, since threads of one process may link the same file at once.
    let temporary = place.path + ".\(UUID().uuidString).link"
    // By renaming, so that the file is never missing in between.
    guard symlink(target, temporary) == 0, rename(temporary, place.path) == 0 else {
      let reason = String(cString: strerror(errno))
      throw CheckpointError(.unwritable, place, "cannot be made a link to \(target): \(reason)")
    }
  }

  /// Notes that a branch is at a commit.
  func setReference(_ revision: String, of name: String, to commit: String) throws {
    let file = try modelFolder(of: name).appending(path: "refs/\(revision)")
    try Self.create(file.deletingLastPathComponent())
    try writeAtomically(Data(commit.utf8), to: file)
  }

  static func create(_ folder: URL) throws(CheckpointError) {
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw CheckpointError(
        .unwritable, folder, "cannot be created: \(error.localizedDescription); set HF_HUB_CACHE to another folder")
    }
  }
}
