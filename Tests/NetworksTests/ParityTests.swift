import TestSupport
import Testing
import Torch
import TorchNN

@testable import Networks

/// Networks against timm and transformers on random weights: outputs, gradients of all parameters and running
/// statistics; tolerance 1e-4 of the largest element. Of large gradients the first elements are compared, and the norm and the
/// sum of the whole.
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
      guard gradient.elementCount > expected.elementCount else { continue }
      let whole = fixture["\(name).whole.\(key)"].doubles
      guard whole.count == 2 else { continue }  // which is recorded
      let rounding = max(1e-4 * whole[0], 1e-6)
      #expect(abs(gradient.norm().item - whole[0]) < rounding, "\(key)")
      #expect(abs(gradient.sum().item - whole[1]) < rounding * Double(gradient.elementCount).squareRoot(), "\(key)")
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

/// What is computed in fewer steps than it is described in, against the description.
@Suite struct ShortcutTests {
  private func normal(_ shape: [Int], _ seed: UInt64) -> Tensor {
    let tensor = Tensor(empty: shape)
    tensor.fillNormal(using: Generator(seed: seed))
    return tensor
  }

  @Test func theFirstTokenAloneIsThatOfAll() {
    let store = ParameterStore(initializingFrom: Generator(seed: 3))
    let shape = TransformerLayerShape(width: 12, headCount: 3, innerWidth: 20, dropoutRate: 0)
    let layer = PreNormalizedLayer(shape, in: store.root)
    let mask = AttentionMask(Tensor([1, 1, 1, 0, 1, 1, 1, 1] as [Float], shape: [2, 4]))
    func run(onlyFirst: Bool) -> [String: Tensor] {
      let x = normal([2, 4, 12], 1).requiringGrad()
      let states = layer(x, onlyFirst: onlyFirst, mask: mask, using: Generator(seed: 0))
      #expect(states.shape == [2, onlyFirst ? 1 : 4, 12])
      let first = states.selected(0, along: 1)
      first.backward(gradient: normal([2, 12], 2))
      var found = store.values.compactMapValues { $0.grad?.copied() }
      for parameter in store.parameters { parameter.setGrad(nil) }
      (found["result"], found["input"]) = (first, x.grad!)
      return found
    }
    let (all, alone) = (run(onlyFirst: false), run(onlyFirst: true))
    #expect(all.count == 18 && alone.count == 18)
    // The bias of keys has no effect: its gradient is rounding.
    for (name, value) in all where !name.hasSuffix("key.bias") {
      #expect(relativeDifference(alone[name]!, value) < 1e-5, "\(name)")
    }
  }

  /// Of pictures that patches do not cover whole.
  @Test func patchesAreThoseOfAConvolution() {
    let store = ParameterStore(initializingFrom: Generator(seed: 3))
    let patches = PatchEmbedding(side: 4, width: 6, in: store.root)
    let (pictures, classToken) = (normal([2, 3, 13, 10], 1), normal([1, 1, 6], 2))
    let (tokens, height, width) = patches(pictures, after: classToken)
    #expect(height == 3 && width == 2 && tokens.shape == [2, 7, 6])
    let map = pictures.convolved(weight: store.values["weight"]!, bias: store.values["bias"]!, stride: 4)
    let expected = map.reshaped(to: [2, 6, 6]).transposed(1, 2)
    #expect(relativeDifference(tokens.sliced(1..<7, along: 1), expected.detached()) < 1e-5)
    #expect(tokens.sliced(0..<1, along: 1).doubles == classToken.doubles + classToken.doubles)
  }
}

/// Networks whose layers the backward pass computes once more, against the same networks as they are: to the bit.
@Suite struct RecomputationTests {
  static let precisions = [DType.float32, .bfloat16]

  /// Loss and gradients of a network made of `shape`, whose layers drop.
  private func gradients(
    _ isRecomputed: Bool, _ precision: DType, freezesFirst: Bool = false,
    _ make: (TransformerLayerShape, Bool, Scope) -> (Generator?) -> Tensor
  ) -> [String: [Double]] {
    let store = ParameterStore(initializingFrom: Generator(seed: 3))
    let shape = TransformerLayerShape(
      width: 12, headCount: 3, innerWidth: 20, dropoutRate: 0.3, isRecomputed: isRecomputed)
    let network = make(shape, isRecomputed, store.root)
    if freezesFirst {
      for (name, value) in store.values where name.hasPrefix("embeddings.") { value.requiringGrad(false) }
    }
    let generator = Generator(seed: 5)
    func loss() -> Tensor {
      let output = network(generator).to(.float32)
      return (output * output * output).sum()
    }
    let total = precision == .float32 ? loss() : withAutocast(to: precision, loss)
    total.backward()
    var found = store.values.compactMapValues { $0.grad?.doubles }
    found["loss"] = total.detached().doubles
    // The generator stands where it would stand: what is drawn next is the same.
    let next = Tensor(empty: [4])
    next.fillUniform(from: 0, to: 1, using: generator)
    found["next"] = next.doubles
    return found
  }

