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

  /// Towers against the original, elementwise; 1e-4 of the largest element is allowed.
  ///
  /// - Parameter image: The name of a tap's picture features in the fixture.
  func expectTowers(
    _ name: String, isFused: Bool, image: (_ tap: String) -> String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let (pixels, sentences) = (try pixels("\(name).pixels"), try fixture.sentences)
    for (variant, tap) in [("", "projected"), (":pooled", "pooled")] {
      let pair = try pair(variant, isFused: isFused)
      let images = try pair.image.encode(pixels)
      #expect(
        try images.shape[1] == pair.imageWidth && pair.image.width == pair.imageWidth, sourceLocation: sourceLocation)
      #expect(relativeDifference(images, try fixture.tensor(image(tap))) <= 1e-4, sourceLocation: sourceLocation)
      let texts = try pair.text.features(of: sentences)
      #expect(
        try texts.shape[1] == pair.textWidth && pair.text.width == pair.textWidth, sourceLocation: sourceLocation)
      #expect(
        relativeDifference(texts, try fixture.tensor("\(name).text.\(tap)")) <= 1e-4, sourceLocation: sourceLocation)
    }
  }

  /// bfloat16 near float32, on processors without AVX-512 with libtorch's own kernels, on others with oneDNN's.
  ///
  /// - Parameter image: The name of the picture features in the fixture.
  func expectBFloat16(_ name: String, image: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let pair = try EncoderCatalog.pair(
      hubFolder: url, name: "tests/tiny", computation: Computation(precision: .bfloat16))
    let images = try pair.image.encode(pixels("\(name).pixels"))
    #expect(leastCosine(images, try fixture.tensor(image)) > 0.999, sourceLocation: sourceLocation)
    let texts = try pair.text.features(of: fixture.sentences)
    #expect(leastCosine(texts, try fixture.tensor("\(name).text.projected")) > 0.999, sourceLocation: sourceLocation)
  }
}
