import Checkpoints
import Foundation
import Testing

@testable import Encoders

@Suite struct HubDownloadTests {
  private let server: HubServer
  private let temporary: TemporaryFolder
  private let folder: URL
  private static let commit = "0123456789abcdef0123456789abcdef01234567"
  private static let weightsSize = 300_000

  init() throws {
    server = try HubServer()
    temporary = try TemporaryFolder()
    folder = temporary.url.appending(path: "cache/hub")
  }

  private var cache: HubCache { HubCache(folder: folder) }

  private func settings(_ more: [String: String] = [:]) -> HubSettings {
    let environment = [
      "HOME": temporary.url.path, "HF_HUB_CACHE": folder.path, "HF_ENDPOINT": server.endpoint,
    ]
    return HubSettings(environment: environment.merging(more) { $1 })
  }

  @discardableResult
  private func fetch(_ mode: String, _ more: [String: String] = [:]) throws -> HubSnapshot {
    try HubDownload(settings(more)).fetch("\(mode)/model")
  }

  /// What a fetch that must fail says; the model must not appear.
  private func fault(_ mode: String, _ more: [String: String] = [:]) throws -> HubFault {
    let error = try #require(throws: EncoderError.self) { try fetch(mode, more) }
    #expect(try cache.folder(of: "\(mode)/model") == nil)
    guard case .hub(let model, let fault) = error else { throw error }
    #expect(model == "\(mode)/model")
    return fault
  }

  private func expectComplete(_ mode: String) throws {
    let snapshot = try #require(try cache.folder(of: "\(mode)/model"))
    let model = folder.appending(path: "models--\(mode)--model")
    #expect(snapshot.path == model.appending(path: "snapshots/\(Self.commit)").path)
    #expect(try String(contentsOf: model.appending(path: "refs/main"), encoding: .utf8) == Self.commit)
    #expect(try Data(contentsOf: snapshot.appending(path: "model.safetensors")).count == Self.weightsSize)
    for file in try FileManager.default.contentsOfDirectory(atPath: model.appending(path: "blobs").path) {
      #expect(!file.hasSuffix(".incomplete"))
    }
  }

