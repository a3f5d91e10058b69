import Foundation
import MemeData
import Testing
import Torch

@testable import Encoders

/// A tiny multilingual BERT of random weights against transformers, in the layout of Sentence Transformers.
@Suite struct SentenceModelTests {
  private func folder() throws -> HubFolderFixture {
    let hub = try HubFolderFixture(
      "multilingual", of: "multilingual", tokenizer: ["xlm-roberta.model": "sentencepiece.bpe.model"])
    try hub.write(#"{"max_seq_length": 16, "do_lower_case": false}"#, to: "sentence_bert_config.json")
    return hub
  }

  private func encoder(
    _ hub: HubFolderFixture, _ variant: String = "", isFused: Bool = true
  ) throws -> any TextEncoder {
    try source(hub, variant, isFused: isFused).encoder
  }

  private func source(
    _ hub: HubFolderFixture, _ variant: String = "", isFused: Bool = true
  ) throws -> EncoderPair.Source<any TextEncoder> {
    var computation = Computation(precision: .float32)
    computation.isFused = isFused
    return try SentenceModel(HubFolder(url: hub.url)).textSource(HubEncoderName("tests/tiny\(variant)"), computation)
  }

  @Test(arguments: [true, false]) func embeddingsEqualTransformers(isFused: Bool) throws {
    let hub = try folder()
    let sentences = try hub.fixture.sentences
    let mean = try hub.fixture.tensor("mean")
    for (variant, expected) in [("", mean), (":pooled", mean), (":normalized", mean.normalized())] {
      let features = try encoder(hub, variant, isFused: isFused).features(of: sentences)
      #expect(relativeDifference(features, expected) <= 1e-4)
    }
  }

  @Test func tokensEqualTransformers() throws {
    let hub = try folder()
    let encoder = try encoder(hub)
    let (tokens, lengths) = (try hub.fixture.tensor("tokens"), try hub.fixture.tensor("lengths").doubles)
    for (row, sentence) in try hub.fixture.sentences.enumerated() {
      let expected: [Int32] = tokens.selected(row).sliced(0..<Int(lengths[row])).values()
      #expect(encoder.tokens(of: sentence) == expected)
    }
  }

  @Test func modulesSayWhetherEmbeddingsAreNormalised() throws {
    let hub = try folder()
    let sentences = try hub.fixture.sentences
    let package = "sentence_transformers.models"
    let modules = ["Transformer", "Pooling", "Normalize"].map { #"{"type": "\#(package).\#($0)"}"# }
    try hub.write("[\(modules.joined(separator: ","))]", to: "modules.json")
    let expected = try hub.fixture.tensor("mean").normalized()
    #expect(relativeDifference(try encoder(hub).features(of: sentences), expected) <= 1e-4)
    try hub.write("[\(modules.prefix(2).joined(separator: ","))]", to: "modules.json")
    let mean = try hub.fixture.tensor("mean")
    #expect(relativeDifference(try encoder(hub).features(of: sentences), mean) <= 1e-4)
    try hub.write(#"[{"type": "\#(package).Dense"}]"#, to: "modules.json")
    let error = try #require(throws: EncoderError.self) { try source(hub) }
    #expect(error.description.contains("modules.json: a module Dense"), "\(error)")
  }

  @Test(arguments: [
    (#"{"pooling_mode_cls_token": false, "pooling_mode_mean_tokens": true, "word_embedding_dimension": 16}"#, nil),
    (#"{"pooling_mode": "mean", "embedding_dimension": 16}"#, nil),
    (#"{"pooling_mode_max_tokens": true, "pooling_mode_mean_tokens": false}"#, "pooling_mode is max_tokens"),
    (#"{"pooling_mode": ["cls", "mean"]}"#, "pooling_mode is cls, mean"),
  ]) func otherPoolingIsRefused(description: String, reason: String?) throws {
    let hub = try folder()
    try FileManager.default.createDirectory(at: hub.file("1_Pooling"), withIntermediateDirectories: true)
    try hub.write(description, to: "1_Pooling/config.json")
    guard let reason else {
      #expect(try source(hub).width == 16)
      return
    }
    let error = try #require(throws: EncoderError.self) { try source(hub) }
    #expect(error.description.contains(reason), "\(error)")
  }

  /// Texts are as long as the model says, and never longer than it has places for.
  @Test func longTextsAreCutOff() throws {
    let hub = try folder()
    let long = String(repeating: "monday ", count: 200)
    for (written, length) in [("9", 9), ("90", 40), ("null", 40)] {
      try hub.write(#"{"max_seq_length": \#(written)}"#, to: "sentence_bert_config.json")
      #expect(try encoder(hub).tokens(of: long).count == length)
    }
    try hub.write(#"{"max_seq_length": 1}"#, to: "sentence_bert_config.json")
    #expect(throws: EncoderError.self) { try source(hub) }
  }

  /// Numbers that no text can have so many tokens of, and one that no integer holds.
  @Test(arguments: ["0", "1", "-1", "-1e300"]) func lengthsOfNoTextAreRefused(_ written: String) throws {
    let hub = try HubFolderFixture("distilbert", of: "distilbert", tokenizer: ["vocab.txt": "vocab.txt"])
    try hub.write(#"{"model_max_length": \#(written)}"#, to: "tokenizer_config.json")
    let error = try #require(throws: EncoderError.self) { try source(hub) }
    #expect(error.description.contains("tokenizer_config.json: texts have at most"), "\(error)")
  }

  @Test(arguments: ["1e6", "1e300", "1000000000000000019884624838656"])
  func lengthsBeyondAllTextsAreThoseOfTheNetwork(_ written: String) throws {
    let hub = try HubFolderFixture("distilbert", of: "distilbert", tokenizer: ["vocab.txt": "vocab.txt"])
    try hub.write(#"{"model_max_length": \#(written)}"#, to: "tokenizer_config.json")
    #expect(try encoder(hub).tokens(of: String(repeating: "the ", count: 50)).count == 40)
  }

  /// Networks convert what they are stored in.
  @Test(arguments: [DType.float16, .float64]) func weightsOfOtherTypesAreConverted(_ type: DType) throws {
    let hub = try folder()
    let weights = hub.fixture.group("multilingual.weights.").mapValues { $0.dtype.isFloatingPoint ? $0.to(type) : $0 }
    try Checkpoint(tensors: weights).write(to: hub.file("model.safetensors"))
    let features = try encoder(hub).features(of: hub.fixture.sentences)
    #expect(relativeDifference(features, try hub.fixture.tensor("mean")) <= 5e-3)
  }

  @Test(arguments: [
    (#"{"strip_accents": false}"#, "strip_accents is false; expected what do_lower_case is, true"),
    (#"{"tokenize_chinese_chars": false}"#, "tokenize_chinese_chars is false"),
    (#"{"tokenizer_class": "BertJapaneseTokenizer"}"#, "tokenizer_class is BertJapaneseTokenizer"),
    (#"{"do_lower_case": false, "strip_accents": null}"#, nil),
    (#"{"tokenizer_class": "BertTokenizer", "model_max_length": 7, "strip_accents": true}"#, nil),
  ]) func otherTokenizersAreRefused(description: String, reason: String?) throws {
    let hub = try HubFolderFixture("distilbert", of: "distilbert", tokenizer: ["vocab.txt": "vocab.txt"])
    try hub.write(description, to: "tokenizer_config.json")
    guard let reason else {
      let length = description.contains("model_max_length") ? 7 : 40
      #expect(try encoder(hub).tokens(of: String(repeating: "the ", count: 50)).count == length)
      return
    }
    let error = try #require(throws: EncoderError.self) { try source(hub) }
    #expect(error.description.contains("tokenizer_config.json: \(reason)"), "\(error)")
  }

  @Test func networksOfAnotherKindAreRefused() throws {
    let hub = try folder()
    let config = try String(contentsOf: hub.file("config.json"), encoding: .utf8)
    for (known, other, reason) in [
      (#""num_hidden_layers": 2,"#, #""num_hidden_layers": 1000000,"#, "the number of layers must lie in 1...1024"),
      (#""is_decoder": false,"#, #""is_decoder": true,"#, "is_decoder is true"),
    ] {
      try hub.write(config, to: "config.json")
      try hub.replace(known, with: other, in: "config.json")
      let error = try #require(throws: EncoderError.self) { try source(hub) }
      #expect(error.description.contains(reason), "\(error)")
    }
  }

  @Test func thePoolerIsKnownAndOtherKeysAreNamed() throws {
    let hub = try folder()
    var weights = hub.fixture.group("multilingual.weights.")
    #expect(weights["pooler.dense.weight"] != nil)
    weights["encoder.layer.2.output.dense.bias"] = Tensor.zeros([16])
    try Checkpoint(tensors: weights).write(to: hub.file("model.safetensors"))
    let error = try #require(throws: EncoderError.self) { try encoder(hub) }
    #expect(error.description.contains("not known to the model: encoder.layer.2.output.dense.bias"), "\(error)")
  }

  @Test func aVocabularyUnlikeTheConfigurationIsRefused() throws {
    let hub = try folder()
    let config = try String(contentsOf: hub.file("config.json"), encoding: .utf8)
    let size = try #require(config.firstMatch(of: /"vocab_size": (\d+)/)?.1)
    try hub.replace("\"vocab_size\": \(size)", with: "\"vocab_size\": 20", in: "config.json")
    let error = try #require(throws: EncoderError.self) { try encoder(hub) }
    #expect(error.description.contains("sentencepiece.bpe.model: an id is"), "\(error)")
  }

  /// Word pieces where there is no SentencePiece model, as bert-base has them.
  @Test func wordPiecesAreReadFromTheirVocabulary() throws {
    let hub = try folder()
    try FileManager.default.removeItem(at: hub.file("sentencepiece.bpe.model"))
    try hub.write("[PAD]\n[UNK]\n[CLS]\n[SEP]\nmonday\nMonday\n", to: "vocab.txt")
    #expect(try encoder(hub).tokens(of: "Monday") == [2, 4, 3])
    try hub.write(#"{"do_lower_case": false}"#, to: "tokenizer_config.json")
    #expect(try encoder(hub).tokens(of: "Monday") == [2, 5, 3])
  }

  // MARK: Pairs

  /// Puts a folder into a hub cache as `tests/NAME`.
  private func cache(_ hubs: [String: HubFolderFixture]) throws -> TemporaryFolder {
    let cache = try TemporaryFolder()
    let commit = String(repeating: "a", count: 40)
    for (name, hub) in hubs {
      let model = cache.url.appending(path: "models--tests--\(name)")
      for folder in ["refs", "snapshots"] {
        try FileManager.default.createDirectory(at: model.appending(path: folder), withIntermediateDirectories: true)
      }
      try Data(commit.utf8).write(to: model.appending(path: "refs/main"))
      try FileManager.default.copyItem(at: hub.url, to: model.appending(path: "snapshots/\(commit)"))
    }
    return cache
  }

  @Test func aPairTakesEitherSideFromAModelOfItsOwn() throws {
    let (texts, clip) = (try folder(), try HubFolderFixture("clip"))
    let cache = try cache(["texts": texts, "clip": clip])
    let hub = HubCache(folder: cache.url)
    let exact = Computation(precision: .float32)
    func pair(_ name: String) throws -> EncoderPair {
      try EncoderCatalog.pair(named: name, computation: exact, cache: hub)
    }
    let pair1 = try pair("tests/clip:pooled,tests/texts:normalized")
    #expect(pair1.name == "tests/clip:pooled,tests/texts:normalized")
    #expect(pair1.imageWidth == 16 && pair1.textWidth == 16)
    let pictures = try pair1.image.encode(clip.pixels("clip.pixels"))
    #expect(relativeDifference(pictures, try clip.fixture.tensor("clip.image.pooled")) <= 1e-4)
    let sentences = try texts.fixture.sentences
    let expected = try texts.fixture.tensor("mean").normalized()
    #expect(relativeDifference(try pair1.text.features(of: sentences), expected) <= 1e-4)

    // Either side has the features that it has in any other pair.
    let whole = try pair("tests/clip:pooled")
    #expect(try whole.cacheNames().image == pair1.cacheNames().image)
    let lite = try pair("lite,tests/texts")
    #expect(lite.imageWidth == 1280 && lite.textWidth == 16)
    #expect(try lite.cacheNames().image == pair("lite").cacheNames().image)
    #expect(try pair("tests/clip,lite").cacheNames().text == pair("lite").cacheNames().text)

    let alone = try #require(throws: EncoderError.self) { try pair("tests/texts") }
    #expect(alone.description.contains("lite,tests/texts"), "\(alone)")
    #expect(throws: EncoderError.tooManySides(name: "lite,lite,lite")) { try pair("lite,lite,lite") }
    #expect(throws: EncoderError.unknown(name: "", known: ["lite"])) { try pair("lite,") }
  }
}
