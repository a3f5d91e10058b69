import Encoders
import MemeData
import TestSupport
import Testing
import Torch
import TorchNN

@testable import Methods

/// TIB-VA against the same network written out in PyTorch: logits and gradients elementwise (1e-5), the losses of 20 steps
/// from the same weights (1e-4), and the published parameter count to the unit.
@Suite struct TIBVATests {
  let fixture: Fixture
  init() throws { fixture = try Fixture("methods") }

  private static func shape(_ kind: LabelTask.Kind, labels: Int, image: Int = 6, text: Int = 5) -> ProblemShape {
    ProblemShape(
      imageWidth: image, textWidth: text,
      task: LabelTask(name: "t", kind: kind, labels: (0..<labels).map { "label \($0)" }))
  }

  private func small() -> TIBVA {
    var method = TIBVA()
    method.network.hidden = 4
    return method
  }

  private func labels(_ name: String) throws -> [Label] {
    switch name {
    case "binary": fixture["fusion.yes"].doubles.map { .binary($0 > 0) }
    case "classes": fixture["fusion.kinds"].doubles.map { .multiclass(Int($0)) }
    default: (0..<12).map { .multilabel(fixture["tib_va.five"].selected($0).doubles.map { $0 > 0 }) }
    }
  }

  /// The tokens of all texts, each with as many as it has, or padded to the longest as CLIP's are.
  private func tokens(isPadded: Bool) -> SequenceBlock {
    let states = fixture["tib_va.states"]
    let lengths = isPadded ? [Int](repeating: 7, count: 12) : fixture["tib_va.lengths"].doubles.map { Int($0) }
    let rows = lengths.enumerated().map { states.selected($0).sliced(0..<$1) }
    return SequenceBlock(states: .concatenated(rows, along: 0), lengths: lengths)
  }

  @Test(arguments: [
    ("binary", false, LabelTask.Kind.binary, 1), ("classes", false, .multiclass, 3), ("labels", true, .multilabel, 5),
  ])
  func networkAndTrainingMatchPyTorch(_ kind: String, _ isPadded: Bool, _ task: LabelTask.Kind, _ count: Int) throws {
    let (method, shape, name) = (small(), Self.shape(task, labels: count), "tib_va.\(kind)")
    let (model, parameters) = try fixture.loaded(method, name, shape)
    #expect(model.parameters.count == parameters.count && parameters.count == 8)
    let optimizer = Optimizer(
      model.parameters, rule: method.training.stageSettings.rule, learningRate: 1e-3, weightDecay: 1e-4)
    let loss = method.loss(Targets(try labels(kind), task: shape.task))
    let block = tokens(isPadded: isPadded)
    for (step, expected) in fixture["\(name).losses"].doubles.enumerated() {
      let logits = model.logits(image: fixture["tib_va.image"], tokens: model.tokens(block))
      let value = loss(logits, Tensor(Array(0..<12)))
      value.backward()
      if step == 0 {
        #expect(difference(logits, fixture["\(name).logits"]) < 1e-5)
        for (path, parameter) in parameters {
          #expect(difference(parameter.grad!, fixture["\(name).gradient.\(path)"]) < 1e-5, "\(path)")
        }
      }
      #expect(optimizer.clipGradients(toNorm: 0.5) > 0)
      optimizer.step()
      #expect(abs(value.item - expected) < 1e-4, "step \(step): \(value.item), \(expected)")
    }
  }

  @Test func parameterCountIsThePublishedOne() {
    let store = ParameterStore(uninitializedOn: .meta)
    _ = TIBVA().model(for: Self.shape(.multilabel, labels: 5, image: 768, text: 768), in: store.root)
    #expect(store.parameterCount == 1_378_053)
  }

  @Test func publishedSettingsAreTheDefaults() {
    let method = TIBVA()
    #expect(method.scaling == .none && method.network.readsPadding && method.request.tokenStates == .padded)
    #expect(method.network.hidden == 256 && method.network.dropoutRate == 0.2)
    let settings = method.training.stageSettings
    #expect(settings.epochs == 20 && settings.batchSize == 64 && settings.learningRate == 1e-4)
    #expect(settings.weightDecay == 1e-4 && settings.rule == .adam(beta1: 0.99, beta2: 0.98))
    #expect(settings.gradientClip == 1 && settings.learningRateDecay == 0.5 && method.training.decayEpochs == 5)
  }

  @Test func aMissingTextIsOneTokenOfTheMeanState() {
    let states = Tensor([1.0, 10, 3, 20, 8, 60], shape: [3, 2]).to(.float32)
    let block = SequenceBlock(states: states, lengths: [2, 0, 1])
    for (scaling, missing) in [(FeatureScaling.none, [4.0, 30.0]), (.standardized, [0, 0])] {
      let store = ParameterStore(initializingFrom: Generator(seed: 0))
      let preparation = BlockPreparation(scaling: scaling, width: 2, in: store.root)
      preparation.fit(block)
      #expect(store.values["mean"]!.doubles == [4, 30])
      let deviations = store.values["deviation"]!.doubles
      #expect(abs(deviations[0] - 13.0.squareRoot()) < 1e-6 && abs(deviations[1] - 700.0.squareRoot()) < 1e-5)
      let (prepared, lengths) = preparation(block)
      #expect(lengths == [2, 1, 1])
      #expect(zip(prepared.selected(1).selected(0).doubles, missing).allSatisfy { abs($0 - $1) < 1e-6 })
      let alone = preparation(block.gathered([1]))
      #expect(alone.states.doubles.count == 2 && alone.lengths == [1])
      #expect(zip(alone.states.doubles, missing).allSatisfy { abs($0 - $1) < 1e-6 })
    }
  }

  /// What stands behind a text's end, and who else is in a batch, changes no answer.
  @Test func answersDependOnOnesOwnTokensAlone() throws {
    let store = ParameterStore(initializingFrom: Generator(seed: 3))
    let model = small().model(for: Self.shape(.binary, labels: 1), in: store.root)
    let lengths = fixture["tib_va.lengths"].doubles.map { Int($0) }
    let block = tokens(isPadded: false)
    func table(_ rows: [Int]) -> FeatureTable {
      let present = [Bool](repeating: true, count: rows.count)
      return FeatureTable(
        image: FeatureBlock(values: fixture["tib_va.image"].gathered(Tensor(rows)), isPresent: present),
        text: FeatureBlock(values: Tensor.zeros([rows.count, 5]), isPresent: present), tokens: block.gathered(rows))
    }
    // More than stand in memory at once.
    let many = (0..<150).map { $0 % 12 }
    let together = model.probabilities(of: table(many)).doubles
    for row in 0..<12 {
      let alone = model.probabilities(of: table([row])).item
      #expect(abs(alone - together[row]) < 1e-6 && abs(alone - together[row + 132]) < 1e-6, "\(lengths[row]) tokens")
    }
    #expect(Set(together.prefix(12)).count == 12)
  }

  @Test func featuresWithoutStatesAreRefused() {
    let features = FeatureTable(
      image: FeatureBlock(values: Tensor.zeros([1, 6]), isPresent: [true]),
      text: FeatureBlock(values: Tensor.zeros([1, 5]), isPresent: [true]))
    let problem = Problem(
      features: features, labelled: [0], labels: [.binary(true)], unlabelled: [], labelRatio: 1,
      task: Self.shape(.binary, labels: 1).task, seed: 0)
    #expect(TIBVA().refusal(of: problem)?.contains("states of a text's tokens") == true)
  }
}
