import Checkpoints
import Foundation
import MemeData
import Testing
import Torch
import TorchNN

@testable import Encoders

/// Tiny CLIPs of random weights against transformers, elementwise; 1e-4 of the largest element is allowed.
@Suite struct CLIPTests {
  private static let tolerance = 1e-4

  // "clip": QuickGELU, the first end token, pixels beyond the last patch; "gelu": the token of the greatest id.
  @Test(arguments: ["clip", "gelu", "tanh"], [true, false])
  func towersEqualTransformers(name: String, isFused: Bool) throws {
    let hub = try HubFolderFixture(name)
    let (pixels, sentences) = (try hub.pixels("\(name).pixels"), try hub.fixture.sentences)
    try hub.expectTowers(name, isFused: isFused) { "\(name).image.\($0)" }
    let normalized = try hub.pair(":normalized", isFused: isFused)
    let similarity = try normalized.image.encode(pixels).matmul(normalized.text.features(of: sentences).transposed())
    #expect(relativeDifference(similarity, try hub.fixture.tensor("\(name).similarity")) <= Self.tolerance)
  }

  /// Those of padded texts, and those of the texts' own tokens, which do not see what follows.
  @Test(arguments: ["clip", "gelu", "tanh"]) func statesOfTokensEqualTransformers(name: String) throws {
    let hub = try HubFolderFixture(name)
    let sentences = try hub.fixture.sentences
    let lengths = try hub.fixture.tensor("\(name).lengths").doubles.map { Int($0) }
    for (variant, states) in [(":pooled", "states"), ("", "projected_states")] {
      let encoder = try #require(try hub.pair(variant).text as? TowerTextEncoder)
      let expected = try hub.fixture.tensor("\(name).text.\(states)")
      let padded = encoder.states(sentences.map { encoder.tokens(of: $0, for: .padded) })
      #expect(relativeDifference(padded.reshaped(to: expected.shape), expected) <= Self.tolerance)
      let own = encoder.states(sentences.map { encoder.tokens(of: $0, for: .content) })
      let prefixes = lengths.enumerated().map { expected.selected($0).sliced(0..<$1) }
      #expect(relativeDifference(own, Tensor.concatenated(prefixes, along: 0)) <= Self.tolerance)
    }
  }

  @Test(arguments: ["clip", "gelu", "tanh"]) func bfloat16StaysNearFloat32(name: String) throws {
    try HubFolderFixture(name).expectBFloat16(name, image: "\(name).image.projected")
  }

  @Test func tokensEqualTransformers() throws {
    let hub = try HubFolderFixture("clip")
    let encoder = try hub.pair().text
    let (tokens, lengths) = (try hub.fixture.tensor("clip.tokens"), try hub.fixture.tensor("clip.lengths").doubles)
    for (row, sentence) in try hub.fixture.sentences.enumerated() {
      let expected: [Int32] = tokens.selected(row).sliced(0..<Int(lengths[row])).values()
      #expect(encoder.tokens(of: sentence) == expected)
    }
  }

  /// Counts of reference 09: vision, text and, with the scale of the logits, all.
  @Test(arguments: [
    (CLIPConfiguration.viTB32, 87_849_216, 63_428_096, 151_277_313),
    (.viTB16, 86_192_640, 63_428_096, 149_620_737), (.viTL14, 303_966_208, 123_650_304, 427_616_513),
    (.viTL14At336, 304_293_888, 123_650_304, 427_944_193),
  ]) func parametersAreAsMany(_ configuration: CLIPConfiguration, vision: Int, text: Int, total: Int) {
    func count(_ make: (Computation, Scope) -> Void) -> Int {
      let store = ParameterStore(uninitializedOn: .meta)
      make(Computation(device: .meta, precision: .float32), store.root)
      return store.parameterCount
    }
    let counts = (
      count { _ = CLIPVision(configuration, computation: $0, in: $1) },
      count { _ = CLIPText(configuration, computation: $0, in: $1) }
    )
    #expect(counts == (vision, text))
    #expect(counts.0 + counts.1 + 1 == total)
  }
}

/// What a folder from outside may have wrong.
@Suite struct HubFolderTests {
  private func failure(_ hub: HubFolderFixture, _ use: (EncoderPair) throws -> Void = { _ in }) throws -> String {
    let error = try #require(throws: (any Error).self) { try use(hub.pair()) }
    #expect(error is EncoderError || error is CheckpointError || error is CLIPTokenizerError, "\(error)")
    return "\(error)"
  }

