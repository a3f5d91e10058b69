import MemeData
import TestSupport
import Testing
import Torch
import TorchNN

@testable import Methods

/// What stands behind the networks of `finetune`.
@Suite struct FineTuneTests {
  /// Two outputs, as the published classifiers have them for two classes.
  private static let task = LabelTask(name: "t", kind: .multiclass, labels: ["no", "yes"])

  private static let words = ["a", "b", "c"]

  private func parameters(_ backbone: String, side: Int) -> ParameterStore {
    var method = FineTune()
    method.backbone = BackboneSettings(backbone)
    method.pictureSide = side
    let store = ParameterStore(uninitializedOn: .meta)
    _ = method.model(
      for: ProblemShape(imageWidth: 0, textWidth: 0, task: Self.task, vocabulary: Self.words), in: store.root)
    return store
  }

  private func count(_ scope: Scope) -> Int { scope.parameters.reduce(0) { $0 + $1.elementCount } }

  /// To the unit (reference 17), but for the vectors of words, which are not trained there.
  @Test func parametersAreAsManyAsPublished() {
    let (transformer, resNet) = (parameters("vit-b16", side: 384), parameters("resnet50", side: 224))
    let (head, other) = (transformer.root["head"], resNet.root["head"])
    #expect(count(head["words"]) == 150 * Self.words.count)
    #expect(count(head["text"]) == 45_300 && count(head["image"]) == 230_700 && count(other["image"]) == 614_700)
    #expect(count(head["fused"]) == 153_856 && count(head["output"]) == 514)
    #expect(transformer.parameterCount - count(head["words"]) == 86_520_866)
    #expect(count(resNet.root["images"]) == 23_508_032)
  }

  private func drawn(_ shape: [Int], seed: UInt64) -> Tensor {
    let tensor = Tensor(empty: shape)
    tensor.fillNormal(using: Generator(seed: seed))
    return tensor
  }

  /// Reference 07 §C1 has rectifiers on either path; §C2 has none, and two layers on the picture's.
  @Test(arguments: [FineTune.Text.words, .network])
  func pathsAreThoseOfTheReference(_ reads: FineTune.Text) {
    var configuration = FineTune.Head()
    (configuration.pathWidth, configuration.fusedWidth) = (3, 4)
    let store = ParameterStore(initializingFrom: Generator(seed: 1))
    let head = FineTuneHead(imageWidth: 6, textWidth: 2, configuration, reads: reads, outputs: 1, in: store.root)
    func layer(_ name: String, _ x: Tensor) -> Tensor {
      x.linear(weight: store.values["\(name).weight"]!, bias: store.values["\(name).bias"]!)
    }
    let (image, text) = (drawn([5, 6], seed: 2), drawn([5, 2], seed: 3))
    let paths =
      reads == .words
      ? [layer("text", text).relu(), layer("image", image).relu()]
      : [layer("text", text), layer("image", layer("picture", image))]
    let expected = layer("output", layer("fused", .concatenated(paths, along: 1)).relu())
    #expect(relativeDifference(head(image, text, using: nil), expected) < 1e-6)
    let widths = store.names.filter { $0.hasSuffix("bias") }.map { store.values[$0]!.shape[0] }
    #expect(widths == (reads == .words ? [3, 3, 4, 1] : [4, 3, 3, 4, 1]))
    let hasNegative = paths.contains { path in path.doubles.contains { $0 < 0 } }
    #expect(hasNegative == (reads == .network))
  }
}
