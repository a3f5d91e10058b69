import MemeData
import Networks
import TestSupport
import Testing
import Torch
import TorchNN

@testable import Methods

/// A step of the self-supervised methods against PyTorch (float32): gradients within 2e-4 of the largest element of each
/// tensor, of which the fixture has the first 40.
@Suite struct PretrainingStepTests {
  private let fixture: Fixture
  init() throws { fixture = try Fixture("pretraining") }

  private let resNet = ResNetConfiguration(block: .basic, depths: [1, 1, 1, 1], channels: [4, 4, 6, 6])

  /// The fixture's weights below a name, as trained parameters where `isTrained`.
  private func store<Network>(
    _ weights: [String: Tensor], isTrained: Bool = true, _ make: (Scope) -> Network
  ) throws -> (network: Network, store: ParameterStore) {
    let store = ParameterStore(loading: weights, dtype: .float32)
    let network = make(store.root)
    try store.validate()
    if isTrained { for parameter in store.parameters { parameter.requiringGrad() } }
    return (network, store)
  }

  private func expectGradients(_ name: String, of store: ParameterStore, _ rename: (String) -> String = { $0 }) {
    let expected = fixture.group(name)
    #expect(expected.count == store.parameters.count)
    for (key, gradient) in expected {
      guard let own = store.values[rename(key)]?.grad else {
        Issue.record("no gradient of \(rename(key))")
        continue
      }
      let first = own.contiguous().reshaped(to: [-1]).sliced(0..<gradient.elementCount)
      #expect(relativeDifference(first, gradient) < 2e-4, "\(name)\(key)")
    }
  }

  private func dino(_ scope: Scope) -> DINO.Network {
    var head = DINOHead.Configuration()
    (head.hidden, head.bottleneck, head.outputs) = (10, 5, 12)
    return DINO.Network(ResNet(resNet, in: scope["backbone"]), head, in: scope["head"])
  }

  /// Two global and three local views of two pictures; then the gradient is cut and the teacher follows.
  @Test func aStepOfDINOMatchesPyTorch() throws {
    let (student, trained) = try store(fixture.group("dino.student."), dino)
    let (teacher, copy) = try store(fixture.group("dino.teacher."), isTrained: false, dino)
    let crops = ["dino.global", "dino.local"].map { fixture[$0].to(.float32) }
    let generator = Generator(seed: 0)
    let loss = DINOLoss(center: fixture["dino.center"].copied())
    let seen = withoutGrad { teacher([crops[0]], using: generator) }
    let value = loss(student: student(crops, using: generator), teacher: seen, teacherTemperature: 0.05)
    value.backward()
    loss.moveCenter(to: seen)
    #expect(relativeDifference(value, fixture["dino.loss"]) < 1e-5)
    #expect(difference(loss.center, fixture["dino.center_after"]) < 1e-5)
    expectGradients("dino.gradient.", of: trained)
    for (name, store) in [("student", trained), ("teacher", copy)] {
      for (key, expected) in fixture.group("dino.\(name)_after.") {
        #expect(relativeDifference(store.values[key]!, expected) < 1e-4, "\(name) \(key)")
      }
    }
    let optimizer = Optimizer(trained.parameters, learningRate: 0)
    optimizer.clipEachGradient(toNorm: 0.02)
    expectGradients("dino.clipped.", of: trained)

    let average = MovingAverage(changing: copy.parameters)
    average.update(from: trained.parameters, decay: 0.9)
    for (key, expected) in fixture.group("dino.average.") {
      let own = copy.values[key]!.contiguous().reshaped(to: [-1]).sliced(0..<expected.elementCount)
      #expect(relativeDifference(own, expected) < 1e-5, "\(key)")
    }
  }

