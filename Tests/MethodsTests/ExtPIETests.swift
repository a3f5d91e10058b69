import Foundation
import MemeData
import Networks
import TestSupport
import Testing
import Torch
import TorchNN

@testable import Encoders
@testable import Methods

/// Ext-PIE-Net against the same networks written out in PyTorch: embeddings, logits and gradients elementwise (1e-5), the
/// losses of 20 steps of AdamW from the same weights (1e-4).
@Suite struct ExtPIETests {
  let fixture: Fixture
  init() throws { fixture = try Fixture("methods") }

  private func store(_ name: String) -> ParameterStore {
    let values = fixture.group("\(name).").filter { key, _ in
      !key.hasPrefix("gradient.") && !["logits", "losses"].contains(key)
    }
    return ParameterStore(initializingFrom: Generator(seed: 0), given: values)
  }

  private func follow(
    _ name: String, _ store: ParameterStore, output: () -> Tensor, loss: (Tensor) -> Tensor
  ) throws {
    try store.validate()
    let optimizer = Optimizer(
      store.parameters, rule: .adam(decoupled: true), learningRate: 1e-3, weightDecay: 1e-4)
    for (step, expected) in fixture["\(name).losses"].doubles.enumerated() {
      let found = output()
      let value = loss(found)
      value.backward()
      if step == 0 {
        #expect(difference(found, fixture["\(name).logits"]) < 1e-5, "\(name)")
        for (path, parameter) in store.values {
          #expect(difference(parameter.grad!, fixture["\(name).gradient.\(path)"]) < 1e-5, "\(name).\(path)")
        }
      }
      optimizer.step()
      #expect(abs(value.item - expected) < 1e-4, "\(name), step \(step): \(value.item), \(expected)")
    }
  }

  @Test func pretrainingMatchesPyTorch() throws {
    let store = store("ext_pie.heads")
    let heads = ExtPIEHeads(imageWidth: 6, textWidth: 4, embeddingWidth: 5, in: store.root)
    var pretraining = ExtPIE.Pretraining()
    pretraining.margin = 0.1
    var found: ExtPIEHeads.Embeddings!
    try follow("ext_pie.heads", store) {
      found = heads.embeddings(
        views: (fixture["ext_pie.first"], fixture["ext_pie.second"]), text: fixture["fusion.text"])
      return .concatenated(
        [found.image, found.text, found.fused, found.fusedViews.0, found.fusedViews.1], along: 1)
    } loss: { _ in
      pretraining.loss(found)
    }
  }

  @Test(arguments: ExtPIE.Fusion.allCases)
  func theClassifierMatchesPyTorch(_ fusion: ExtPIE.Fusion) throws {
    let name = "ext_pie.\(fusion.rawValue)"
    let store = store(name)
    let classifier = PairClassifier(
      imageWidth: 6, textWidth: 4, fusion: fusion, hidden: (7, 5), outputs: 3, in: store.root)
    #expect(classifier.parameters.count == store.values.count)
    let kinds = fixture["fusion.kinds"].to(.int64)
    try follow(name, store) {
      classifier(PreparedFeatures(image: fixture["fusion.image"], text: fixture["fusion.text"]))
    } loss: {
      Loss.crossEntropy(logits: $0, classes: kinds)
    }
  }

  /// Ten epochs at one rate, then by a step an epoch PyTorch's `CosineAnnealingLR` of as many steps as an epoch has batches,
  /// here four.
  @Test func theLearningRateFollowsThePublishedCosine() {
    let pretraining = ExtPIE.Pretraining()
    let shares = (0..<20).map { pretraining.share(ofEpoch: $0, batchCount: 4) }
    #expect(shares.prefix(11).allSatisfy { $0 == 1 })
    let (high, low) = ((2 + 2.0.squareRoot()) / 4, (2 - 2.0.squareRoot()) / 4)
    let expected = [high, 0.5, low, 0, low, 0.5, high, 1, high]
    #expect(zip(shares.dropFirst(11), expected).allSatisfy { abs($0 - $1) < 1e-12 }, "\(shares)")
  }

  /// PyTorch's `OneCycleLR` itself: all of short cycles, and 100 epochs by which the published code moves one.
  @Test func theCycleOfTheClassifierIsPyTorchs() throws {
    let rates = try Fixture("heads")
    for length in [7, 20] {
      let expected = rates["one_cycle.whole.\(length)"].doubles
      let cycle = Schedule.oneCycle(length: length)
      let found = (0..<length).map { 4e-5 * cycle.factor(at: $0) }
      #expect(expected.count == length && zip(found, expected).allSatisfy { abs($0 - $1) < 1e-12 }, "\(found)")
    }
    for batchCount in [1, 5, 40] {
      let expected = rates["one_cycle.epochs.\(batchCount)"].doubles
      let found = (0..<100).map {
        4e-5 * ExtPIE.TrainingSchedule.cycleFactor(ofEpoch: $0, of: 100, batchCount: batchCount)
      }
      #expect(expected.count == 100 && zip(found, expected).allSatisfy { abs($0 - $1) < 1e-12 }, "\(found)")
    }
  }

