import Foundation
import MemeData
import Networks
import Testing
import Torch
import TorchNN

@testable import Encoders
@testable import Methods

/// Published weights as their files hold them, beside what is not read: what networks start from.
@Suite struct PretrainedWeightsTests {
  private final class Folder {
    let url = FileManager.default.temporaryDirectory.appending(path: "weights-\(UUID().uuidString)")
    init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: url) }
  }

  private let folder: Folder
  private let shape = ProblemShape(
    imageWidth: 0, textWidth: 0, task: LabelTask(name: "t", kind: .binary, labels: ["yes"]), regionWidth: 5)

  init() throws { folder = try Folder() }

  private func write(_ tensors: [String: Tensor], _ name: String = "model.safetensors") throws -> InitialWeights {
    let file = folder.url.appending(path: name)
    try Checkpoint(tensors: tensors).write(to: file)
    return InitialWeights(named: file.path)
  }

  /// Random parameters and buffers by their paths.
  private func values(_ make: (Scope) -> Void) -> [String: Tensor] {
    let store = ParameterStore(initializingFrom: Generator(seed: 3))
    make(store.root)
    return store.values.mapValues { $0.detached() }
  }

  private func expectEqual(_ found: [String: Tensor], _ expected: [String: Tensor]) {
    #expect(Set(found.keys) == Set(expected.keys))
    for (key, value) in expected {
      guard let own = found[key] else { continue }
      #expect(own.shape == value.shape && own.floats == value.floats, "\(key)")
    }
  }

  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "accepted"
    } catch {
      return "\(error)"
    }
  }

  /// Weights that lack a tensor, or have it in another shape, are refused by file and tensor.
  ///
  /// - Parameters:
  ///   - key: The tensor, by its name in the file.
  ///   - path: Its name in the network.
  private func expectRefusals(
    of tensors: [String: Tensor], _ key: String, named path: String, _ start: (InitialWeights) throws -> Void
  ) throws {
    let own = try #require(tensors[key], "the test has no \(key)")
    let lacking = try write(tensors.filter { $0.key != key }, "lacking.safetensors")
    let told = message { try start(lacking) }
    #expect(told.contains("lacking.safetensors: ") && told.contains("missing: \(path)"), "\(told)")
    var changed = tensors
    changed[key] = Tensor.zeros([3, 2])
    let misshapen = try write(changed, "misshapen.safetensors")
    let other = message { try start(misshapen) }
    let expected = "\(path): [3, 2] instead of \(own.shape)"
    #expect(other.contains("misshapen.safetensors: ") && other.contains(expected), "\(other)")
  }

  // MARK: Pictures

  /// torchvision's layout, by torchvision's name: the classifier and the counts of batches stand beside what is read.
  @Test func resNet18IsReadFromAFileOfTorchvision() throws {
    let network = values { _ = ResNet(.resnet18, in: $0) }
    let published = network.merging([
      "fc.weight": .zeros([4, 512]), "fc.bias": .zeros([4]), "bn1.num_batches_tracked": Tensor([7]).selected(0),
    ]) { $1 }
    let weights = try write(published, "resnet18-f37072fd.pth")
    // Millions of numbers: those of the first and the last layer.
    func ends(_ values: [String: Tensor]) -> [String: Tensor] {
      values.filter { $0.key.contains("conv1.weight") && !$0.key.contains("layer") || $0.key.contains("layer4.1.bn2.") }
    }
    #expect(ends(network).count == 5)

    var cmml = CMMLOrigin()
    cmml.weights = weights
    let found = try cmml.initialValues()
    #expect(Set(found.keys) == Set(network.keys.map { "images.\($0)" }))
    expectEqual(ends(found), ends(network).withPrefix("images."))

    var pie = ExtPIE()
    pie.imageWeights = weights
    expectEqual(ends(try pie.initialValues()), ends(network).withPrefix("images."))

    let key = "layer4.1.conv2.weight"
    try expectRefusals(of: published, key, named: key) { weights in
      cmml.weights = weights
      _ = try cmml.initialValues()
    }
    let missing = message {
      cmml.weights = InitialWeights(named: folder.url.appending(path: "nothing.pth").path)
      _ = try cmml.initialValues()
    }
    #expect(missing.contains("nothing.pth"), "\(missing)")
  }

  @Test func aBackboneOfFineTuningIsReadFromAFile() throws {
    let network = values { _ = Backbone.named("resnet-nano")!.network(side: 32, in: $0) }
    var method = FineTune()
    method.reads = .none
    func start(_ weights: InitialWeights) throws -> [String: Tensor] {
      method.backbone = BackboneSettings("resnet-nano", weights: weights)
      return try method.initialValues()
    }
    let published = network.merging(["fc.weight": .zeros([4, 16])]) { $1 }
    expectEqual(try start(write(published, "resnet.bin")), network.withPrefix("images."))
    let key = "layer2.0.bn1.running_var"
    try expectRefusals(of: published, key, named: key) { _ = try start($0) }
    let larger = try write(values { _ = ResNet(.resnet18, in: $0) }, "resnet18.pt")
    let other = message { _ = try start(larger) }
    #expect(other.contains("resnet18.pt: ") && other.contains("layer1.1.bn1.bias"), "\(other)")
  }

  /// Positions for pictures of another side are interpolated, and no reason to refuse a file.
  @Test func aTransformerIsReadFromAFile() throws {
    let network = values { _ = Backbone.named("vit-nano16")!.network(side: 64, in: $0) }
    let settings = BackboneSettings("vit-nano16", weights: try write(network))
    expectEqual(try settings.initialValues(side: 64), network)
    #expect(try settings.initialValues(side: 96)["pos_embed"]?.shape == [1, 37, 24])
    try expectRefusals(of: network, "blocks.1.attn.qkv.bias", named: "blocks.1.attn.qkv.bias") {
      _ = try BackboneSettings("vit-nano16", weights: $0).initialValues(side: 64)
    }
  }

  /// CASS agrees on what ImageNet's classifiers say, which timm calls `fc` in a ResNet and `head` in a ViT; those of another
  /// number of outputs are left.
  @Test(arguments: [5, 6])
  func classifiersAreReadForCASS(_ outputs: Int) throws {
    var cass = CASS()
    (cass.pictureSide, cass.outputs, cass.augmentation) = (32, outputs, .none)
    (cass.training.epochs, cass.training.batchSize) = (1, 2)
    var published: [String: Tensor] = [:]
    cass.backbones = try [("resnet-nano", "fc"), ("vit-nano16", "head")].map { name, classifier -> BackboneSettings in
      let backbone = Backbone.named(name)!
      let own = values { scope in
        _ = backbone.network(side: 32, in: scope)
        _ = Linear(inputs: backbone.width, outputs: 5, in: scope[classifier])
      }
      for part in ["weight", "bias"] { published["\(name).\(part)"] = own["\(classifier).\(part)"] }
      return BackboneSettings(name, weights: try write(own, "\(name).safetensors"))
    }
    let pictures = (0..<2).map { Tensor.full([3, 32, 32], 90 * Double($0)).to(.uint8) }
    let features = FeatureTable(
      image: .empty(isPresent: [true, true]), text: .empty(isPresent: [false, false]),
      pictures: PictureBlock(pictures, side: 32))
    let prepared = try cass.prepared(
      for: [0, 1], of: features, probe: PretrainingProbe(sample: [0, 1], labelled: []), seed: 1, device: .cpu)
    // The two last parameters of a network are those of its classifier.
    let parameters = prepared.stage.parameters
    let split = try #require(parameters.firstIndex { $0.shape == [outputs, 16] })
    let found = [("resnet-nano", split), ("vit-nano16", parameters.count - 2)]
    for (name, index) in found {
      let (weight, bias) = (parameters[index].detached(), parameters[index + 1].detached())
      #expect(weight.shape[0] == outputs && bias.shape == [outputs])
      let isRead = outputs == 5
      #expect((weight.floats == published["\(name).weight"]?.floats) == isRead, "\(name)")
      #expect((bias.floats == published["\(name).bias"]?.floats) == isRead, "\(name)")
    }
    #expect(try cass.initialValues().keys.contains("transformer.head.weight") == (outputs == 5))
  }

  // MARK: Words and pictures

  @Test func viLTIsReadBelowItsHead() throws {
    var method = ViLT()
    (method.network.width, method.network.layerCount, method.network.headCount) = (12, 1, 2)
    (method.network.innerWidth, method.network.patch, method.network.textLength) = (24, 128, 8)
    let network = values { _ = method.model(for: shape, in: $0) }.below("network.")
    let published = network.withPrefix("vilt.").merging([
      "vilt.embeddings.text_embeddings.position_ids": Tensor([0, 1, 2]), "mlm_score.bias": .zeros([9]),
    ]) { $1 }
    method.weights = try write(published)
    expectEqual(try method.initialValues(), network.withPrefix("network."))
    method.weights = try write(network, "bare.safetensors")
    expectEqual(try method.initialValues(), network.withPrefix("network."))
    try expectRefusals(of: published, "vilt.pooler.dense.weight", named: "pooler.dense.weight") {
      method.weights = $0
      _ = try method.initialValues()
    }
    method.weights = try write(["conv1.weight": .zeros([1])], "other.safetensors")
    #expect(message { _ = try method.initialValues() }.contains("are no ViLT's"))
  }

  private static let visualBERT: VisualBERT = {
    var method = VisualBERT()
    (method.network.width, method.network.layerCount) = (12, 2)
    (method.network.headCount, method.network.innerWidth) = (2, 24)
    return method
  }()

  private static let lxmert: LXMERT = {
    var method = LXMERT()
    (method.network.width, method.network.headCount, method.network.innerWidth) = (12, 2, 24)
    (method.network.textLayerCount, method.network.regionLayerCount, method.network.crossLayerCount) = (2, 1, 1)
    return method
  }()

  private func expectRegionNetwork<Network: RegionNetwork>(
    _ method: RegionMethod<Network>, prefix: String, _ key: String
  ) throws {
    var method = method
    let network = values { _ = method.model(for: shape, in: $0) }.below("network.")
    let published = network.withPrefix(prefix).merging(["cls.predictions.bias": .zeros([9])]) { $1 }
    method.weights = try write(published)
    expectEqual(try method.initialValues(), network.withPrefix("network."))
    try expectRefusals(of: published, prefix + key, named: key) {
      method.weights = $0
      _ = try method.initialValues()
    }
  }

  @Test func networksOnRegionsAreReadBelowTheirHeads() throws {
    try expectRegionNetwork(Self.visualBERT, prefix: "visual_bert.", "encoder.layer.1.output.dense.weight")
    try expectRegionNetwork(Self.lxmert, prefix: "lxmert.", "encoder.x_layers.0.visual_attention.att.key.weight")
  }

  /// With the old names of gains and shifts; what a BERT lacks starts at random, and layers that the network lacks stay out.
  @Test func aPlainBertServesNetworksOnRegions() throws {
    let layers = TransformerLayerShape(width: 12, headCount: 2, innerWidth: 24)
    let bert = values { _ = BertNetwork(BertShape(layers: layers, layerCount: 3), in: $0) }
    var published: [String: Tensor] = ["cls.predictions.bias": .zeros([9])]
    for (key, value) in bert {
      let old = key.replacing("LayerNorm.weight", with: "LayerNorm.gamma")
        .replacing("LayerNorm.bias", with: "LayerNorm.beta")
      published["bert.\(old)"] = value
    }
    let weights = try write(published)
    let expected = bert.filter { !$0.key.hasPrefix("encoder.layer.2.") }.withPrefix("network.")
    #expect(expected["network.embeddings.LayerNorm.weight"] != nil)
    var (visualBERT, lxmert) = (Self.visualBERT, Self.lxmert)
    (visualBERT.weights, lxmert.weights) = (weights, weights)
    expectEqual(try visualBERT.initialValues(), expected)
    expectEqual(try lxmert.initialValues(), expected)
    // A layer for texts that it lacks is not left to chance.
    (visualBERT.network.layerCount, lxmert.network.textLayerCount) = (4, 4)
    for initialValues in [visualBERT.initialValues, lxmert.initialValues] {
      #expect { _ = try initialValues() } throws: {
        "\($0)".contains("have 3 layers for texts and the network has 4")
      }
    }
  }

  // MARK: Texts

  @Test(arguments: [("bert.", TextArchitecture.Family.bert), ("distilbert.", .distilBert)])
  func networksForTextsAreReadBelowTheirHeads(_ prefix: String, _ family: TextArchitecture.Family) throws {
    var settings = TextNetworkSettings()
    settings.architecture.family = family
    (settings.architecture.width, settings.architecture.layerCount) = (12, 2)
    (settings.architecture.headCount, settings.architecture.innerWidth) = (2, 24)
    let network = values { _ = settings.architecture.network(in: $0) }
    // Neither a pooler nor a head is read.
    let published = network.withPrefix(prefix).merging([
      "\(prefix)pooler.dense.bias": .zeros([12]), "\(prefix)embeddings.position_ids": Tensor([0, 1]),
      "vocab_transform.bias": .zeros([12]),
    ]) { $1 }
    settings.weights = try write(published)
    expectEqual(try settings.initialValues(), network)
    let key = family == .bert ? "encoder.layer.1.output.dense.bias" : "transformer.layer.1.ffn.lin2.bias"
    try expectRefusals(of: published, prefix + key, named: key) {
      settings.weights = $0
      _ = try settings.initialValues()
    }
    // A shallower network takes the first layer, a deeper one is not left to chance.
    settings.weights = try write(published, "again.safetensors")
    settings.architecture.layerCount = 1
    #expect(try settings.initialValues().count < network.count)
    settings.architecture.layerCount = 3
    #expect(message { _ = try settings.initialValues() }.contains("layer.2."))
  }

  /// A cased tokenizer has fewer words than the uncased one, so that none of its ids is too large: those that stand where BERT's
  /// uncased vocabulary has no word tell it. A network at random weights learns any words.
  @Test func tokenizersOfOtherWordsAreRefused() throws {
    // "Hello, world!" by google-bert/bert-base-uncased, bert-base-cased and xlm-roberta-base, and an id beyond all words.
    let texts: [(ids: [Int32], stray: Int?, isReadAtRandom: Bool)] = [
      ([101, 7592, 1010, 2088, 999, 102], nil, true), ([101, 8667, 117, 1362, 106, 102], 117, true),
      ([0, 35_378, 4, 8999, 38, 2], 35_378, false), ([101, 30_522, 102], 30_522, false),
    ]
    var (trained, random) = (TextNetworkSettings(), TextNetworkSettings())
    (trained.weights, random.weights) = (InitialWeights(named: "lite"), .random)
    for (ids, stray, isReadAtRandom) in texts {
      let features = FeatureTable(
        image: .empty(isPresent: [true, true]), text: .empty(isPresent: [false, true]), ids: [[], ids])
      let told = message { try trained.requireKnownTokens(of: features) }
      if let stray {
        #expect(told.contains("the id \(stray),") && told.hasSuffix("take text_encoder: lite"), "\(told)")
      } else {
        #expect(told == "accepted")
      }
      let atRandom = message { try random.requireKnownTokens(of: features) }
      #expect((atRandom == "accepted") == isReadAtRandom, "\(atRandom)")
    }
  }

  /// A run's network for texts of another size than the recipe's is refused where its weights are read, before any text is.
  @Test func textsOfARunMustFit() throws {
    var text = TextArchitecture()
    (text.family, text.width, text.layerCount, text.headCount, text.innerWidth) = (.bert, 12, 1, 2, 24)
    let network = PretrainedDescription.Network(
      name: "clip", backbone: try #require(Backbone.named("vit-nano16")), side: 32, text: text)
    try Checkpoint(tensors: values { _ = text.network(in: $0) })
      .write(to: PretrainedDescription.textFile(of: network, in: folder.url))
    try JSONEncoder().encode(PretrainedDescription(networks: [network], textEncoder: "lite"))
      .write(to: folder.url.appending(path: PretrainedDescription.fileName))
    var settings = TextNetworkSettings()
    (settings.architecture, settings.weights) = (text, InitialWeights(model: folder.url.path))
    expectEqual(try settings.initialValues(), values { _ = text.network(in: $0) })
    settings.architecture.innerWidth = 36
    let told = message { _ = try settings.initialValues() }
    #expect(told.contains(folder.url.path) && told.contains("intermediate.dense.weight: [24, 12] instead of [36, 12]"))
  }

  // MARK: Names

  @Test func filesAreToldFromModelsByTheirNames() throws {
    let file = try #require(InitialWeights(named: "weights/../resnet18-f37072fd.pth").model)
    #expect(file.hasPrefix("/") && file.hasSuffix("/resnet18-f37072fd.pth") && !file.contains(".."))
    for name in ["timm/resnet18.tv_in1k", "lite", "openai/clip-vit-base-patch32", "runs/dino:teacher"] {
      #expect(InitialWeights(named: name).model == name)
    }
    #expect(InitialWeights(named: "random").model == nil)
  }

  @Test func shallowerNetworksTakeTheFirstLayers() {
    let names = [
      "embeddings.weight", "encoder.layer.0.weight", "encoder.layer.1.weight", "encoder.layer.10.weight",
      "encoder.x_layers.1.weight", "pooler.weight",
    ]
    let weights = Dictionary(uniqueKeysWithValues: names.map { ($0, Tensor.zeros([1])) })
    func kept(_ counts: [String: Int]) -> Set<String> { Set(weights.keepingLayers(counts).keys) }
    #expect(kept(["encoder.layer.": 12]) == Set(names))
    #expect(
      kept(["encoder.layer.": 1, "encoder.x_layers.": 1]) == [
        "embeddings.weight", "encoder.layer.0.weight", "pooler.weight",
      ])
    #expect(kept(["encoder.layer.": 2]) == Set(names).subtracting(["encoder.layer.10.weight"]))
  }
}
