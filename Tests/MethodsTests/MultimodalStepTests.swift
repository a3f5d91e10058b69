import MemeData
import Networks
import TestSupport
import Testing
import Torch
import TorchNN

@testable import Encoders
@testable import Methods

/// A whole step of CLIP and of CASS-MM, from bytes and token ids to changed weights, against timm's and transformers' networks
/// in PyTorch (float32): outputs and losses within 1e-5 of the largest element, gradients and their norms within 2e-4, and what a
/// step of AdamW changes within 1e-3 of the largest of a tensor, of which the fixture has up to 40 elements. What is smaller than
/// the rounding of a step, 1e-6, counts as 0.
@Suite struct MultimodalStepTests {
  private let fixture: Fixture
  init() throws { fixture = try Fixture("pretraining_steps") }

  /// As the fixture's five memes lie among six, of which the third has no text and is not learned from.
  private static let textless = 2

  /// Of gradients: what comes to 0 is as large in float32.
  private static let rounding = 1e-6

  private func largest(_ tensor: Tensor) -> Double { tensor.doubles.map(abs).max() ?? 0 }

  private func clip(_ loss: CLIPLoss = .paired, cachedBatch: Int = 0) -> CLIPPretraining {
    var method = CLIPPretraining()
    method.backbone = BackboneSettings("vit-nano16")
    method.pictureSide = 32
    method.text.architecture = Self.text(.distilBert)
    (method.projection.width, method.projection.dropoutRate) = (8, 0)
    (method.loss, method.cachedBatch) = (loss, cachedBatch)
    (method.textRate, method.projectionRate) = (0.1, 10)
    method.training = Self.schedule(method.training)
    return method
  }

  private func cassMM(standardizes: Bool = false) -> CASSMM {
    var method = CASSMM()
    method.convolutional = BackboneSettings("resnet-nano")
    method.transformer = BackboneSettings("vit-nano16")
    method.pictureSide = 48
    method.text.architecture = Self.text(.bert)
    (method.widths.picture, method.widths.path, method.widths.fused, method.outputs) = (14, 10, 11, 9)
    (method.standardizesOutputs, method.addsNoise) = (standardizes, false)
    (method.textRate, method.headRate) = (0.1, 10)
    method.training = Self.schedule(method.training)
    return method
  }

  private static func text(_ family: TextArchitecture.Family) -> TextArchitecture {
    var text = TextArchitecture()
    text.family = family
    (text.width, text.layerCount, text.headCount, text.innerWidth) = (12, 2, 3, 20)
    (text.dropoutRate, text.textLength) = (0, 6)
    return text
  }

  private static func schedule(_ given: PretrainingSchedule) -> PretrainingSchedule {
    var training = given
    (training.epochs, training.batchSize, training.learningRate, training.weightDecay) = (1, 5, 0.01, 0.5)
    return training
  }

  /// The weights of a method by their paths. The fixture has the embeddings of words that occur; the others are 0.
  private func weights(_ name: String) -> [String: Tensor] {
    fixture.group("\(name).weights.").reduce(into: [:]) { weights, entry in
      let value = entry.value.to(.float32)
      guard entry.key.hasSuffix("word_embeddings.weight") else {
        weights[entry.key] = value
        return
      }
      let words = Tensor.zeros([TextArchitecture.vocabularySize, value.shape[1]])
      words.replaceRows(at: fixture["known"], with: value)
      weights[entry.key] = words
    }
  }

  private func features(_ name: String) -> FeatureTable {
    let block = fixture["\(name).pictures"]
    var pictures: [Tensor?] = (0..<block.shape[0]).map { block.selected($0) }
    let lengths: [Int] = fixture["lengths"].values()
    var texts = lengths.enumerated().map { row, length in
      fixture["ids"].selected(row).sliced(0..<length).values(of: Int.self).map(Int32.init)
    }
    pictures.insert(pictures[0], at: Self.textless)
    texts.insert([], at: Self.textless)
    return FeatureTable(
      image: .empty(isPresent: pictures.map { _ in true }), text: .empty(isPresent: texts.map { !$0.isEmpty }),
      pictures: PictureBlock(pictures, side: block.shape[3]), ids: texts)
  }

  /// A pretraining that begins at the fixture's weights, and these by their paths.
  ///
  /// - Parameter outline: Takes the same parameters in the same order.
  private func prepared(
    _ method: some PretrainingMethod, _ name: String, outline: (Scope) -> Void
  ) throws -> (pretraining: PreparedPretraining, parameters: [String: Tensor]) {
    #expect(method.fault == nil)
    let features = features(name)
    let memes = (0..<features.count).filter { $0 != Self.textless }
    let prepared = try method.prepared(
      for: memes, of: features, probe: PretrainingProbe(sample: memes, labelled: []), seed: 0, device: .cpu)
    let store = ParameterStore(uninitializedOn: .meta)
    outline(store.root)
    var values = Dictionary(
      uniqueKeysWithValues: zip(store.root.namedParameters.map(\.name), prepared.stage.parameters))
    let parameters = values
    for network in prepared.networks {
      for (key, value) in network.values where key.contains("running") {
        values["\(network.description.name).images.\(key)"] = value
      }
    }
    let weights = weights(name)
    try #require(Set(values.keys) == Set(weights.keys))
    withoutGrad {
      for (key, value) in values { value.copy(from: weights[key]!) }
    }
    return (prepared, parameters)
  }