  @Test func valuesThatAreLeftOutAreThoseOfViTB32() throws {
    let hub = try HubFolderFixture("clip")
    try hub.write(#"{"model_type": "clip"}"#, to: "config.json")
    try FileManager.default.removeItem(at: hub.file("preprocessor_config.json"))
    let model = try CLIPModel(HubFolder(url: hub.url))
    #expect(model.configuration == .viTB32)
    #expect(model.preparation == .clip(side: 224, framing: .crop(shortestSide: 224)))
  }

  @Test func theLargeModelsAreThoseOfTheHub() throws {
    let hub = try HubFolderFixture("clip")
    let text = #""text_config": {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12}"#
    try hub.write(
      #"""
      {"model_type": "clip", "projection_dim": 768, \#(text), "vision_config": {"hidden_size": 64, "image_size": 8},
       "vision_config_dict": {"hidden_size": 1024, "image_size": 336, "intermediate_size": 4096, "patch_size": 14,
                              "num_attention_heads": 16, "num_hidden_layers": 24}}
      """#, to: "config.json")
    try FileManager.default.removeItem(at: hub.file("preprocessor_config.json"))
    #expect(try CLIPModel(HubFolder(url: hub.url)).configuration == .viTL14At336)
  }

  @Test(arguments: [
    (#""model_type": "clip","#, #""model_type": "vilt","#, "model_type"),
    (#""patch_size": 7"#, #""patch_size": 0"#, "vision_config: patch_size"),
    (#""patch_size": 7"#, #""patch_size": "7""#, "vision_config.patch_size"),
    (#""image_size": 24"#, #""image_size": 90000"#, "image_size"),
    (#""num_attention_heads": 4"#, #""num_attention_heads": 5"#, "multiple of num_attention_heads"),
    (#""hidden_act": "quick_gelu""#, #""hidden_act": "relu""#, "relu"),
    (#""layer_norm_eps": 1e-05"#, #""layer_norm_eps": -1"#, "layer_norm_eps"),
    (#""vocab_size": 714"#, #""vocab_size": 0"#, "vocab_size"),
    (#""eos_token_id": 713"#, #""eos_token_id": 714"#, "eos_token_id"),
    (#""projection_dim": 20"#, #""projection_dim": 9000000000000000000"#, "projection_dim"),
    (#""num_channels": 3"#, #""num_channels": 4"#, "num_channels"),
  ]) func faultsOfTheConfigurationAreNamed(old: String, new: String, reason: String) throws {
    let hub = try HubFolderFixture("clip")
    try hub.replace(old, with: new, in: "config.json")
    let message = try failure(hub)
    #expect(message.contains("config.json") && message.contains(reason), "\(message)")
  }

  @Test(arguments: [
    (#""resample": 3"#, #""resample": 2"#, "resample is 2"),
    (#""do_normalize": true"#, #""do_normalize": false"#, "do_normalize"),
    (#""shortest_edge": 24"#, #""shortest_edge": 23"#, "shortest side"),
    (#""height": 24"#, #""height": 25"#, "crop_size must be 24"),
    ("0.00392156862745098", "1.0", "rescale_factor"),
    ("0.26862954,", "0,", "image_std"),
    ("0.26862954,", "", "image_std"),
  ]) func faultsOfThePreprocessingAreNamed(old: String, new: String, reason: String) throws {
    let hub = try HubFolderFixture("clip")
    try hub.replace(old, with: new, in: "preprocessor_config.json")
    let message = try failure(hub)
    #expect(message.contains("preprocessor_config.json") && message.contains(reason), "\(message)")
  }

  /// Sizes that would take terabytes are refused before any memory is taken.
  @Test func weightsUnlikeTheConfigurationAreRefused() throws {
    let hub = try HubFolderFixture("clip")
    try hub.replace(#""intermediate_size": 20"#, with: #""intermediate_size": 65536"#, in: "config.json")
    try hub.replace(#""vocab_size": 714"#, with: #""vocab_size": 9999999"#, in: "config.json")
    let images = try failure(hub) { _ = try $0.image }
    #expect(images.contains("model.safetensors") && images.contains("mlp.fc1.weight"), "\(images)")
    let texts = try failure(hub) { _ = try $0.text }
    #expect(texts.contains("model.safetensors") && texts.contains("token_embedding.weight"), "\(texts)")
  }

  @Test func aVocabularyUnlikeTheConfigurationIsRefused() throws {
    let hub = try HubFolderFixture("clip")
    try hub.replace(#""eos_token_id": 713"#, with: #""eos_token_id": 700"#, in: "config.json")
    #expect(try failure(hub) { _ = try $0.text }.contains("eos_token_id"))
    try hub.replace(#""eos_token_id": 700"#, with: #""eos_token_id": 2"#, in: "config.json")
    try hub.replace("<|endoftext|>\":713", with: "<|endoftext|>\":714", in: "vocab.json")
    #expect(try failure(hub) { _ = try $0.text }.contains("an id is 714"))
  }

  @Test func aFolderWithoutWeightsIsNamed() throws {
    let hub = try HubFolderFixture("clip")
    try FileManager.default.removeItem(at: hub.file("model.safetensors"))
    let message = try failure(hub)
    #expect(message.contains("model.safetensors") && message.contains(hub.url.path), "\(message)")
  }

  @Test func shardsMakeOneModel() throws {
    let hub = try HubFolderFixture("clip")
    let weights = hub.fixture.group("clip.weights.").sorted { $0.key < $1.key }
    var map: [String: String] = [:]
    for (name, part) in [("a.safetensors", weights[..<20]), ("b.safetensors", weights[20...])] {
      let tensors = Dictionary(uniqueKeysWithValues: part.map { ($0.key, $0.value) })
      try Checkpoint(tensors: tensors).write(to: hub.file(name))
      for (key, _) in part { map[key] = name }
    }
    let index = try JSONEncoder().encode(["weight_map": map])
    try index.write(to: hub.file("model.safetensors.index.json"))
    try FileManager.default.removeItem(at: hub.file("model.safetensors"))
    let features = try hub.pair().image.encode(hub.pixels("clip.pixels"))
    #expect(relativeDifference(features, try hub.fixture.tensor("clip.image.projected")) <= 1e-4)
  }

  @Test func variantsAreReadFromTheName() throws {
    let plain = try HubEncoderName("org/name")
    #expect(plain.model == "org/name" && plain.tap == .projected && !plain.crops)
    let full = try HubEncoderName("org/name:normalized+crop")
    #expect(full.model == "org/name" && full.tap == .normalized && full.crops)
    #expect(try HubEncoderName("org/name+crop").crops)
    let error = try #require(throws: EncoderError.self) { try HubEncoderName("org/name:poold") }
    #expect(error.description.contains("projected, pooled, normalized"))
  }

  @Test func eachVariantHasFeaturesOfItsOwnInTheCache() throws {
    let hub = try HubFolderFixture("clip")
    let names = try ["", ":pooled", ":normalized", "+crop"].map { try hub.pair($0).cacheNames() }
    #expect(Set(names.map(\.image)).count == 4)
    #expect(Set(names.map(\.text)).count == 3)
    #expect(names[0].text == names[3].text)
    try hub.replace(#""eos_token_id": 713"#, with: #""eos_token_id": 2"#, in: "config.json")
    #expect(try hub.pair().cacheNames() != names[0])
  }

  /// Hashing gigabytes takes seconds, and the hub's cache names files by their hash.
  @Test func weightsInTheHubsCacheAreToldApartByTheNamesOfTheirBlobs() throws {
    let hub = try HubFolderFixture("clip")
    let (link, blobs) = (hub.file("model.safetensors"), hub.file("blobs"))
    try FileManager.default.createDirectory(at: blobs, withIntermediateDirectories: true)
    func blob(_ digit: String) -> URL { blobs.appending(path: String(repeating: digit, count: 64)) }
    for digit in ["a", "b"] { try FileManager.default.copyItem(at: link, to: blob(digit)) }
    let names = try ["a", "a", "b"].map { digit in
      try FileManager.default.removeItem(at: link)
      try FileManager.default.createSymbolicLink(at: link, withDestinationURL: blob(digit))
      return try hub.pair().cacheNames().image
    }
    #expect(names[0] == names[1] && names[1] != names[2])
  }

  @Test func aModelOfTheHubThatIsNotThereIsNamed() throws {
    let error = try #require(throws: EncoderError.self) {
      try EncoderCatalog.pair(named: "nobody/has-this:pooled+crop")
    }
    #expect(error.description.contains("encoders get nobody/has-this'"), "\(error)")
  }
}

/// Pictures as transformers prepares them with Pillow.
@Suite struct ImagePreparationTests {
  @Test func pixelsArePillowsWithinOne() throws {
    let fixture = try Fixture("clip")
    let sizes = try JSONDecoder().decode([[Int]].self, from: Data(fixture.text("sizes").utf8))
    let framings: [(String, ImagePreparation.Framing)] = [
      ("squash", .squash), ("crop", .crop(shortestSide: 24)), ("wide", .crop(shortestSide: 31)),
    ]
    #expect(sizes.count >= 5)
    for size in sizes {
      let image = picture(width: size[0], height: size[1])
      for (name, framing) in framings {
        let pixels = ImagePreparation.clip(side: 24, framing: framing).pixels(of: image)
        let expected = try fixture.tensor("pictures.\(size[0])x\(size[1]).\(name)")
        #expect(pixels.shape == [1, 3, 24, 24])
        let difference = zip(pixels.doubles, expected.doubles).map { abs($0 - $1) }.max()
        #expect(try #require(difference) <= 1, "\(size) \(name)")
      }
    }
  }

  @Test func valuesAreThoseOfTransformers() throws {
    let hub = try HubFolderFixture("clip")
    let preparation = try CLIPModel(HubFolder(url: hub.url)).preparation
    let bytes = try hub.fixture.tensor("pictures.640x480.crop").expanded(at: 0)
    let expected = try hub.fixture.tensor("pictures.640x480.normalized").expanded(at: 0)
    #expect(relativeDifference(preparation.normalized(bytes), expected) <= 1e-6)
  }

  @Test(arguments: [(1, 1), (1, 9000), (9000, 1), (3, 2)]) func extremeShapesArePrepared(width: Int, height: Int) {
    let image = picture(width: width, height: height)
    for framing in [ImagePreparation.Framing.squash, .crop(shortestSide: 40)] {
      let preparation = ImagePreparation.clip(side: 32, framing: framing)
      #expect(preparation.pixels(of: image).shape == [1, 3, 32, 32])
    }
  }
}
