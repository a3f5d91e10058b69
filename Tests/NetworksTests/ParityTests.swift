import TestSupport
import Testing
import Torch
import TorchNN

@testable import Networks

/// Networks against timm and transformers on random weights: outputs, gradients of all parameters and running
/// statistics; tolerance 1e-4 of the largest element.
@Suite struct ParityTests {
  private let fixture: Fixture
  private let shape = TransformerLayerShape(width: 12, headCount: 3, innerWidth: 20, dropoutRate: 0)
  /// Given where a network is to train; nothing is drawn from it, since all rates are zero.
  private let generator = Generator(seed: 0)

  init() throws { fixture = try Fixture("networks") }

  /// - Parameter make: The network in a scope, as what it gives while training or not.
  private func check(_ name: String, make: (Scope) -> (Generator?) -> Tensor) throws {
    let store = ParameterStore(loading: fixture.group("\(name).weights."), dtype: .float32)
    let network = make(store.root)
    try store.validate()
    for parameter in store.parameters { parameter.requiringGrad() }
    #expect(relativeDifference(network(nil), fixture["\(name).evaluated"]) < 1e-4)
    let output = network(generator)
    #expect(relativeDifference(output, fixture["\(name).trained"]) < 1e-4)
    output.backward(gradient: fixture["\(name).seed"])
    let gradients = fixture.group("\(name).gradient.")
    #expect(!gradients.isEmpty)
    for (key, expected) in gradients {
      guard let value = store.values[key], let gradient = value.grad else {
        Issue.record("\(key) got no gradient")
        continue
      }
      let actual = gradient.reshaped(to: [-1]).sliced(0..<expected.elementCount)
      // Keys of attention have a bias without effect: its gradient is rounding on either side.
      if expected.doubles.allSatisfy({ abs($0) < 1e-5 }) {
        #expect(actual.doubles.allSatisfy { abs($0) < 1e-4 }, "\(key)")
      } else {
        #expect(relativeDifference(actual, expected) < 1e-4, "\(key)")
      }
    }
    for (key, expected) in fixture.group("\(name).after.") {
      #expect(relativeDifference(store.values[key]!, expected) < 1e-5, "\(key)")
    }
  }

  @Test(arguments: [("basic", ResNetConfiguration.Block.basic), ("bottleneck", .bottleneck)])
  func resNet(_ name: String, block: ResNetConfiguration.Block) throws {
    let pictures = fixture["resnet.\(name).input.pictures"]
    try check("resnet.\(name)") { scope in
      let network = ResNet(.init(block: block, depths: [1, 2, 1, 1], channels: [4, 4, 6, 6]), in: scope)
      return { network(pictures, using: $0) }
    }
  }

  @Test func visionTransformer() throws {
    try check("vit") { scope in
      let network = VisionTransformer(.init(side: 32, patch: 8, width: 12, layerCount: 2, headCount: 3), in: scope)
      return { network(fixture["vit.input.pictures"], using: $0) }
    }
  }

  /// The positions are interpolated.
  @Test(arguments: [16, 48]) func visionTransformerOnPicturesOfAnotherSize(_ side: Int) throws {
    let store = ParameterStore(loading: fixture.group("vit.weights."), dtype: .float32)
    let network = VisionTransformer(.init(side: 32, patch: 8, width: 12, layerCount: 2, headCount: 3), in: store.root)
    let output = network(fixture["vit.\(side).pictures"], using: nil)
    #expect(relativeDifference(output, fixture["vit.\(side).evaluated"]) < 1e-4)
  }

  private func text(_ name: String) -> (ids: Tensor, hasText: Tensor) {
    (fixture["\(name).input.ids"], fixture["\(name).input.has_text"])
  }

  @Test func bert() throws {
    let (ids, hasText) = text("bert")
    try check("bert") { scope in
      let network = BertNetwork(
        BertShape(layers: shape, layerCount: 2, vocabularySize: 30, positionCount: 10), in: scope)
      return { network(ids, isPresent: hasText, using: $0).pooled }
    }
  }

  @Test func distilBert() throws {
    let (ids, hasText) = text("distilbert")
    try check("distilbert") { scope in
      let network = DistilBertNetwork(
        BertShape(layers: shape, layerCount: 2, vocabularySize: 30, positionCount: 10), in: scope)
      return { network(ids, isPresent: hasText, using: $0).selected(0, along: 1) }
    }
  }

  @Test func viLT() throws {
    let (ids, hasText) = text("vilt")
    let pictures = fixture["vilt.input.pictures"]
    try check("vilt") { scope in
      let network = ViLTNetwork(
        ViLTShape(layers: shape, layerCount: 2, vocabularySize: 30, positionCount: 10, side: 24, patch: 8), in: scope)
      return { network(ids, hasText: hasText, pictures: pictures, hasPicture: .ones([3]), using: $0) }
    }
  }