  /// Takes the first step of a stage and compares loss, gradients and changes with those below a name of the fixture.
  private func expectStep(_ name: String, of stage: TrainingStage, _ parameters: [String: Tensor]) throws {
    let rows = Array(0..<stage.exampleCount)
    let preparation = try #require(stage.preparation)
    let inputs = try preparation(rows, 0)
    let loss = stage.loss(TrainingBatch(rows: Tensor(rows), inputs: inputs, epoch: 0, generator: Generator(seed: 0)))
    loss.backward()
    #expect(relativeDifference(loss, fixture["\(name).loss"]) < 1e-5)
    let gradients = parameters.compactMapValues { $0.grad?.copied() }
    let before = parameters.mapValues { $0.detached().copied() }
    let optimizer = Optimizer(
      stage.parameters, scales: stage.scales, rule: stage.settings.rule, learningRate: 0)
    optimizer.rates = stage.rates(at: 0)
    optimizer.step()

    let expected = fixture.group("\(name).gradient.")
    #expect(Set(gradients.keys) == Set(expected.keys))
    for (key, gradient) in gradients {
      guard let wanted = expected[key] else { continue }
      let places = fixture["\(name).places.\(key)"].to(.int64)
      func chosen(_ tensor: Tensor) -> Tensor { tensor.detached().contiguous().reshaped(to: [-1]).gathered(places) }
      for (own, wanted) in [(chosen(gradient), wanted), (gradient.norm(), fixture["\(name).norm.\(key)"])] {
        #expect(difference(own, wanted) < max(2e-4 * largest(wanted), Self.rounding), "gradient of \(key)")
      }
      // Adam's first step is as long for a gradient that is rounding alone, such as that of the bias of keys.
      let least = max(1e-3 * largest(wanted), Self.rounding)
      let isTold = Tensor(wanted.doubles.map { abs($0) < least ? Float(0) : 1 })
      let change = chosen(parameters[key]! - before[key]!)
      #expect(
        relativeDifference(change * isTold, fixture["\(name).change.\(key)"] * isTold) < 1e-3, "change of \(key)")
    }
    for (key, parameter) in parameters where gradients[key] == nil {
      #expect(difference(parameter, before[key]!) == 0, "\(key) has no gradient")
    }
  }

  /// Set back rather than held by the loss, whose gradient would be 0 beyond: it could never fall again.
  @Test func theLearnedScaleOfCLIPStopsAtAHundred() throws {
    let (pretraining, parameters) = try prepared(clip(), "clip") { _ = clip().network(in: $0) }
    let scale = try #require(parameters["projections.log_scale"])
    let afterStep = try #require(pretraining.stage.afterStep)
    for (value, expected) in [(4.7, 4.605_170_186), (3, 3)] {
      withoutGrad { scale.fill(with: value) }
      afterStep(1, pretraining.stage.parameters)
      #expect(abs(scale.item - expected) < 1e-6)
    }
  }

  @Test func embeddingsOfCLIPMatchPyTorch() throws {
    let store = ParameterStore(loading: weights("clip"))
    let network = clip().network(in: store.root)
    try store.validate()
    let (features, memes) = (features("clip"), (0..<6).filter { $0 != Self.textless })
    let tokens = clip().text.tokens(features, memes, on: .cpu)
    let pictures = PictureInput.imageNet(on: .cpu)(features.requestedPictures.gathered(memes))
    let found = network(pictures, tokens.ids, isPresent: tokens.isPresent, using: Generator(seed: 0))
    #expect(relativeDifference(found.images, fixture["clip.image"]) < 1e-5)
    #expect(relativeDifference(found.texts, fixture["clip.text"]) < 1e-5)
  }

  /// With and without gradient caching, which must change nothing.
  @Test(arguments: CLIPLoss.allCases, [0, 2])
  func aStepOfCLIPMatchesPyTorch(_ loss: CLIPLoss, _ cachedBatch: Int) throws {
    let method = clip(loss, cachedBatch: cachedBatch)
    let (pretraining, parameters) = try prepared(method, "clip") { _ = method.network(in: $0) }
    try expectStep("clip.\(loss.rawValue)", of: pretraining.stage, parameters)
  }

  @Test func outputsOfCASSMMMatchPyTorch() throws {
    let (method, features) = (cassMM(), features("cass_mm"))
    let memes = (0..<6).filter { $0 != Self.textless }
    let pictures = PictureInput.imageNet(on: .cpu)(features.requestedPictures.gathered(memes))
    for (description, backbone) in zip(method.descriptions, method.backbones) {
      let store = ParameterStore(loading: weights("cass_mm").below("\(description.name)."))
      let network = method.network(backbone, in: store.root)
      try store.validate()
      let texts = method.text.tokens(features, memes, on: .cpu)
      let outputs = network(.init(pictures: pictures, texts: texts), using: Generator(seed: 0))
      #expect(relativeDifference(outputs, fixture["cass_mm.outputs.\(description.name)"]) < 1e-5)
    }
  }

  @Test(arguments: [("plain", false), ("standardized", true)])
  func aStepOfCASSMMMatchesPyTorch(_ name: String, _ standardizes: Bool) throws {
    let method = cassMM(standardizes: standardizes)
    let (pretraining, parameters) = try prepared(method, "cass_mm") { scope in
      for (description, backbone) in zip(method.descriptions, method.backbones) {
        _ = method.network(backbone, in: scope[description.name])
      }
    }
    try expectStep("cass_mm.\(name)", of: pretraining.stage, parameters)
    for (key, expected) in fixture.group("cass_mm.\(name).after.convolutional.images.") {
      let value = try #require(pretraining.networks[0].values[key])
      #expect(relativeDifference(value, expected) < 1e-4, "\(key)")
    }
  }
}
