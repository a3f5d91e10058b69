import MemeData
import Networks
import TestSupport
import Testing
import Torch
import TorchNN

@testable import Encoders
@testable import Methods

/// Networks on words and pictures from bytes, token ids and regions to logits, against transformers, scikit-learn and heads
/// written out in PyTorch (float32); 1e-4 of the largest logit is allowed.
@Suite struct HeadTests {
  private let fixture: Fixture
  init() throws { fixture = try Fixture("heads") }

  private static let task = LabelTask(name: "t", kind: .multilabel, labels: ["a", "b", "c"])

  private func shape(regionWidth: Int? = nil) -> ProblemShape {
    ProblemShape(imageWidth: 0, textWidth: 0, task: Self.task, regionWidth: regionWidth)
  }

  /// The weights of a method by their paths. The fixture has the embeddings of words that occur; the others are 0.
  private func weights(_ name: String) -> [String: Tensor] {
    var weights: [String: Tensor] = [:]
    for (key, value) in fixture.group("\(name).") where !key.hasPrefix("logits") {
      guard key.hasSuffix("word_embeddings.weight") else {
        weights[key] = value.to(.float32)
        continue
      }
      let words = Tensor.zeros([TextArchitecture.vocabularySize, value.shape[1]])
      words.replaceRows(at: fixture["known"], with: value.to(.float32))
      weights[key] = words
    }
    return weights
  }

  /// The trained model of a method; what the fixture lacks is an error.
  private func trained<M: Methods.Method>(_ method: M, _ name: String, _ shape: ProblemShape) throws -> M.Model {
    #expect(method.fault == nil)
    let store = ParameterStore(loading: weights(name))
    let model = method.model(for: shape, in: store.root)
    try store.validate()
    return model
  }

  /// The fixture's three memes, the first of which has more tokens than the networks read.
  private func features(pictures: PictureBlock? = nil, regions: RegionBlock? = nil) -> FeatureTable {
    let lengths: [Int] = fixture["lengths"].values()
    let ids = lengths.enumerated().map { row, length in
      fixture["ids"].selected(row).sliced(0..<length).values(of: Int.self).map(Int32.init)
    }
    let isPresent = lengths.map { _ in true }
    return FeatureTable(
      image: .empty(isPresent: isPresent), text: .empty(isPresent: isPresent), regions: regions, pictures: pictures,
      ids: ids)
  }

  private var smallViLT: ViLT {
    var method = ViLT()
    (method.network.width, method.network.layerCount, method.network.headCount) = (12, 1, 3)
    (method.network.innerWidth, method.network.textLength) = (20, 6)
    (method.network.pictureSide, method.network.patch) = (16, 8)
    return method
  }

  @Test func viLTMatchesTransformers() throws {
    let model = try trained(smallViLT, "vilt", shape())
    let block = fixture["pictures"]
    let pictures = PictureBlock((0..<3).map { block.selected($0) }, side: 16)
    let logits = model.logits(features(pictures: pictures), [0, 1, 2], using: nil)
    #expect(relativeDifference(logits, fixture["vilt.logits"]) < 1e-4)
  }

  private func expectLogits<Network: RegionNetwork>(of method: RegionMethod<Network>, _ name: String) throws {
    var method = method
    method.head.hidden = 7
    let lengths: [Int] = fixture["regions.counts"].values()
    func block(_ name: String) -> SequenceBlock { SequenceBlock(states: fixture["regions.\(name)"], lengths: lengths) }
    let regions = RegionBlock(features: block("features"), boxes: block("boxes"))
    let model = try trained(method, name, shape(regionWidth: 5))
    let logits = model.logits(features(regions: regions), [0, 1, 2], using: nil)
    #expect(relativeDifference(logits, fixture["\(name).logits"]) < 1e-4)
  }

  @Test func visualBERTMatchesPyTorch() throws {
    var method = VisualBERT()
    (method.network.width, method.network.layerCount, method.network.headCount) = (12, 1, 3)
    (method.network.innerWidth, method.network.dropoutRate, method.network.textLength) = (20, 0, 6)
    try expectLogits(of: method, "visualbert")
  }

  @Test func lxmertMatchesPyTorch() throws {
    var method = LXMERT()
    (method.network.width, method.network.headCount, method.network.innerWidth) = (12, 3, 20)
    (method.network.textLayerCount, method.network.regionLayerCount, method.network.crossLayerCount) = (1, 1, 1)
    (method.network.dropoutRate, method.network.textLength) = (0, 6)
    try expectLogits(of: method, "lxmert")
  }

  /// What the first layer says is dropped or doubled; the bias of the second one is neither.
  @Test func theLinearHeadDropsBetweenItsLayers() {
    var configuration = LinearHead.Configuration()
    (configuration.hidden, configuration.dropoutRate) = (8, 0.5)
    let unit = Tensor((0..<64).map { $0 % 9 == 0 ? Float(1) : Float(0) }, shape: [8, 8])
    let given: [String: Tensor] = [
      "hidden.weight": unit, "hidden.bias": Tensor.zeros([8]), "output.weight": unit,
      "output.bias": Tensor.full([8], 100),
    ]
    let head = LinearHead(configuration, inputs: 8, outputs: 8, in: ParameterStore(loading: given).root)
    let numbers = (1...64).map { Float($0) }
    let logits = head(Tensor(numbers, shape: [8, 8]), using: Generator(seed: 4)).doubles
    let kept = zip(logits, numbers).filter { $0 == 100 + 2 * Double($1) }.count
    let dropped = logits.filter { $0 == 100 }.count
    #expect(kept + dropped == 64 && kept > 0 && dropped > 0, "\(logits)")
  }