  private func check(
    _ precision: DType, freezesFirst: Bool = false,
    _ make: (TransformerLayerShape, Bool, Scope) -> (Generator?) -> Tensor
  ) {
    let plain = gradients(false, precision, freezesFirst: freezesFirst, make)
    let again = gradients(true, precision, freezesFirst: freezesFirst, make)
    #expect(plain.count > 20 && plain.keys.sorted() == again.keys.sorted())
    for (name, values) in plain {
      let isConvertedTwice = precision == .bfloat16 && name.contains(".visual_attention.")
      let tolerance = isConvertedTwice ? 0x1p-7 * values.map(abs).max()! : 0
      #expect(zip(values, again[name]!).allSatisfy { abs($0 - $1) <= tolerance }, "\(name)")
    }
    #expect(plain.contains { $0.key.contains("0") && $0.value.contains { $0 != 0 } })
  }

  private let ids = Tensor([1, 2, 3, 4, 5, 6, 7, 8]).reshaped(to: [2, 4])
  private let hasText = Tensor([1, 1, 1, 1, 1, 1, 0, 0] as [Float], shape: [2, 4])

  @Test(arguments: precisions, [false, true])
  func bert(_ precision: DType, freezesFirst: Bool) {
    check(precision, freezesFirst: freezesFirst) { shape, _, scope in
      let network = BertNetwork(
        BertShape(layers: shape, layerCount: 3, vocabularySize: 9, positionCount: 6), in: scope)
      return { network(ids, isPresent: hasText, using: $0).pooled }
    }
  }

  @Test(arguments: precisions)
  func viLT(_ precision: DType) {
    let pictures = Tensor(empty: [2, 3, 16, 16])
    pictures.fillNormal(using: Generator(seed: 1))
    check(precision) { shape, _, scope in
      let network = ViLTNetwork(
        ViLTShape(layers: shape, layerCount: 2, vocabularySize: 9, positionCount: 6, side: 16, patch: 8), in: scope)
      return { network(ids, hasText: hasText, pictures: pictures, hasPicture: .ones([2]), using: $0) }
    }
  }

  /// Its layers of both streams have two inputs and two results, and one attention serves twice.
  @Test(arguments: precisions)
  func lxmert(_ precision: DType) {
    let (regions, boxes) = (Tensor(empty: [2, 3, 5]), Tensor(empty: [2, 3, 4]))
    regions.fillNormal(using: Generator(seed: 1))
    boxes.fillUniform(from: 0, to: 1, using: Generator(seed: 2))
    check(precision) { shape, _, scope in
      let network = LXMERTNetwork(
        LXMERTShape(
          layers: shape, textLayerCount: 2, regionLayerCount: 1, crossLayerCount: 2, vocabularySize: 9,
          positionCount: 6, regionWidth: 5), in: scope)
      return {
        network(ids, hasText: hasText, regions: regions, boxes: boxes, hasRegions: .ones([2, 3]), using: $0)
      }
    }
  }

  @Test(arguments: precisions)
  func visionTransformer(_ precision: DType) {
    let pictures = Tensor(empty: [3, 3, 16, 16])
    pictures.fillNormal(using: Generator(seed: 1))
    check(precision) { _, isRecomputed, scope in
      var configuration = VisionTransformerConfiguration(
        side: 16, patch: 8, width: 12, layerCount: 3, headCount: 3, dropPathRate: 0.5)
      configuration.isRecomputed = isRecomputed
      let network = VisionTransformer(configuration, in: scope)
      return { network(pictures, using: $0) }
    }
  }

  @Test func withoutGradientsNothingIsRecomputed() {
    var calls = 0
    let weight = Tensor.ones([2]).requiringGrad()
    func twice(_ x: [Tensor], _: Generator?) -> [Tensor] {
      calls += 1
      return [x[0] * weight]
    }
    _ = withoutGrad { recomputed([.ones([2])], parameters: [weight], using: nil, twice) }
    #expect(calls == 1)
    recomputed([.ones([2])], parameters: [weight], using: nil, twice)[0].sum().backward()
    #expect(calls == 3 && weight.grad!.doubles == [1, 1])
  }

  @Test func depthsAreCountedFromTheTokens() {
    let layers = TransformerLayerShape(width: 12, headCount: 3, innerWidth: 20)
    let bert = BertShape(layers: layers, layerCount: 12)
    #expect(bert.depth(of: "embeddings.word_embeddings.weight") == 0 && bert.depth(of: "pooler.dense.bias") == 13)
    #expect(bert.depth(of: "encoder.layer.0.output.dense.bias") == 1 && bert.depth(of: "encoder.layer.11.x") == 12)
    let both = LXMERTShape(layers: layers, textLayerCount: 9, regionLayerCount: 5, crossLayerCount: 5)
    #expect(both.depth == 14 && both.depth(of: "encoder.visn_fc.box_fc.bias") == 0)
    #expect(both.depth(of: "encoder.layer.8.x") == 9 && both.depth(of: "encoder.r_layers.4.x") == 9)
    #expect(both.depth(of: "encoder.r_layers.0.x") == 5 && both.depth(of: "encoder.x_layers.0.x") == 10)
    #expect(both.depth(of: "pooler.dense.weight") == 15)
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
