import MemeData
import Testing
import Torch
import TorchNN

@testable import Methods

/// Layers of the published size, counted to the unit (references 01 §3 and 17).
@Suite struct SemiMemesTests {
  static let mami = ProblemShape(
    imageWidth: 768, textWidth: 768,
    task: LabelTask(
      name: "subtypes", kind: .multilabel, labels: ["shaming", "stereotype", "objectification", "violence"]))

  private func store(_ method: some Method) -> ParameterStore {
    let store = ParameterStore(initializingFrom: Generator(seed: 0))
    _ = method.model(for: Self.mami, in: store.root)
    return store
  }

  private func count(_ store: ParameterStore, below prefix: String) -> Int {
    store.values.filter { $0.key.hasPrefix(prefix) }.reduce(0) { $0 + $1.value.elementCount }
  }

  @Test func parameterCountsAreThePublishedOnes() {
    let full = store(SemiMemes())
    #expect(count(full, below: "auto_encoders.image_to_text.") == 1_181_952)
    #expect(count(full, below: "auto_encoders.text_to_image.") == 1_181_952)
    #expect(count(full, below: "head.") == 791_556)
    #expect(full.parameterCount == 3_155_460)
    var ablated = SemiMemes()
    ablated.usesAutoEncoders = false
    #expect(store(ablated).parameterCount == 395_780)
    #expect(store(RawFeatures<Concatenation>()).parameterCount == 395_780)
  }

  @Test func publishedSettingsAreTheDefaults() {
    let method = SemiMemes()
    #expect(method.scaling == .none && method.loss == .distributionBalanced && method.usesAutoEncoders)
    #expect(
      method.autoEncoder.training
        == StageSettings(epochs: 100, batchSize: 40, learningRate: 2e-4, learningRateDecay: 0.95, weightDecay: 1e-4))
    #expect(!method.distributionBalance.isFocal)
  }

  @Test(arguments: [(0.05, 0.93), (0.04, 0.93), (0.1, 0.90), (0.3, 0.85), (1.0, 0.85)])
  func decayFollowsTheLabelRatio(_ ratio: Double, _ factor: Double) {
    #expect(HeadTraining().stageSettings(labelRatio: ratio).learningRateDecay == factor)
  }
}