  // MARK: CMML

  /// Two labelled memes and three others, the last of which has no text.
  private var words: (method: CMMLOrigin, problem: Problem) {
    var method = CMMLOrigin()
    (method.pictureSide, method.vocabularySize, method.textHidden, method.hidden) = (32, 3, 5, 6)
    let texts: [String?] = [
      "when the test passes", "The TEST fails: the test!", "nobody: the cat", "cat cat monday", nil,
    ]
    let pictures = texts.map { _ in Tensor.zeros([3, 32, 32], dtype: .uint8) }
    let features = FeatureTable(
      image: .empty(isPresent: texts.map { _ in true }), text: .empty(isPresent: texts.map { $0 != nil }),
      pictures: PictureBlock(pictures, side: 32), texts: texts)
    let label = Label.multilabel([true, false, false])
    return (
      method,
      Problem(
        features: features, labelled: [0, 1], labels: [label, label], unlabelled: [2, 3, 4], labelRatio: 0.4,
        task: Self.task, seed: 0)
    )
  }

  /// Reference 02 §3: the vocabulary is that of all training texts. Of those that are labelled none has the cat.
  @Test func wordsOfUnlabelledMemesAreCounted() {
    let (method, problem) = words
    #expect(method.shape(of: problem).vocabulary == ["cat", "test", "the"])
  }

  /// Words as scikit-learn counts them; what ResNet-18 says is a bias, as all else in it is 0.
  @Test func thePathOfWordsMatchesPyTorch() throws {
    let (method, problem) = words
    #expect(method.fault == nil)
    let shape = method.shape(of: problem)
    let outline = ParameterStore(uninitializedOn: .meta)
    _ = method.model(for: shape, in: outline.root)
    var values = outline.values.mapValues { Tensor.zeros($0.shape) }
    for (key, value) in weights("cmml") {
      try #require(values[key] != nil, "the network has no \(key)")
      values[key] = value
    }
    let store = ParameterStore(loading: values)
    let model = method.model(for: shape, in: store.root)
    try store.validate()
    let logits = model.logits(problem.features, [0, 1, 2, 3, 4], using: nil)
    for (name, found) in [("image", logits.image), ("text", logits.text), ("fused", logits.fused)] {
      #expect(relativeDifference(found, fixture["cmml.logits.\(name)"]) < 1e-4, "\(name)")
    }
  }

  // MARK: Inputs

  /// Each method has the means and deviations that its network is published with; a missing picture is of the mean colour.
  @Test func networksSeePixelsAsTheyWereTrainedTo() {
    let bytes = fixture["pixels.bytes"]
    func expectInput(_ input: PictureInput, _ name: String) {
      #expect(difference(input(bytes), fixture["pixels.\(name)"]) < 1e-6, "\(name)")
      let missing = input(PictureBlock([nil], side: 2), [0])
      #expect(missing.shape == [1, 3, 2, 2] && missing.absolute().sum().item == 0, "\(name)")
    }
    func root() -> Scope { ParameterStore(uninitializedOn: .cpu).root }
    expectInput(smallViLT.model(for: shape(), in: root()).input, "centered")
    let (method, problem) = words
    expectInput(method.model(for: method.shape(of: problem), in: root()).input, "clip")
    var pie = ExtPIE()
    (pie.text.architecture.width, pie.text.architecture.headCount, pie.text.architecture.layerCount) = (12, 3, 1)
    expectInput(pie.model(for: shape(), in: root()).input, "image_net")
  }

  // MARK: Words

  private func problem(ids: [Int32]) -> Problem {
    let isPresent = [true, true]
    let features = FeatureTable(
      image: .empty(isPresent: isPresent), text: .empty(isPresent: isPresent), ids: [[101, 2054, 102], ids])
    let label = Label.multilabel([true, false, false])
    return Problem(
      features: features, labelled: [0, 1], labels: [label, label], unlabelled: [], labelRatio: 1, task: Self.task,
      seed: 0)
  }

  /// BERT's cased words are fewer than its uncased ones, and other words. Random weights learn any.
  @Test(arguments: [InitialWeights.random, InitialWeights(model: "lite")])
  func aTokenizerOfOtherWordsIsRefusedWhereWeightsKnowThem(_ weights: InitialWeights) {
    var (viLT, visualBERT, lxmert, pie) = (ViLT(), VisualBERT(), LXMERT(), ExtPIE())
    (viLT.weights, visualBERT.weights, lxmert.weights, pie.text.weights) = (weights, weights, weights, weights)
    func refusals(_ ids: [Int32]) -> [String?] {
      let problem = problem(ids: ids)
      return [
        viLT.refusal(of: problem), visualBERT.refusal(of: problem), lxmert.refusal(of: problem),
        pie.refusal(of: problem),
      ]
    }
    #expect(refusals([101, 2054, 1010, 30_521, 102]).allSatisfy { $0 == nil })
    let cased = refusals([101, 1184, 117, 170, 11_078, 102])
    if weights == .random {
      #expect(cased.allSatisfy { $0 == nil })
    } else {
      #expect(cased.allSatisfy { $0?.contains("--encoder lite") == true }, "\(cased)")
    }
    let larger = refusals([101, 30_522, 102])
    #expect(larger.allSatisfy { $0?.contains("--encoder lite") == true }, "\(larger)")
  }
}
