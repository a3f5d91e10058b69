import Checkpoints
import Crypto
import Foundation
import MemeData

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// Fetches the files of an encoder from the Hugging Face hub into the cache that huggingface_hub keeps.
///
/// Only what an encoder needs is fetched (``HubFiles``). Each file is checked by the hash and the size that the hub
/// gives for it, and appears whole or not at all; a download that was cut off is gone on with by the next call. The
/// branch points to the new commit once all files are there.
public struct HubDownload: Sendable {
  /// How far a model is.
  public struct Progress: Sendable {
    /// The file under way.
    public let file: String
    /// The bytes of all files that are at hand.
    public let byteCount: Int
    /// The bytes of all files.
    public let totalByteCount: Int
  }

  public let cache: HubCache
  private let settings: HubSettings
  private let idleSeconds: Double
  private let backlogLimit: Int

  public init(_ settings: HubSettings = HubSettings()) {
    self.init(settings, idleSeconds: 60)
  }

  init(_ settings: HubSettings, idleSeconds: Double, backlogLimit: Int = 64 << 20) {
    cache = HubCache(folder: settings.cacheFolder)
    (self.settings, self.idleSeconds, self.backlogLimit) = (settings, idleSeconds, backlogLimit)
  }

  /// Brings those files of a model that are not in the cache, or not as the hub describes them.
  ///
  /// - Parameters:
  ///   - name: `org/name`.
  ///   - progress: Called on this thread, often.
  /// - Throws: ``EncoderError/hub(model:_:)``, or `CheckpointError` when the cache cannot be written.
  public func fetch(
    _ name: String, revision: String = "main", progress: (Progress) -> Void = { _ in }
  ) throws -> HubSnapshot {
    if settings.isOffline {
      guard let folder = try cache.folder(of: name, revision: revision) else {
        throw EncoderError.hub(model: name, .offline(cache.folder))
      }
      return try HubSnapshot(name: name, folder: folder)
    }
    let model = try cache.modelFolder(of: name)
    _ = try cache.commit(of: name, revision: revision)  // A name that is none of the hub's ends here.
    let endpoint = try HubEndpoint(settings, model: name, idleSeconds: idleSeconds)
    let (commit, listed) = try endpoint.files(revision: revision)
    let snapshot = try cache.snapshot(of: name, commit: commit)
    func noEncoder(_ reason: String) -> EncoderError {
      endpoint.fault(.noEncoder(endpoint.root.appending(path: name), reason: reason))
    }
    let mayBeOpenCLIP = listed.contains(OpenCLIPModel.configurationName)
    guard mayBeOpenCLIP || listed.contains("config.json") else { throw noEncoder("the model has no config.json") }
    try HubCache.create(model.appending(path: "blobs"))

    var files: [HubEndpoint.FileDescription] = []
    func describe(_ names: [String]) throws {
      for file in names { files.append(try endpoint.describe(file, commit: commit)) }
    }
    var done = 0
    func bring(_ file: HubEndpoint.FileDescription) throws {
      let total = files.reduce(0) { $0 + $1.byteCount }
      let blob = try blob(of: file, commit: commit, from: endpoint) { count in
        progress(Progress(file: file.name, byteCount: done + count, totalByteCount: total))
      }
      try cache.link(file.name, to: blob, in: snapshot)
      done += file.byteCount
      progress(Progress(file: file.name, byteCount: done, totalByteCount: total))
    }
    /// All those named, described first so that their size is known.
    func bring(_ names: [String]) throws {
      let start = files.count
      try describe(names)
      try files[start...].forEach(bring)
    }
    var isOpenCLIP = mayBeOpenCLIP
    if mayBeOpenCLIP, listed.contains("config.json") {
      // What stands in it says which of the weights are those of the whole network.
      try bring(["config.json"])
      isOpenCLIP = try HubFolder(url: snapshot).modelType() == nil
    }
    guard let weights = HubFiles.weights(in: listed, isOpenCLIP: isOpenCLIP) else {
      let expected = isOpenCLIP ? HubFiles.openCLIPWeights : [HubFiles.weights, HubFiles.pickledWeights]
      throw noEncoder("the model has no \(expected.joined(separator: " and no "))")
    }
    let descriptions = HubFiles.descriptions(in: listed).filter { name in !files.contains { $0.name == name } }
    if weights == HubFiles.weightIndex {
      try bring([weights])
      let index = snapshot.appending(path: weights)
      guard let shards = HubFiles.shards(of: try Data(contentsOf: index)) else {
        throw noEncoder("\(weights) is no index of safetensors files beside it")
      }
      if let missing = shards.first(where: { !listed.contains($0) }) {
        throw noEncoder("the model has no \(missing), which \(weights) names")
      }
      try bring(descriptions + shards)
    } else {
      try bring(descriptions + [weights])
    }
    if !HubCache.isCommit(revision) { try cache.setReference(revision, of: name, to: commit) }
    return try HubSnapshot(name: name, folder: snapshot, verified: files)
  }

