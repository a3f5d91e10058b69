import MemeData
import TestSupport
import Testing
import Torch
import TorchNN

@testable import Methods

/// CMML against the same network in PyTorch (float32: losses 1e-5, gradients 1e-6) and against reference 17 (T3, T4).
@Suite struct CMMLTests {
  static let kinds: [LabelTask.Kind] = [.binary, .multiclass, .multilabel]
  private static let labelled = 5

  let fixture: Fixture
  init() throws { fixture = try Fixture("methods") }

  private func shape(_ kind: LabelTask.Kind) -> ProblemShape {
    let labels = kind == .binary ? ["a"] : ["a", "b", "c"]
    return ProblemShape(imageWidth: 5, textWidth: 4, task: LabelTask(name: "t", kind: kind, labels: labels))
  }

  /// The network with the fixture's weights, and its parameters by path.
  private func loaded(_ method: CMML, _ kind: LabelTask.Kind) -> (model: CMML.Model, values: [String: Tensor]) {
    let fresh = ParameterStore(initializingFrom: Generator(seed: 0))
    let model = method.model(for: shape(kind), in: fresh.root)
    for (path, parameter) in fresh.values where path.hasPrefix("network.") {
      let name = path.dropFirst("network.".count)
      let owner = name.hasPrefix("predictors") ? kind.rawValue : "shared"
      withoutGrad { parameter.copy(from: fixture["cmml.\(owner).\(name)"]) }
    }
    return (model, fresh.values.filter { $0.key.hasPrefix("network.") })
  }

  private func method() -> CMML {
    var method = CMML()
    method.hidden = 6
    method.diversityWeight = 0.3
    return method
  }

  private func targets(_ kind: LabelTask.Kind) -> Targets {
    let values = fixture["cmml.\(kind.rawValue).targets"].doubles
    let labels: [Label] = (0..<Self.labelled).map { row in
      switch kind {
      case .binary: .binary(values[row] == 1)
      case .multiclass: .multiclass(Int(values[row]))
      case .multilabel: .multilabel((0..<3).map { values[row * 3 + $0] == 1 })
      }
    }
    return Targets(labels, task: shape(kind).task)
  }

  private func loss(_ method: CMML, _ model: CMML.Model, _ kind: LabelTask.Kind) -> () -> Tensor {
    let features = PreparedFeatures(image: fixture["cmml.image_features"], text: fixture["cmml.text_features"])
    let loss = method.loss(targets: targets(kind))
    return {
      loss(model.network(image: features.image, text: features.text), Tensor(Array(0..<Self.labelled)))
    }
  }

  @Test(arguments: kinds)
  func lossAndGradientsMatchPyTorch(_ kind: LabelTask.Kind) {
    let method = method()
    let (model, values) = loaded(method, kind)
    let fused = model.network(image: fixture["cmml.image_features"], text: fixture["cmml.text_features"]).fused
    #expect(difference(fused, fixture["cmml.\(kind.rawValue).fused"]) < 1e-6)
    let value = loss(method, model, kind)()
    value.backward()
    #expect(abs(value.item - fixture["cmml.\(kind.rawValue).loss"].item) < 1e-5)
    #expect(values.count == 16)
    for (path, parameter) in values {
      let expected = fixture["cmml.\(kind.rawValue).gradient.\(path.dropFirst("network.".count))"]
      #expect(difference(parameter.grad!, expected) < 1e-6, "\(path)")
    }
  }

  @Test(arguments: kinds)
  func lossCurveMatchesPyTorch(_ kind: LabelTask.Kind) {
    let method = method()
    let (model, _) = loaded(method, kind)
    let loss = loss(method, model, kind)
    let optimizer = Optimizer(model.network.parameters, learningRate: 0.01, weightDecay: 1e-4)
    let schedule = Schedule.step(factor: 0.9, interval: 5)
    let curve = fixture["cmml.\(kind.rawValue).curve"].doubles
    #expect(curve.count == 20)
    for (step, expected) in curve.enumerated() {
      let value = loss()
      #expect(abs(value.item - expected) < 1e-4, "step \(step)")
      value.backward()
      optimizer.rates.learning = 0.01 * schedule.factor(at: step)
      optimizer.step()
    }
  }

  @Test func agreementIsThatOfTheReference() {
    let image = Tensor([0.9, 0.1, 0.5, 0.3, 0.2, 0.2, 0.2, 0.2], shape: [2, 4])
    let text = Tensor([0.8, 0.2, 0.4, 0.3, 0.9, 0.1, 0.1, 0.9], shape: [2, 4])
    #expect(abs(CMMLAgreement.consistency(image, text, threshold: 1.003).item - 0.614_067_767_3) < 1e-9)
    #expect(abs(CMMLAgreement.consistency(image, image, threshold: 1.003).item - 0.5) < 1e-9)
    #expect(abs(CMMLAgreement.diversity(image, text).item - 0.886_268_926_0) < 1e-9)
  }

  @Test func parameterCountIsThePublishedOne() {
    let store = ParameterStore(initializingFrom: Generator(seed: 0))
    _ = CMML().model(for: SemiMemesTests.mami, in: store.root)
    #expect(store.parameterCount == 415_373)
  }

  /// Reference 02 §1: 3,000 words and four labels, and ResNet-18's trunk, which is trained too.
  @Test func parameterCountOfTheOriginIsThePublishedOne() {
    var shape = SemiMemesTests.mami
    shape.vocabulary = (0..<3000).map { "word\($0)" }
    let store = ParameterStore(uninitializedOn: .meta)
    _ = CMMLOrigin().model(for: shape, in: store.root)
    #expect(store.parameterCount == 1_403_917 + 11_176_512)
  }

  @Test func publishedSettingsAreTheDefaults() {
    let method = CMML()
    #expect(method.scaling == .none && method.hidden == 256 && method.decayInterval == 200)
    #expect(method.diversityWeight == 0 && method.consistencyWeight == 1 && method.fusedWeight == 2)
    #expect(
      method.training.stageSettings(labelRatio: 0.1)
        == StageSettings(epochs: 50, batchSize: 40, learningRate: 1e-4, learningRateDecay: 0.90, weightDecay: 1e-4))
  }

  @Test(arguments: [
    (0.05, 400, 7600, 2, 38), (0.1, 800, 7200, 4, 36), (0.3, 2400, 5600, 12, 28), (0.01, 80, 7920, 1, 39),
    (1.0, 500, 3, 39, 1), (0.3, 5, 10, 5, 10),
  ])
  func batchesAreSplitByTheRatio(_ ratio: Double, _ labelled: Int, _ unlabelled: Int, _ own: Int, _ others: Int) {
    #expect(CMML().batchSplit(ratio: ratio, labelled: labelled, unlabelled: unlabelled) == (own, others))
  }

  @Test func faultsNameTheSetting() {
    func fault(_ change: (inout CMML) -> Void) -> String {
      var method = CMML()
      change(&method)
      return method.fault ?? "none"
    }
    #expect(fault { _ in } == "none")
    #expect(fault { $0.hidden = 0 }.contains("hidden"))
    #expect(fault { $0.consistencyThreshold = .nan }.contains("consistency_threshold"))
    #expect(fault { $0.decayInterval = 0 }.contains("decay_interval"))
    #expect(fault { $0.training.batchSize = 1 }.contains("at least 2"))
  }
}