  /// Trains nothing and keeps what it was to train.
  private final class Spy: StageTrainer {
    var stages: [TrainingStage] = []
    func train(_ stages: [TrainingStage], seed: UInt64) { self.stages += stages }
  }

  @Test(arguments: ExtPIE.TrainingSchedule.allCases)
  func theClassifierTrainsAtTheRateThatItsScheduleSays(_ schedule: ExtPIE.TrainingSchedule) throws {
    var method = ExtPIE()
    (method.pictureSide, method.embeddingWidth, method.trainingSchedule) = (32, 4, schedule)
    (method.text.architecture.width, method.text.architecture.headCount) = (12, 3)
    (method.text.architecture.layerCount, method.text.architecture.innerWidth) = (1, 20)
    method.training.batchSize = 1
    let isPresent = [Bool](repeating: true, count: 5)
    let pictures = isPresent.map { _ in Tensor.zeros([3, 32, 32], dtype: .uint8) }
    let features = FeatureTable(
      image: .empty(isPresent: isPresent), text: .empty(isPresent: isPresent),
      pictures: PictureBlock(pictures, side: 32), ids: isPresent.map { _ in [101, 102] })
    let labels: [Label] = [0, 1, 0, 1, 1].map { .binary($0 == 1) }
    let problem = Problem(
      features: features, labelled: [0, 1, 2, 3, 4], labels: labels, unlabelled: [], labelRatio: 1,
      task: LabelTask(name: "t", kind: .binary, labels: ["yes"]), seed: 0)
    let spy = Spy()
    _ = try method.fitted(to: problem, trainer: spy)
    #expect(spy.stages.map(\.name) == ["pretraining", "head"])
    let head = try #require(spy.stages.last)
    #expect(head.batchCount == 5 && head.settings == method.training)
    let cycle = try Fixture("heads")["one_cycle.epochs.5"].doubles
    let expected = schedule == .oneCycle ? cycle : [Double](repeating: 4e-5, count: 100)
    for (epoch, rate) in expected.enumerated() {
      for batch in [0, 4] { #expect(abs(head.rates(at: 5 * epoch + batch).learning - rate) < 1e-12, "epoch \(epoch)") }
    }
  }

  @Test func settingsWithoutAScheduleTrainAtOneRate() throws {
    var method = ExtPIE()
    method.trainingSchedule = .oneCycle
    let text = try JSONEncoder().encode(method)
    #expect(try JSONDecoder().decode(ExtPIE.self, from: text) == method)
    var settings = try #require(JSONSerialization.jsonObject(with: text) as? [String: Any])
    let written = settings.removeValue(forKey: "training_schedule") as? String
    #expect(written == "one_cycle")
    let older = try JSONDecoder().decode(ExtPIE.self, from: JSONSerialization.data(withJSONObject: settings))
    #expect(older == ExtPIE())
  }

  /// Vector T9 of reference 17: no other text is nearer to a row's image, and some images are nearer to a text.
  @Test func hingeOfReference17() {
    let images = Tensor([1, 0, 0.5, 0.2, 1, -0.3, -0.5, 0.4, 1] as [Float], shape: [3, 3]).normalized()
    let texts = Tensor([0.9, 0.1, 0.4, 0, 0.8, -0.1, 0.3, -0.2, 0.7] as [Float], shape: [3, 3]).normalized()
    let (rows, columns) = ContrastiveLoss.hinge(images, texts, margin: 0)
    #expect(rows.item == 0)
    #expect(abs(columns.item - 0.2356694002) < 1e-6)
  }

  @Test func whatItsParametersComeTo() {
    let task = LabelTask(name: "t", kind: .multiclass, labels: ["a", "b", "c", "d"])
    let store = ParameterStore(uninitializedOn: .meta)
    _ = ExtPIE().model(for: ProblemShape(imageWidth: 0, textWidth: 0, task: task), in: store.root)
    func count(below path: String) -> Int {
      store.root[path].parameters.reduce(0) { $0 + $1.elementCount }
    }
    #expect(count(below: "images") == 11_176_512)
    #expect(count(below: "texts") == 66_362_880)
    // Reference 11 §1, without the layer of the published fusion that nothing reads.
    #expect(count(below: "heads") == 788_992 + 1_773_312 + 525_312 + 656_384 + 526_848 - 262_656)
    let queryAndKey = 2 * (512 * 256 + 256)
    let layers = 1024 * 512 + 512 + 512 * 256 + 256 + 256 * 4 + 4
    #expect(count(below: "classifier") == 768 * 512 + 512 + queryAndKey + layers)
  }

  @Test func refusesWhereNothingCanBeCompared() {
    func block(_ isPresent: [Bool]) -> FeatureBlock {
      FeatureBlock(values: Tensor.zeros([3, 0]), isPresent: isPresent)
    }
    var table = FeatureTable(image: block([true, true, false]), text: block([true, false, true]))
    table.ids = [[101, 102], [], [101, 102]]
    let task = LabelTask(name: "t", kind: .binary, labels: ["yes"])
    let problem = Problem(
      features: table, labelled: [0], labels: [.binary(true)], unlabelled: [1, 2], labelRatio: 0.3, task: task, seed: 0)
    #expect(ExtPIE().refusal(of: problem)?.contains("1 of the training memes has both") == true)
  }
}