  /// The checked bytes of a file, fetched unless they are in the cache.
  private func blob(
    of file: HubEndpoint.FileDescription, commit: String, from endpoint: HubEndpoint, progress: (Int) -> Void
  ) throws -> URL {
    let model = try cache.modelFolder(of: endpoint.model)
    let blob = model.appending(path: "blobs/\(file.etag)")
    let locks = cache.folder.appending(path: ".locks/\(model.lastPathComponent)")
    try HubCache.create(locks)
    // The lock that huggingface_hub takes for the same file.
    let lock = try FileLock(locks.appending(path: file.etag + ".lock"))
    return try withExtendedLifetime(lock) {
      if FileManager.default.fileExists(atPath: blob.path), try difference(of: blob, from: file) == nil { return blob }
      let partial = model.appending(path: "blobs/\(file.etag).incomplete")
      let output = try IncompleteFile(partial)
      try download(file, at: endpoint.address(of: file.name, commit: commit), from: endpoint, to: output, progress)
      if let difference = try difference(of: partial, from: file) {
        try FileManager.default.removeItem(at: partial)
        throw endpoint.fault(.damaged(partial, reason: "\(file.name) \(difference)"))
      }
      try output.commit(to: blob)
      return blob
    }
  }

  private func download(
    _ file: HubEndpoint.FileDescription, at address: URL, from endpoint: HubEndpoint, to output: IncompleteFile,
    _ progress: (Int) -> Void
  ) throws {
    func failure(_ reason: String) -> EncoderError { endpoint.fault(.unreachable(address, reason: reason)) }
    func checkRoom(for more: Int64) throws {
      guard more <= Int64(file.byteCount - output.byteCount) else {
        try output.clear()
        throw failure("the server sends more than the \(file.byteCount) bytes of \(file.name)")
      }
    }
    if output.byteCount > file.byteCount { try output.clear() }
    while output.byteCount < file.byteCount {
      let start = output.byteCount
      var request = endpoint.request(address)
      if start > 0 { request.setValue("bytes=\(start)-", forHTTPHeaderField: "Range") }
      do {
        try HTTPTransfer.get(request, idleSeconds: idleSeconds, backlogLimit: backlogLimit) { head in
          if head.status == 416 || head.status == 206 && head.contentRange?.hasPrefix("bytes \(start)-") != true {
            // What is there is no part of what this server has; the next call starts anew.
            try output.clear()
            throw failure("the server does not go on from byte \(start) (status \(head.status))")
          }
          try endpoint.check(head.status, address)
          // The whole file, also when only its end was asked for.
          if head.status == 200 { try output.clear() }
          try checkRoom(for: head.byteCount ?? 0)
        } bytes: { data in
          try checkRoom(for: Int64(data.count))
          try output.append(data)
          progress(output.byteCount)
        }
      } catch let error as HTTPTransfer.ConnectionFailure {
        // Each round takes more than the one before, so that this comes to an end.
        if error.isBacklog, output.byteCount > start { continue }
        throw failure("\(error.reason), after \(output.byteCount) of \(file.byteCount) bytes of \(file.name)")
      }
      guard output.byteCount == file.byteCount else {
        throw failure("the answer ended after \(output.byteCount) of \(file.byteCount) bytes of \(file.name)")
      }
    }
  }

  /// In what a file is not the one that the hub describes; `nil` when it is.
  private func difference(of url: URL, from file: HubEndpoint.FileDescription) throws(CheckpointError) -> String? {
    let byteCount = try MappedFile(url).bytes.count
    guard byteCount == file.byteCount else { return "has \(byteCount) bytes, expected \(file.byteCount)" }
    let isLarge = file.etag.count == 64
    let hash =
      isLarge
      ? try SHA256.hash(of: url).hex
      // As git names the contents of a file.
      : try Insecure.SHA1.hash(of: url, prefix: "blob \(byteCount)\0").hex
    return hash == file.etag
      ? nil : "has the \(isLarge ? "SHA-256" : "git hash") \(hash), expected \(file.etag)"
  }
}
