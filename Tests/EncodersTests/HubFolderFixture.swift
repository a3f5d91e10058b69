import Foundation
import Testing
import Torch

@testable import Encoders

/// A tiny model of the fixture as a folder in the hub's layout.
struct HubFolderFixture {
  let fixture: Fixture
  private let temporary: TemporaryFolder
  var url: URL { temporary.url }

  /// - Parameter name: The prefix of the network's tensors in the fixture.
  init(_ name: String) throws {
    fixture = try Fixture("clip")
    temporary = try TemporaryFolder()
    try FileManager.default.createDirectory(at: temporary.url, withIntermediateDirectories: true)
    try write(fixture.text("\(name).config"), to: "config.json")
    try write(fixture.text("preprocessor"), to: "preprocessor_config.json")
    try Checkpoint(tensors: fixture.group("\(name).weights.")).write(to: file("model.safetensors"))
    let vocabulary = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "MemeDataTests/Fixtures")
    for name in ["vocab.json", "merges.txt"] {
      try FileManager.default.copyItem(at: vocabulary.appending(path: "clip_\(name)"), to: file(name))
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
