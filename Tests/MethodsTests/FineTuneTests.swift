import Encoders
import Foundation
import MemeData
import Networks
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

  /// The last map of a picture of 32 rows is one pixel, and its layers have one value a channel where there is one picture: no
  /// variance, which would make running statistics no numbers for good.
  @Test func aBatchOfOneSmallPictureIsNormalisedByRunningStatistics() throws {
    let store = ParameterStore(initializingFrom: Generator(seed: 4))
    let network = try #require(Backbone.named("resnet-nano")).network(side: 32, in: store.root)
    func statistics(_ layer: String) -> [Double] {
      ["mean", "var"].flatMap { store.values["\(layer).running_\($0)"]!.doubles }
    }
    func train(on count: Int) {
      let vectors = network(drawn([count, 3, 32, 32], seed: 5), using: Generator(seed: 6))
      let areNumbers = vectors.detached().doubles.allSatisfy(\.isFinite)
      #expect(areNumbers)
      (vectors * vectors).sum().backward()
    }
    let (last, first) = (["layer4.0.bn1", "layer4.0.bn2", "layer4.0.downsample.1"], ["bn1", "layer3.0.bn2"])
    for (count, moved) in [(2, first + last), (1, first)] {
      let before = (first + last).map(statistics)
      train(on: count)
      for (layer, before) in zip(first + last, before) {
        let after = statistics(layer)
        #expect(after.allSatisfy(\.isFinite) && (after != before) == moved.contains(layer), "\(layer), \(count)")
      }
    }
    #expect(store.parameters.allSatisfy { $0.grad?.doubles.allSatisfy(\.isFinite) ?? false })
  }

  // MARK: Runs to start from

  private static let text: TextArchitecture = {
    var text = TextArchitecture()
    (text.family, text.width, text.layerCount, text.headCount, text.innerWidth) = (.bert, 12, 1, 2, 24)
    return text
  }()

  /// What a run of CASS-MM leaves: two networks for pictures, each with one for texts.
  private func writeRun(to folder: URL) throws -> [PretrainedDescription.Network] {
    let networks = [("convolutional", "resnet-nano"), ("transformer", "vit-nano16")].map { name, backbone in
      PretrainedDescription.Network(name: name, backbone: .named(backbone)!, side: 48, text: Self.text)
    }
    func write(_ file: URL, seed: UInt64, _ make: (Scope) -> Void) throws {
      let store = ParameterStore(initializingFrom: Generator(seed: seed))
      make(store.root)
      try Checkpoint(tensors: store.values.mapValues { $0.detached() }).write(to: file)
    }
    for (index, network) in networks.enumerated() {
      try write(PretrainedDescription.file(of: network, in: folder), seed: UInt64(index)) {
        _ = network.backbone.network(side: 48, in: $0)
      }
      try write(PretrainedDescription.textFile(of: network, in: folder), seed: UInt64(index)) {
        _ = Self.text.network(in: $0)
      }
    }
    try JSONEncoder().encode(PretrainedDescription(networks: networks, textEncoder: "lite"))
      .write(to: folder.appending(path: PretrainedDescription.fileName))
    return networks
  }

  /// Of a run the network of the backbone that is asked for, or the first, with the size of its pictures and what read the texts
  /// beside it.
  @Test func aNetworkOfARunIsChosenByItsBackbone() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "memesense-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let networks = try writeRun(to: folder)
    let run = try #require(PretrainedRunName(folder.path))
    let choices: [(Int, Backbone?)] = [(0, nil), (0, networks[0].backbone), (1, networks[1].backbone)]
    for (index, wanted) in choices {
      var method = FineTune()
      method.reads = .network
      try method.start(from: run, backbone: wanted)
      #expect(method.backbone.name == networks[index].backbone && method.pictureSide == 48)
      #expect(method.textNetwork.architecture == Self.text && method.textNetwork.weights.model == run.absolute)
      let key = "encoder.layer.0.attention.self.query.weight"
      let file = PretrainedDescription.textFile(of: networks[index], in: folder)
      let expected = try #require(try Checkpoint(contentsOf: file).tensors[key])
      let found = try #require(try method.initialValues()["texts.\(key)"])
      #expect(found.floats == expected.floats, "\(wanted.map(\.name) ?? "the first")")
    }
    #expect {
      var method = FineTune()
      try method.start(from: run, backbone: Backbone.named("resnet18"))
    } throws: {
      "\($0)".contains("resnet-nano and vit-nano16") && "\($0)".contains("those of resnet18 are wanted")
    }
  }
}