  /// A last layer whose rows have lengths of their own against PyTorch's weight normalisation (float32): outputs within 1e-5 of
  /// the largest element, gradients within 2e-4.
  @Test func theWeightNormalisedLayerOfDINOMatchesPyTorch() throws {
    let fixture = try Fixture("dino_head")
    let (head, trained) = try store(fixture.group("weights.")) { scope in
      var configuration = DINOHead.Configuration()
      (configuration.hidden, configuration.bottleneck, configuration.outputs) = (10, 5, 12)
      configuration.fixesGain = false
      return DINOHead(inputs: 7, configuration, in: scope)
    }
    let outputs = head(fixture["features"].to(.float32))
    #expect(relativeDifference(outputs, fixture["outputs"]) < 1e-5)
    let miss = outputs - fixture["targets"]
    (miss * miss).sum().backward()
    let gradients = fixture.group("gradient.")
    #expect(Set(gradients.keys) == Set(trained.names))
    for (key, expected) in gradients {
      let own = try #require(trained.values[key]?.grad, "no gradient of \(key)")
      #expect(relativeDifference(own, expected) < 2e-4, "\(key)")
    }
  }

  /// Reference 08 §2: areas, sides, colours, and the probabilities of a blur and of solarising.
  @Test func viewsOfDINOAreThoseOfTheReference() {
    func steps(side: Int, area: ClosedRange<Double>, blur: Double) -> [AugmentationPipeline.Step] {
      [
        .init(.crop(side: side, area: area, ratio: 3 / 4...4 / 3)),
        .init(.horizontalFlip, probability: 0.5),
        .init(.jitter(brightness: 0.4, contrast: 0.4, saturation: 0.2, hue: 0.1), probability: 0.8),
        .init(.grey, probability: 0.2),
        .init(.blur(deviation: 0.1...2), probability: blur),
      ]
    }
    let crops = DINO().crops
    #expect(crops.localCount == 8)
    #expect(crops.global.steps == steps(side: 224, area: 0.4...1, blur: 1))
    let solarized = AugmentationPipeline.Step(.solarize, probability: 0.2)
    #expect(crops.secondGlobal.steps == steps(side: 224, area: 0.4...1, blur: 0.1) + [solarized])
    #expect(crops.local.steps == steps(side: 96, area: 0.05...0.4, blur: 0.5))
  }

  /// timm calls the classifier of a ResNet `fc` and that of a ViT `head`.
  @Test(arguments: [("plain", false), ("standardized", true)])
  func aStepOfCASSMatchesPyTorch(_ name: String, _ standardizes: Bool) throws {
    func weights(_ network: String, head: String) -> [String: Tensor] {
      Dictionary(
        uniqueKeysWithValues: fixture.group("cass.\(network).").map { ($0.hasPrefix(head) ? $0 : "backbone.\($0)", $1) }
      )
    }
    let (cnn, cnnStore) = try store(weights("cnn", head: "fc.")) {
      CASS.Network(ResNet(resNet, in: $0["backbone"]), outputs: 9, in: $0["fc"])
    }
    let (vit, vitStore) = try store(weights("vit", head: "head.")) {
      CASS.Network(
        VisionTransformer(.init(side: 32, patch: 8, width: 12, layerCount: 2, headCount: 3), in: $0["backbone"]),
        outputs: 9, in: $0["head"])
    }
    let agreement = Agreement(standardizesOutputs: standardizes, addsNoise: false)
    let pictures = fixture["cass.pictures"].to(.float32)
    let generator = Generator(seed: 0)
    let loss = agreement(cnn(pictures, using: generator), vit(pictures, using: generator), using: generator)
    loss.backward()
    #expect(relativeDifference(loss, fixture["cass.\(name).loss"]) < 1e-4)
    expectGradients("cass.\(name).gradient.cnn.", of: cnnStore) { $0.hasPrefix("fc.") ? $0 : "backbone.\($0)" }
    expectGradients("cass.\(name).gradient.vit.", of: vitStore) { $0.hasPrefix("head.") ? $0 : "backbone.\($0)" }
  }
}
