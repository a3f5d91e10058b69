import Foundation
import Testing
import Torch

@testable import Encoders

/// A tiny model of the fixture as a folder in the hub's layout.
struct HubFolderFixture {
  let fixture: Fixture
  private let temporary: TemporaryFolder
  var url: URL { temporary.url }

  /// - Parameters:
  ///   - name: The prefix of the network's tensors in the fixture.
  ///   - file: The fixture.
  ///   - tokenizer: Fixtures of MemeDataTests and what the hub calls them.
  init(
    _ name: String, of file: String = "clip",
    tokenizer: [String: String] = ["clip_vocab.json": "vocab.json", "clip_merges.txt": "merges.txt"]
  ) throws {
    fixture = try Fixture(file)
    temporary = try TemporaryFolder()
    try FileManager.default.createDirectory(at: temporary.url, withIntermediateDirectories: true)
    try write(fixture.text("\(name).config"), to: "config.json")
    if fixture.hasText("preprocessor") { try write(fixture.text("preprocessor"), to: "preprocessor_config.json") }
    try Checkpoint(tensors: fixture.group("\(name).weights.")).write(to: self.file("model.safetensors"))
    let vocabulary = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "MemeDataTests/Fixtures")
    for (source, name) in tokenizer {
      try FileManager.default.copyItem(at: vocabulary.appending(path: source), to: self.file(name))
    }
  }

  func file(_ name: String) -> URL { url.appending(path: name) }

  func write(_ text: String, to name: String) throws { try Data(text.utf8).write(to: file(name)) }

  /// Writes a file with the first place of `old` in it replaced.
  func replace(_ old: String, with new: String, in name: String) throws {
    let text = try String(contentsOf: file(name), encoding: .utf8)
    try #require(text.contains(old), "\(name) has no \(old)")
    try write(text.replacingOccurrences(of: old, with: new), to: name)
  }

  func pair(_ variant: String = "", isFused: Bool = true) throws -> EncoderPair {
    var computation = Computation(precision: .float32)
    computation.isFused = isFused
    return try EncoderCatalog.pair(hubFolder: url, name: "tests/tiny\(variant)", computation: computation)
  }

  /// The rows of a uint8 tensor [N, 3, S, S] of the fixture, as an encoder takes them.
  func pixels(_ name: String) throws -> [Tensor] {
    let pixels = try fixture.tensor(name)
    return (0..<pixels.shape[0]).map { pixels.sliced($0..<$0 + 1) }
  }
}