  @Test func visualBERT() throws {
    let (ids, hasText) = text("visualbert")
    let (regions, hasRegions) = (fixture["visualbert.input.regions"], fixture["visualbert.input.has_regions"])
    try check("visualbert") { scope in
      let network = VisualBERTNetwork(
        BertShape(layers: shape, layerCount: 2, vocabularySize: 30, positionCount: 10), regionWidth: 12, in: scope)
      return { network(ids, hasText: hasText, regions: regions, hasRegions: hasRegions, using: $0).pooled }
    }
  }

  @Test func lxmert() throws {
    let (ids, hasText) = text("lxmert")
    let (regions, boxes) = (fixture["lxmert.input.regions"], fixture["lxmert.input.boxes"])
    let hasRegions = fixture["lxmert.input.has_regions"]
    try check("lxmert") { scope in
      let network = LXMERTNetwork(
        LXMERTShape(
          layers: shape, textLayerCount: 2, regionLayerCount: 1, crossLayerCount: 1, vocabularySize: 30,
          positionCount: 10, regionWidth: 12), in: scope)
      return { network(ids, hasText: hasText, regions: regions, boxes: boxes, hasRegions: hasRegions, using: $0) }
    }
  }
}

/// Parameters of full-size networks, on the meta device; reference files 06, 11, 12, 13, 14 and 17.
@Suite struct ParameterCountTests {
  private func count(_ make: (Scope) -> Void) -> Int {
    let store = ParameterStore(uninitializedOn: .meta)
    make(store.root)
    return store.parameterCount
  }

  @Test func publishedSizes() {
    #expect(count { _ = ResNet(.resnet18, in: $0) } == 11_176_512)
    #expect(count { _ = ResNet(.resnet50, in: $0) } == 23_508_032)
    #expect(count { _ = VisionTransformer(.base16(), in: $0) } == 85_798_656)
    #expect(count { _ = VisionTransformer(.base16(side: 384), in: $0) } == 86_090_496)
    #expect(count { _ = BertNetwork(.base, in: $0) } == 109_482_240)
    #expect(count { _ = DistilBertNetwork(.distilBase, in: $0) } == 66_362_880)
    #expect(count { _ = ViLTNetwork(.base32, in: $0) } == 111_595_008)
    #expect(count { _ = VisualBERTNetwork(.base, regionWidth: 2048, in: $0) } == 111_450_624)
    #expect(count { _ = LXMERTNetwork(.base, in: $0) } == 207_936_768)
    #expect(count { _ = PolysemousEmbedding(inputs: 512, outputs: 512, in: $0) } == 788_992)
    #expect(count { _ = PolysemousEmbedding(inputs: 768, outputs: 768, in: $0) } == 1_773_312)
    // Without the published network's 512 × 512 layer that nothing reads: 262,656 of 526,848.
    #expect(count { _ = PairFusion(width: 512, in: $0) } == 526_848 - 262_656)
    let (embeddings, projections) = (788_992 + 1_773_312, 525_312 + 656_384)
    #expect(
      count { _ = ExtPIEHeads(imageWidth: 512, textWidth: 768, embeddingWidth: 512, in: $0) }
        == embeddings + projections + 526_848 - 262_656)
  }
}

@Suite struct RandomnessTests {
  /// Rates change what training gives and nothing else; the same numbers give the same.
  @Test func dropoutAndStochasticDepthFollowTheGenerator() {
    let store = ParameterStore(initializingFrom: Generator(seed: 3))
    let network = VisionTransformer(
      .init(side: 16, patch: 8, width: 12, layerCount: 3, headCount: 3, dropPathRate: 0.5), in: store.root)
    let shape = TransformerLayerShape(width: 12, headCount: 3, innerWidth: 20, dropoutRate: 0.3)
    let bert = BertNetwork(
      BertShape(layers: shape, layerCount: 2, vocabularySize: 9, positionCount: 6), in: store.root["bert"])
    let pictures = Tensor(empty: [4, 3, 16, 16])
    pictures.fillNormal(using: Generator(seed: 1))
    let ids = Tensor([1, 2, 3, 4, 5, 6, 7, 8]).reshaped(to: [2, 4])
    func outputs(_ generator: Generator?) -> [Double] {
      network(pictures, using: generator).doubles
        + bert(ids, isPresent: .ones([2, 4]), using: generator).pooled.doubles
    }
    #expect(outputs(Generator(seed: 5)) == outputs(Generator(seed: 5)))
    #expect(outputs(Generator(seed: 5)) != outputs(Generator(seed: 6)))
    #expect(outputs(nil) == outputs(nil) && outputs(nil) != outputs(Generator(seed: 5)))
  }
}
