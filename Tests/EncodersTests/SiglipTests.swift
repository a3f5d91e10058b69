import Checkpoints
import Foundation
import MemeData
import Testing
import Torch
import TorchNN

@testable import Encoders

/// Tiny SigLIPs of random weights against transformers, elementwise; 1e-4 of the largest element is allowed.
@Suite struct SiglipTests {
  private static let tolerance = 1e-4

  private func folder(_ name: String) throws -> HubFolderFixture {
    try HubFolderFixture(name, of: "siglip", tokenizer: ["siglip.model": "spiece.model"])
  }

  // "siglip": pixels beyond the last patch; "narrow": texts of another width than pictures, the exact GELU.
  @Test(arguments: ["siglip", "narrow"], [true, false])
  func towersEqualTransformers(name: String, isFused: Bool) throws {
    try folder(name).expectTowers(name, isFused: isFused) { _ in "\(name).image" }
  }

  @Test(arguments: ["siglip", "narrow"]) func tokensAndStatesEqualTransformers(name: String) throws {
    let hub = try folder(name)
    let encoder = try #require(try hub.pair(":pooled").text as? TowerTextEncoder)
    let tokens = try hub.fixture.tensor("\(name).tokens")
    let expected: [[Int32]] = (0..<tokens.shape[0]).map { tokens.selected($0).values() }
    #expect(try hub.fixture.sentences.map(encoder.tokens) == expected)
    let states = try hub.fixture.tensor("\(name).text.states")
    #expect(relativeDifference(encoder.states(expected).reshaped(to: states.shape), states) <= Self.tolerance)
  }

  @Test(arguments: ["siglip", "narrow"]) func bfloat16StaysNearFloat32(name: String) throws {
    try folder(name).expectBFloat16(name, image: "\(name).image")
  }

  /// Counts of transformers' SiglipModel; it has a scale and a bias of the logits beside them.
  @Test func parametersAreAsMany() {
    func count(_ make: (Computation, Scope) -> Void) -> Int {
      let store = ParameterStore(uninitializedOn: .meta)
      make(Computation(device: .meta, precision: .float32), store.root)
      return store.parameterCount
    }
    let vision = count { _ = SiglipVision(.basePatch16, computation: $0, in: $1) }
    let text = count { _ = SiglipText(.basePatch16, computation: $0, in: $1) }
    #expect(vision == 92_884_224)
    #expect(text == 110_271_744)
    #expect(vision + text + 2 == 203_155_970)
  }

  @Test func valuesThatAreLeftOutAreThoseOfBasePatch16() throws {
    let hub = try folder("siglip")
    try hub.write(#"{"model_type": "siglip"}"#, to: "config.json")
    try FileManager.default.removeItem(at: hub.file("preprocessor_config.json"))
    let model = try SiglipModel(HubFolder(url: hub.url))
    #expect(model.configuration == .basePatch16)
    let half: [Float] = [0.5, 0.5, 0.5]
    #expect(model.preparation == ImagePreparation(side: 224, framing: .squash, mean: half, deviation: half))
  }

  /// The model's own framing is the squashed square, so that both names mean the same features.
  @Test func preparationIsReadFromTheFolder() throws {
    let hub = try folder("siglip")
    let half: [Float] = [0.5, 0.5, 0.5]
    let expected = ImagePreparation(side: 24, framing: .squash, mean: half, deviation: half)
    #expect(try SiglipModel(HubFolder(url: hub.url)).preparation == expected)
    #expect(try hub.pair("+crop").cacheNames() == hub.pair().cacheNames())
  }

  @Test func lettersAreKeptWhereTheTokenizerSaysSo() throws {
    let hub = try folder("siglip")
    let lowered = try hub.pair()
    let tokens = try lowered.text.tokens(of: "Monday")  // It is loaded now, before the file is there.
    try hub.write(#"{"do_lower_case": false, "model_max_length": 64}"#, to: "tokenizer_config.json")
    let kept = try hub.pair()
    #expect(try kept.text.tokens(of: "Monday") != tokens)
    #expect(try kept.text.tokens(of: "monday") == tokens)
    #expect(try kept.cacheNames().text != lowered.cacheNames().text)
  }

  @Test(arguments: [
    (#""model_type": "siglip","#, #""model_type": "siglip2","#, "expected one of \"clip\""),
    (#""vision_use_head": true"#, #""vision_use_head": false"#, "vision_use_head"),
    (#""projection_size": 16"#, #""projection_size": 0"#, "projection_size"),
    (#""patch_size": 7"#, #""patch_size": 25"#, "patch_size"),
    (#""hidden_act": "gelu_pytorch_tanh""#, #""hidden_act": "silu""#, "silu"),
  ]) func faultsOfTheConfigurationAreNamed(old: String, new: String, reason: String) throws {
    let hub = try folder("siglip")
    try hub.replace(old, with: new, in: "config.json")
    let error = try #require(throws: EncoderError.self) { try hub.pair() }
    #expect(error.description.contains("config.json") && error.description.contains(reason), "\(error)")
  }

  @Test func aVocabularyUnlikeTheConfigurationIsRefused() throws {
    let hub = try folder("siglip")
    let config = try String(contentsOf: hub.file("config.json"), encoding: .utf8)
    let size = try #require(config.firstMatch(of: /"vocab_size": (\d+)/)?.1)
    try hub.replace("\"vocab_size\": \(size)", with: "\"vocab_size\": 9", in: "config.json")
    let error = try #require(throws: (any Error).self) { try hub.pair().text.tokens(of: "a") }
    #expect("\(error)".contains("token_embedding.weight"), "\(error)")
    try FileManager.default.removeItem(at: hub.file("spiece.model"))
    let other = try folder("siglip")
    try FileManager.default.removeItem(at: other.file("spiece.model"))
    #expect(throws: SentencePieceError.self) { try other.pair().text }
  }
}
