import Foundation
import Testing

@testable import Encoders

@Suite struct HubCacheTests {
  private let temporary: TemporaryFolder
  private let commit = String(repeating: "ab", count: 20)

  init() throws { temporary = try TemporaryFolder() }

  private var cache: HubCache { HubCache(folder: temporary.url) }

  private func write(_ text: String, _ path: String) throws {
    let file = temporary.url.appending(path: path)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  @Test(arguments: [
    (["HOME": "/h"], "/h/.cache/huggingface/hub"), (["HOME": "/h", "XDG_CACHE_HOME": "/x"], "/x/huggingface/hub"),
    (["HOME": "/h", "XDG_CACHE_HOME": "/x", "HF_HOME": "~/hf"], "/h/hf/hub"),
    (["HOME": "/h", "HF_HOME": "/hf", "HF_HUB_CACHE": "$BASE/c/${LEAF}", "BASE": "/b", "LEAF": "l"], "/b/c/l"),
    (["HOME": "/h", "HF_HOME": "/hf", "HUGGINGFACE_HUB_CACHE": "/old"], "/old"),
  ])
  func theCacheIsWherePythonHasIt(environment: [String: String], path: String) {
    #expect(HubSettings(environment: environment).cacheFolder.path == path)
  }

  @Test func aTokenComesFromTheEnvironmentOrALogin() throws {
    let home = temporary.url.path
    #expect(HubSettings(environment: ["HF_HOME": home]).token == nil)
    try write("of the login\n", "token")
    #expect(HubSettings(environment: ["HF_HOME": home]).token == "of the login")
    #expect(HubSettings(environment: ["HF_HOME": home, "HF_TOKEN": "a\r\nb "]).token == "ab")
  }

  @Test(arguments: [
    "", "/", "a/", "/b", "a", "a/b/c", "../b", "a/..", "a/.b", "a/b..c", "a/b--c", "a b/c", "a/b\n", "-a/b", "ä/b",
    "a/b%2f",
  ])
  func namesThatTheHubDoesNotGiveAreRefused(name: String) {
    #expect(throws: EncoderError.hub(model: name, .invalidName)) { try cache.folder(of: name) }
  }

  @Test(arguments: ["", "..", "../x", "refs/../..", "/main", "a b"])
  func revisionsThatLeaveTheFolderAreRefused(revision: String) {
    #expect(throws: EncoderError.hub(model: "a/b", .invalidName)) { try cache.folder(of: "a/b", revision: revision) }
  }

  @Test func onlyWholeModelsAreFound() throws {
    let snapshot = "models--a--b/snapshots/\(commit)"
    #expect(try cache.folder(of: "a/b") == nil)
    try write(commit + "\n", "models--a--b/refs/main")
    #expect(try cache.folder(of: "a/b") == nil)
    try write(#"{"model_type": "bert"}"#, snapshot + "/config.json")
    #expect(try cache.folder(of: "a/b") == nil)
    try write(#"{"weight_map": {"x": "s.safetensors"}}"#, snapshot + "/model.safetensors.index.json")
    #expect(try cache.folder(of: "a/b") == nil)
    try write("", snapshot + "/s.safetensors")
    #expect(try cache.folder(of: "a/b")?.path == temporary.url.appending(path: snapshot).path)
    #expect(try cache.folder(of: "a/b", revision: commit) != nil)
    try write("../../evil", "models--a--b/refs/main")
    #expect(try cache.folder(of: "a/b") == nil)
  }

  @Test func encodersAreThoseOfAFamilyThatIsRead() throws {
    let types = HubFamily.allCases.filter { $0 != .timm && $0 != .openCLIP }.map(\.rawValue)
    // What open_clip and timm are named here is no `model_type` of transformers.
    for type in types + ["llama", "", "open_clip", "timm"] {
      try write(#"{"model_type": "\#(type)"}"#, "models--a--x\(type)/snapshots/\(commit)/config.json")
    }
    try write(#"{"architecture": "resnet18"}"#, "models--b--timm/snapshots/\(commit)/config.json")
    try write("{}", "models--b--open/snapshots/\(commit)/config.json")
    try write("{}", "models--b--open/snapshots/\(commit)/open_clip_config.json")
    try write("{}", "models--b--none/snapshots/\(commit)/config.json")
    for folder in try FileManager.default.contentsOfDirectory(atPath: temporary.url.path) {
      try write(commit, "\(folder)/refs/main")
      try write("", "\(folder)/snapshots/\(commit)/pytorch_model.bin")
    }
    try write("", "models--broken/x")
    let found = cache.encoders().map { "\($0.name) \($0.family.rawValue)" }
    #expect(found == types.sorted().map { "a/x\($0) \($0)" } + ["b/open open_clip", "b/timm timm"])
    #expect(Set(cache.encoders().map(\.family)) == Set(HubFamily.allCases))
    #expect(HubCache(folder: temporary.url.appending(path: "none")).encoders().isEmpty)
  }

  @Test func aModelThatWasNotFetchedSaysHow() throws {
    let error = try #require(throws: EncoderError.self) { try cache.requiredFolder(of: "a/b") }
    #expect(error == .hub(model: "a/b", .notCached(temporary.url)))
    #expect(error.description.contains("run 'memesense encoders get a/b'"))
  }

  @Test func aRecipesNameOfTheHubIsNotFetched() throws {
    let name = "nobody/not-a-model"
    let error = try #require(throws: EncoderError.self) { try EncoderCatalog.pair(named: name) }
    #expect(error == .hub(model: name, .notCached(HubSettings().cacheFolder)))
  }
}