  @Test func aModelIsLaidOutAsTheHubsOwnCache() throws {
    let snapshot = try fetch("good")
    try expectComplete("good")
    #expect(snapshot.commit == Self.commit && snapshot.name == "good/model")
    #expect(
      snapshot.files.map(\.name)
        == ["1_Pooling/config.json", "config.json", "model.safetensors", "preprocessor_config.json", "vocab.json"])
    let root = URL(fileURLWithPath: snapshot.folder)
    for (file, prefix) in [("vocab.json", "../../blobs/"), ("1_Pooling/config.json", "../../../blobs/")] {
      let path = root.appending(path: file).path
      let target = try FileManager.default.destinationOfSymbolicLink(atPath: path)
      #expect(target.hasPrefix(prefix) && target.count == prefix.count + 40, "\(target)")
    }
    #expect(try String(contentsOf: root.appending(path: "vocab.json"), encoding: .utf8) == #"{"a": 0}"#)
    // The hash that the report gives is that of the bytes, whatever the blob is called.
    #expect(try HubDownload(settings(["HF_HUB_OFFLINE": "1"])).fetch("good/model") == snapshot)
    let model = HubCache.Model(name: "good/model", folder: root.path, commit: Self.commit, family: .clip)
    #expect(cache.encoders() == [model])
  }

  @Test func namesThatLeaveTheFolderAreLeftAlone() throws {
    try fetch("good")
    let all = try FileManager.default.subpathsOfDirectory(atPath: temporary.url.path)
    #expect(!all.contains { $0.hasSuffix("evil.txt") } && all.filter { $0.hasSuffix("README.md") }.isEmpty)
    #expect(all.filter { $0.hasSuffix("/config.json") }.count == 2)
    guard case .noEncoder = try fault("traversing") else { throw try fault("traversing") }
    for mode in ["escaping", "unhashed"] {
      guard case .unexpectedAnswer = try fault(mode) else { throw try fault(mode) }
    }
    #expect(!FileManager.default.fileExists(atPath: temporary.url.appending(path: "evil").path))
  }

  @Test func whatIsThereIsNotFetchedAgainAndWhatIsDamagedIs() throws {
    try fetch("good")
    let first = try server.log().filter { $0.method == "GET" && $0.path.contains("/model.safetensors") }.count
    try fetch("good")
    let weights = folder.appending(path: "models--good--model/snapshots/\(Self.commit)/model.safetensors")
    #expect(try server.log().filter { $0.method == "GET" && $0.path.contains("/model.safetensors") }.count == first)
    try Data(repeating: 1, count: Self.weightsSize).write(to: weights.resolvingSymlinksInPath())
    try fetch("good")
    #expect(try Data(contentsOf: weights) != Data(repeating: 1, count: Self.weightsSize))
    try expectComplete("good")
  }

  @Test func aCutDownloadIsGoneOnWith() throws {
    let half = Self.weightsSize / 2
    let message = try fault("cut").description
    #expect(message.contains("after \(half) of \(Self.weightsSize) bytes of model.safetensors"), "\(message)")
    try fetch("cut")
    try expectComplete("cut")
    // The first half was fetched once, the second asked for alone.
    #expect(try server.log().filter(\.isStore).map(\.range) == [nil, "bytes=\(half)-"])
  }

  @Test func aServerThatIgnoresTheRangeStartsAnew() throws {
    _ = try fault("whole")
    try fetch("whole")
    try expectComplete("whole")
    #expect(try server.log().filter(\.isStore).map(\.range) == [nil, "bytes=\(Self.weightsSize / 2)-"])
  }

  @Test func aRangeFromElsewhereIsGivenUp() throws {
    _ = try fault("misplaced")
    #expect(try fault("misplaced").description.contains("does not go on from byte \(Self.weightsSize / 2)"))
    let blobs = folder.appending(path: "models--misplaced--model/blobs")
    let name = try #require(
      try FileManager.default.contentsOfDirectory(atPath: blobs.path).first { $0.hasSuffix(".incomplete") })
    #expect(try Data(contentsOf: blobs.appending(path: name)).isEmpty)
  }

  @Test func aHashThatDoesNotFitIsTold() throws {
    for (mode, reason) in [("wrong", "model.safetensors has the SHA-256"), ("wrongsmall", "json has the git hash")] {
      guard case .damaged(let file, let text) = try fault(mode) else { throw try fault(mode) }
      #expect(text.contains(reason) && !FileManager.default.fileExists(atPath: file.path), "\(text)")
    }
  }

  @Test func aSizeThatDoesNotFitIsTold() throws {
    #expect(try fault("longer").description.contains("sends more than the \(Self.weightsSize) bytes"))
    #expect(try fault("shorter").description.contains("after \(Self.weightsSize - 1) of \(Self.weightsSize) bytes"))
  }

  @Test func theTokenGoesToTheHubAlone() throws {
    try fetch("gated", ["HF_TOKEN": " secret\n"])
    try expectComplete("gated")
    let log = try server.log()
    #expect(log.filter { !$0.isStore }.allSatisfy { $0.authorization == "Bearer secret" })
    #expect(log.contains(where: \.isStore) && log.filter(\.isStore).allSatisfy { $0.authorization == nil })
  }

  @Test func aModelThatNeedsATokenSaysSo() throws {
    for (mode, status, token) in [("gated", 401, ""), ("gated", 401, "wrong"), ("forbidden", 403, "secret")] {
      let fault = try self.fault(mode, ["HF_TOKEN": token])
      guard case .refused(_, status, !token.isEmpty) = fault else { throw fault }
      #expect(fault.description.contains("HF_TOKEN") && fault.description.contains("licence"))
    }
  }

  @Test func aRenamedModelIsFollowed() throws {
    try fetch("old")
    try expectComplete("old")
  }

  @Test func aModelThatIsNotThereIsNamed() throws {
    guard case .notFound = try fault("nobody") else { throw try fault("nobody") }
    guard case .notFound(let url) = try fault("missing") else { throw try fault("missing") }
    #expect(url.path.hasSuffix("/vocab.json"))
  }

  @Test(arguments: [
    ("bare", "no config.json"), ("weightless", "no model.safetensors"), ("incomplete", "model-00002-of-00002"),
  ])
  func aModelWithoutItsFilesIsNoEncoder(mode: String, reason: String) throws {
    guard case .noEncoder(_, let text) = try fault(mode) else { throw try fault(mode) }
    #expect(text.contains(reason), "\(text)")
  }

  @Test func shardsComeWithTheirIndexAndPickledWeightsIfThereAreNoOthers() throws {
    #expect(try fetch("sharded").files.map(\.name).filter { $0.hasSuffix(".safetensors") }.count == 2)
    #expect(try cache.folder(of: "sharded/model") != nil)
    #expect(try fetch("pickled").files.map(\.name).contains("pytorch_model.bin"))
    #expect(try cache.folder(of: "pickled/model") != nil)
  }

  /// timm's own weights are those of the vision tower; LAION keeps the same network in either layout.
  @Test func openCLIPsWeightsComeWhereItAloneDescribesTheNetwork() throws {
    func weights(_ mode: String) throws -> [String] {
      try fetch(mode).files.map(\.name).filter { $0.hasSuffix(".safetensors") || $0.hasSuffix(".bin") }
    }
    #expect(try weights("timm") == ["open_clip_model.safetensors"])
    #expect(try weights("laion") == ["model.safetensors"])
    #expect(try weights("openclip") == ["open_clip_pytorch_model.bin"])
    let names = try fetch("timm").files.map(\.name)
    #expect(Set(names).count == names.count && Set(names).isSuperset(of: ["config.json", "open_clip_config.json"]))
    #expect(
      cache.encoders().map { "\($0.name) \($0.family.rawValue)" }
        == ["laion/model clip", "openclip/model open_clip", "timm/model open_clip"])
    let offline = HubDownload(settings(["HF_HUB_OFFLINE": "1"]))
    for mode in ["timm", "laion", "openclip"] {
      #expect(try offline.fetch("\(mode)/model").files.count == fetch(mode).files.count)
    }
  }

  @Test(arguments: ["broken", "moved"]) func otherAnswersThanTheHubsAreTold(mode: String) throws {
    guard case .unexpectedAnswer = try fault(mode) else { throw try fault(mode) }
  }

  @Test func offlineSaysWhatToDo() throws {
    let fault = try self.fault("good", ["HF_HUB_OFFLINE": "1"])
    #expect(fault == .offline(folder) && fault.description.contains("copy the model's folder"))
    #expect(try server.log().isEmpty)
    // Port 1 is reserved, and closed on every machine.
    let unreachable = try self.fault("good", ["HF_ENDPOINT": "http://127.0.0.1:1"])
    #expect(unreachable.description.contains("set HF_ENDPOINT to a mirror"))
    for address in ["huggingface.co", "file:///srv", "http://me:secret@host", "https:///"] {
      #expect(try self.fault("good", ["HF_ENDPOINT": address]) == .invalidEndpoint)
    }
  }

  @Test func twoDownloadsAtOnceAgree() throws {
    let failures = FailureCount()
    let download = HubDownload(settings())
    DispatchQueue.concurrentPerform(iterations: 4) { _ in
      do { _ = try download.fetch("good/model") } catch { failures.add() }
    }
    #expect(failures.count == 0)
    try expectComplete("good")
    #expect(try server.log().filter(\.isStore).count == 1)
  }

  @Test func aCallerThatIsSlowGoesOnByRanges() throws {
    let download = HubDownload(settings(), idleSeconds: 30, backlogLimit: 32 << 10)
    var counts: [Int] = []
    _ = try download.fetch("good/model") { progress in
      counts.append(progress.byteCount)
      if progress.file == "model.safetensors" { usleep(20_000) }
    }
    #expect(counts == counts.sorted())
    try expectComplete("good")
    #expect(try server.log().filter(\.isStore).count > 1)
  }

  @Test func aFolderThatCannotBeMadeAndAFullDiskAreTold() throws {
    try Data().write(to: temporary.url.appending(path: "cache"))
    let error = try #require(throws: CheckpointError.self) { try fetch("good") }
    #expect(error.reason == .unwritable && error.description.contains("HF_HUB_CACHE"))
    let full = IncompleteFile(descriptor: open("/dev/full", O_WRONLY), byteCount: 0, url: folder)
    let other = try #require(throws: CheckpointError.self) { try full.append(Data(repeating: 1, count: 100)) }
    #expect(other.description.contains("free some space"))
  }
}

/// Counts on many threads.
private final class FailureCount: @unchecked Sendable {
  private let lock = NSLock()
  private var value = 0
  func add() { lock.withLock { value += 1 } }
  var count: Int { lock.withLock { value } }
}
