import Foundation
import MemeData
import Networks
import Testing
import Torch
import TorchNN

@testable import Encoders

/// DistilBERT, BERT and timm's networks as they lie on the hub, with heads and old names beside what is used.
@Suite struct PublishedLayoutTests {
  private func distilBert() throws -> HubFolderFixture {
    let hub = try HubFolderFixture("distilbert", of: "distilbert", tokenizer: ["vocab.txt": "vocab.txt"])
    try hub.write(#"{"max_seq_length": 16}"#, to: "sentence_bert_config.json")
    return hub
  }

  private func texts(
    _ hub: HubFolderFixture, _ variant: String = "", isFused: Bool = true
  ) throws -> any TextEncoder {
    var computation = Computation(precision: .float32)
    computation.isFused = isFused
    return try HubFolder(url: hub.url).model().textSource(HubEncoderName("tests/tiny\(variant)"), computation).encoder
  }

  /// Elementwise against transformers; 1e-4 of the largest element is allowed.
  @Test(arguments: [true, false]) func distilBertEqualsTransformers(isFused: Bool) throws {
    let hub = try distilBert()
    let sentences = try hub.fixture.sentences
    let (tokens, lengths) = (try hub.fixture.tensor("tokens"), try hub.fixture.tensor("lengths").doubles)
    for (variant, expected) in [("", "mean"), ("+cls", "first")] {
      let encoder = try texts(hub, variant, isFused: isFused)
      #expect(encoder.width == 16)
      #expect(relativeDifference(encoder.features(of: sentences), try hub.fixture.tensor(expected)) <= 1e-4)
      for (row, sentence) in sentences.enumerated() {
        let ids: [Int32] = tokens.selected(row).sliced(0..<Int(lengths[row])).values()
        #expect(encoder.tokens(of: sentence) == ids)
      }
    }
  }

  @Test func poolingOfTheFirstTokenIsRead() throws {
    let hub = try distilBert()
    try FileManager.default.createDirectory(at: hub.file("1_Pooling"), withIntermediateDirectories: true)
    try hub.write(#"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}"#, to: "1_Pooling/config.json")
    let features = try texts(hub).features(of: hub.fixture.sentences)
    #expect(relativeDifference(features, try hub.fixture.tensor("first")) <= 1e-4)
  }

  @Test(arguments: [
    (#""dim": 16"#, #""dim": 17"#, "dim must be a multiple of n_heads"),
    (#""activation": "gelu""#, #""activation": "relu""#, #"activation is "relu""#),
    (#""n_layers": 2"#, #""n_layers": 3"#, "missing: transformer.layer.2"),
    (#""hidden_dim": 24"#, #""hidden_dim": 0"#, "sizes must lie in 1...1000000"),
  ]) func distilBertsThatDoNotFitAreRefused(old: String, new: String, reason: String) throws {
    let hub = try distilBert()
    try hub.replace(old, with: new, in: "config.json")
    let error = try #require(throws: EncoderError.self) { try texts(hub) }
    #expect(error.description.contains(reason), "\(error)")
  }

  /// google-bert's files hold a head beside the network, and TensorFlow's names of gains and shifts.
  @Test func bertIsReadBelowItsHeadAndWithOldNames() throws {
    let hub = try HubFolderFixture(
      "multilingual", of: "multilingual", tokenizer: ["xlm-roberta.model": "sentencepiece.bpe.model"])
    try hub.write(#"{"max_seq_length": 16}"#, to: "sentence_bert_config.json")
    var weights: [String: Tensor] = ["cls.predictions.bias": Tensor.zeros([3])]
    for (key, value) in hub.fixture.group("multilingual.weights.") {
      let old = key.replacing("LayerNorm.weight", with: "LayerNorm.gamma")
        .replacing("LayerNorm.bias", with: "LayerNorm.beta")
      weights["bert.\(old)"] = value
    }
    #expect(weights["bert.embeddings.LayerNorm.gamma"] != nil)
    try Checkpoint(tensors: weights).write(to: hub.file("model.safetensors"))
    let features = try texts(hub).features(of: hub.fixture.sentences)
    #expect(relativeDifference(features, try hub.fixture.tensor("mean")) <= 1e-4)
  }

  @Test func theFirstTokenIsForBertsAlone() throws {
    let clip = try HubFolderFixture("clip")
    #expect(throws: EncoderError.noFirstToken(name: "tests/tiny")) { try texts(clip, "+cls") }
  }

  /// `+9` at the end of a name; no text has fewer tokens than the two around it.
  @Test func aNameLimitsTheTokensOfATextOfBert() throws {
    let hub = try distilBert()
    let long = String(repeating: "the ", count: 50)
    for (variant, count) in [("", 16), ("+9", 9), ("+cls+2", 2), (":normalized+90", 16)] {
      #expect(try texts(hub, variant).tokens(of: long).count == count, "\(variant)")
    }
    // Features of cut texts are kept apart.
    let source = try HubFolder(url: hub.url).model().textSource(HubEncoderName("tests/tiny+9"), Computation())
    #expect(source.preprocessing.contains(" 9, mean"), "\(source.preprocessing)")
    let name = try HubEncoderName("tests/tiny:pooled+cls+128")
    #expect(name.model == "tests/tiny" && name.tap == .pooled && name.readsFirstToken && name.tokenLimit == 128)
    for wrong in ["tests/tiny+1", "tests/tiny+99999999999999999999", "tests/tiny:mean+9"] {
      #expect(throws: EncoderError.self) { try HubEncoderName(wrong) }
    }
    let clip = try HubFolderFixture("clip")
    #expect(throws: EncoderError.noFirstToken(name: "tests/tiny")) { try texts(clip, "+64") }
  }

  // MARK: timm

  /// A folder with random weights of the full size and the network that they are of.
  private func timm(
    _ architecture: String, _ make: (Scope) -> any PictureNetwork
  ) throws -> (TemporaryFolder, any PictureNetwork) {
    let folder = try TemporaryFolder()
    let store = ParameterStore(initializingFrom: Generator(seed: 2))
    let network = make(store.root)
    var weights = store.values.mapValues { $0.detached() }
    weights["fc.weight"] = Tensor.zeros([2, network.width])
    weights["bn1.num_batches_tracked"] = Tensor([3]).selected(0)
    try Checkpoint(tensors: weights).write(to: folder.url.appending(path: "model.safetensors"))
    let description = #"{"architecture": "\#(architecture)", "num_classes": 2, "pretrained_cfg": {"crop_pct": 0.5}}"#
    try Data(description.utf8).write(to: folder.url.appending(path: "config.json"))
    return (folder, network)
  }

  private func images(_ folder: TemporaryFolder, _ variant: String = "") throws -> any ImageEncoder {
    try HubFolder(url: folder.url).model()
      .imageSource(HubEncoderName("timm/tiny\(variant)"), Computation(precision: .float32)).encoder
  }

  /// What a network is given of a picture of 0 to 255, by ImageNet's means and deviations.
  private func scaled(_ pixels: Tensor) -> Tensor {
    func channels(_ values: [Float]) -> Tensor { Tensor(values, shape: [3, 1, 1]) }
    return (pixels.to(.float32) / 255 - channels([0.485, 0.456, 0.406])) / channels([0.229, 0.224, 0.225])
  }

  /// The network's own vector of a picture of 0 to 255.
  private func expected(_ network: any PictureNetwork, _ pixels: Tensor) -> Tensor {
    withoutGrad { network(scaled(pixels), using: nil) }
  }

  @Test func resNet18OfTimmIsAnEncoder() throws {
    let (folder, network) = try timm("resnet18") { ResNet(.resnet18, in: $0) }
    let encoder = try images(folder)
    #expect(encoder.width == 512 && encoder.inputSide == 224)
    let image = picture(width: 300, height: 260)
    let whole = encoder.features(of: [image])
    #expect(relativeDifference(whole, expected(network, image.squashed(to: 224))) <= 1e-4)
    // The middle half of the shorter side, as `crop_pct` has it.
    let crop = ImagePreparation(side: 224, framing: .crop(shortestSide: 448), mean: [0, 0, 0], deviation: [1, 1, 1])
    let middle = try images(folder, "+crop").features(of: [image])
    #expect(relativeDifference(middle, expected(network, crop.pixels(of: image))) <= 1e-4)
    #expect(relativeDifference(middle, whole) > 1e-3)
    #expect(throws: EncoderError.seesPicturesAlone(name: "timm/tiny")) {
      try HubFolder(url: folder.url).model().textSource(HubEncoderName("timm/tiny"), Computation())
    }
  }

  /// Row by row with their rectangles, on the spot and from the cache, where they are float16.
  @Test func resNet18OfTimmTellsTheCellsOfItsLastMap() throws {
    let (folder, network) = try timm("resnet18") { ResNet(.resnet18, in: $0) }
    defer { withExtendedLifetime(folder) {} }
    let resNet = try #require(network as? ResNet)
    let computation = Computation(precision: .float32)
    let pair = EncoderPair(
      name: "timm/tiny,none", computation: computation,
      image: try HubFolder(url: folder.url).model().imageSource(HubEncoderName("timm/tiny"), computation),
      text: .init(width: 1, files: [], preprocessing: "none") {
        throw EncoderError.seesPicturesAlone(name: "timm/tiny")
      })
    let image = picture(width: 300, height: 260)
    let map = withoutGrad { resNet.map(scaled(image.squashed(to: 224)), isTraining: false) }.selected(0)  // [C, 7, 7]
    let encoder = try pair.regionEncoder
    #expect(encoder.regionWidth == 512 && encoder.width == 512 && encoder.inputSide == 224)
    let cells = encoder.cells([encoder.pixels(of: image)])
    #expect(cells.shape == [1, 49, 512])
    #expect(relativeDifference(encoder.features(of: [image]), cells.mean(along: 1)) <= 1e-4)

    let file = folder.url.appending(path: "picture.png")
    try image.pngData().write(to: file)
    let extractor = try FeatureExtractor(
      encoder: pair, cacheFolder: folder.url.appending(path: "cache"),
      request: FeatureRequest(readsFeatures: false, regions: .grid), warn: { _ in }, progress: { _, _, _ in })
    let keys = try extractor.extract([Meme(id: "0", image: file, text: nil)], cleaning: .none).keys
    let regions = try #require(try extractor.table(keys).regions)
    let (features, boxes, _) = regions.gathered([0])
    #expect(features.shape == [1, 49, 512] && boxes.shape == [1, 49, 4])
    for cell in 0..<49 {
      let (x, y) = (cell % 7, cell / 7)
      let expected = map.selected(y, along: 1).selected(x, along: 1)
      #expect(relativeDifference(cells.selected(0).selected(cell), expected) <= 1e-4)
      #expect(relativeDifference(features.selected(0).selected(cell), expected) <= 2e-3)
      let box = boxes.selected(0).selected(cell).doubles
      let corners = [x, y, x + 1, y + 1].map { Double($0) / 7 }
      #expect(zip(box, corners).allSatisfy { abs($0 - $1) < 1e-6 }, "\(box)")
    }
  }

  /// As exports in half precision have them. Statistics that are whole numbers count as what they stand for.
  @Test(arguments: [DType.float16, .float64]) func weightsOfOtherTypesAreConverted(_ type: DType) throws {
    let (folder, _) = try timm("resnet18") { ResNet(.resnet18, in: $0) }
    let file = folder.url.appending(path: "model.safetensors")
    var weights = try Checkpoint(contentsOf: file).tensors
    for (key, value) in weights where value.dtype == .float32 { weights[key] = value.to(type) }
    weights["bn1.running_mean"] = Tensor([Int](repeating: 1, count: 64))
    try Checkpoint(tensors: weights).write(to: file)
    let used = weights.filter { !$0.key.hasPrefix("fc.") && !$0.key.hasSuffix(".num_batches_tracked") }
    let store = ParameterStore(loading: used, dtype: .float32)
    let network = ResNet(.resnet18, in: store.root)
    try store.validate()
    let image = picture(width: 300, height: 260)
    let features = try images(folder).features(of: [image])
    #expect(relativeDifference(features, expected(network, image.squashed(to: 224))) <= 1e-4)
  }

  /// Whole networks of the published sizes. All of them is 0 but for what makes tokens and an attention in the last block by
  /// which every token sees the mean of all, so that the answer can be told. One after the other: each maps 344 MB.
  @Test(.serialized, arguments: [224, 384]) func vitsOfTimmAreEncoders(_ side: Int) throws {
    let (width, grid) = (768, side / 16)
    func normal(_ shape: [Int], _ seed: UInt64) -> Tensor {
      let tensor = Tensor(empty: shape)
      tensor.fillNormal(deviation: 0.1, using: Generator(seed: seed))
      return tensor
    }
    let (classToken, positions) = (normal([1, 1, width], 1), normal([1, grid * grid + 1, width], 2))
    let (kernel, shift) = (normal([width, 3, 16, 16], 3), normal([width], 4))
    let (gain, offset) = (normal([width], 5), normal([width], 6))
    let (one, zero) = (Tensor.ones([width]), Tensor.zeros([width]))
    let unit = Tensor((0..<width * width).map { $0 % (width + 1) == 0 ? Float(1) : Float(0) }, shape: [width, width])
    let given: [String: Tensor] = [
      "cls_token": classToken, "pos_embed": positions,
      "patch_embed.proj.weight": kernel, "patch_embed.proj.bias": shift,
      "blocks.11.norm1.weight": one, "blocks.11.attn.proj.weight": unit, "norm.weight": gain, "norm.bias": offset,
      "blocks.11.attn.qkv.weight": Tensor.concatenated([Tensor.zeros([2 * width, width]), unit], along: 0),
    ]
    let folder = try TemporaryFolder()
    let outline = ParameterStore(uninitializedOn: .meta)
    _ = VisionTransformer(.base16(side: side), in: outline.root)
    var shapes = outline.values.mapValues { $0.shape }
    (shapes["head.weight"], shapes["head.bias"]) = ([1000, width], [1000])
    try writeSparsely(shapes, given, to: folder.url.appending(path: "model.safetensors"))
    func describe(_ side: Int) throws {
      let halves = "[0.5, 0.5, 0.5]"
      let description =
        #"{"architecture": "vit_base_patch16_\#(side)", "#
        + #""pretrained_cfg": {"mean": \#(halves), "std": \#(halves)}}"#
      try Data(description.utf8).write(to: folder.url.appending(path: "config.json"))
    }
    try describe(side)
    let encoder = try images(folder)
    #expect(encoder.width == width && encoder.inputSide == side)

    let image = picture(width: 300, height: 260)
    let pixels = image.squashed(to: side).to(.float32) / 127.5 - 1
    let map = pixels.convolved(weight: kernel, bias: shift, stride: 16)
    let patches = map.reshaped(to: [1, width, grid * grid]).transposed(1, 2)
    let tokens = Tensor.concatenated([classToken, patches], along: 1) + positions
    let seen = tokens.layerNormalized(weight: one, bias: zero, epsilon: 1e-6).mean(along: 1)
    let expected = (tokens.selected(0, along: 1) + seen).layerNormalized(weight: gain, bias: offset, epsilon: 1e-6)
    #expect(relativeDifference(encoder.features(of: [image]), expected) <= 1e-4)

    // The other architecture has other positions.
    try describe(side == 224 ? 384 : 224)
    let error = try #require(throws: EncoderError.self) { try images(folder) }
    #expect(error.description.contains("pos_embed: [1, \(grid * grid + 1), 768] instead of"), "\(error)")
  }

  /// A safetensors file of float32 in which tensors that are not given are holes, which read as 0 and take no room.
  private func writeSparsely(_ shapes: [String: [Int]], _ given: [String: Tensor], to file: URL) throws {
    var end = 0
    var entries: [String] = []
    var starts: [String: Int] = [:]
    for (key, shape) in shapes.sorted(by: { $0.key < $1.key }) {
      let start = end
      end += 4 * shape.reduce(1, *)
      starts[key] = start
      entries.append("\"\(key)\": {\"dtype\": \"F32\", \"shape\": \(shape), \"data_offsets\": [\(start), \(end)]}")
    }
    var header = Data("{\(entries.joined(separator: ", "))}".utf8)
    header.append(contentsOf: [UInt8](repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8))
    var contents = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) }
    contents.append(header)
    try contents.write(to: file)
    let handle = try FileHandle(forWritingTo: file)
    try handle.truncate(atOffset: UInt64(contents.count + end))
    for (key, tensor) in given {
      let start = try #require(starts[key], "the network has no \(key)")
      try handle.seek(toOffset: UInt64(contents.count + start))
      try handle.write(contentsOf: tensor.withBytes { Data($0) })
    }
    try handle.close()
  }

  @Test func architecturesThatAreNotKnownAreNamed() throws {
    let (folder, _) = try timm("resnet19") { ResNet(.resnet18, in: $0) }
    let error = try #require(throws: EncoderError.self) { try images(folder) }
    #expect(error.description.contains(#"architecture is "resnet19"; expected one of resnet18"#), "\(error)")
  }

  @Test func weightsOfAnotherArchitectureAreRefused() throws {
    let (folder, _) = try timm("resnet50") { ResNet(.resnet18, in: $0) }
    let error = try #require(throws: EncoderError.self) { try images(folder) }
    #expect(error.description.contains("layer1.0.conv3.weight"), "\(error)")
  }
}
