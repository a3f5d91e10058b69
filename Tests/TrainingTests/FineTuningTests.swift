import Foundation
import MemeData
import Testing
import Torch
import TorchNN

@testable import Encoders
@testable import Methods
@testable import Training

/// Networks that are trained whole: in parts, by layers, in less memory, on augmented pictures.
@Suite struct FineTuningTests {
  private static let methods: [any Methods.Method.Type] = [ViLT.self, VisualBERT.self, LXMERT.self]

  private func method(_ type: any Methods.Method.Type, _ overrides: [String]) throws -> any Methods.Method {
    let name = try RecipeLibrary.defaultName(method: type.name, encoder: "lite")
    return try Recipe(
      yaml: RecipeLibrary.text(named: name), source: name,
      overrides: SmallProblem.small(type) + ["settings.training.epochs=2"] + overrides
    ).method
  }

  private func values(
    _ type: any Methods.Method.Type, _ overrides: [String], task: Int = 0, precision: Precision = .float32
  ) throws -> [String: [Double]] {
    let folder = try TemporaryFolder()
    let trainer = CheckpointingTrainer(
      folder: folder.url, precision: precision, log: try TrainingLog(folder.url.appending(path: "log.jsonl")),
      observer: SilentObserver())
    return try method(type, overrides).fitted(to: SmallProblem.problem(SmallProblem.tasks[task]), trainer: trainer)
      .values.mapValues { $0.detached().doubles }
  }

  private func largestDifference(_ a: [String: [Double]], _ b: [String: [Double]]) -> Double {
    a.reduce(0) { most, entry in zip(entry.value, b[entry.key]!).reduce(most) { max($0, abs($1.0 - $1.1)) } }
  }

  // MARK: Parts of a batch

  /// The gradients of a batch's parts add up to that of the batch, weighted classes or not, to the rounding of float32.
  /// Weights after steps of Adam tell little of that, so that one step of plain descent is compared.
  @Test(arguments: SmallProblem.tasks.indices, [ClassWeights.none, .balanced])
  func microBatchesAddUpToTheBatch(_ task: Int, _ weights: ClassWeights) throws {
    let problem = SmallProblem.problem(SmallProblem.tasks[task])
    let targets = Targets(problem.labels, task: problem.task)
    func stepped(_ microBatch: Int) throws -> (weights: [Double], loss: Double) {
      let folder = try TemporaryFolder()
      let log = try TrainingLog(folder.url.appending(path: "log.jsonl"))
      let trainer = CheckpointingTrainer(
        folder: folder.url, precision: .float32, log: log, observer: SilentObserver())
      let store = ParameterStore(initializingFrom: Generator(seed: 2))
      let head = Linear(inputs: 6, outputs: problem.shape.outputCount, in: store.root)
      var settings = StageSettings(epochs: 1, batchSize: 23, learningRate: 1, learningRateDecay: 1, weightDecay: 0)
      settings.rule = .sgd()
      let loss = weights.loss(for: targets)
      var stage = TrainingStage(
        name: "stage", parameters: store.parameters, exampleCount: problem.labelled.count, settings: settings
      ) { rows, _ in loss(head(problem.features.image.values.gathered(rows)), rows) }
      stage.microBatch = microBatch
      stage.exampleWeights = weights.exampleWeights(for: targets)
      try trainer.train([stage], seed: 1)
      return (store.parameters.flatMap { $0.detached().doubles }, log.epochs[0].loss)
    }
    let whole = try stepped(0)
    for size in [1, 7, 22] {
      let parts = try stepped(size)
      #expect(zip(whole.weights, parts.weights).allSatisfy { abs($0 - $1) < 2e-6 }, "\(size)")
      #expect(abs(whole.loss - parts.loss) < 1e-6 * abs(whole.loss) + 1e-7)
    }
    #expect(try stepped(23).weights == whole.weights)
  }

  @Test(arguments: methods.indices)
  func aNetworkTrainedInPartsIsNearTheSame(_ index: Int) throws {
    let type = Self.methods[index]
    // Plain heads: what dropout draws depends on the size of what it drops.
    let plain = ["settings.training.learning_rate=0.0001"] + (type == ViLT.self ? [] : ["settings.head.dropout_rate=0"])
    let whole = try values(type, plain)
    let parts = try values(type, plain + ["settings.fine_tuning.micro_batch=5"])
    // Six steps of Adam move a weight by 6e-4 at most; its sign is that of rounding where a gradient is zero.
    let moved = zip(whole.sorted { $0.key < $1.key }, parts.sorted { $0.key < $1.key }).flatMap { a, b in
      zip(a.value, b.value).map { abs($0 - $1) }
    }
    #expect(moved.count { $0 > 1e-5 } < moved.count / 100)
  }

  // MARK: Layers

  private struct Idle: StageTrainer {
    func train(_ stages: [TrainingStage], seed: UInt64) {}
  }

  @Test(arguments: methods.indices, Precision.allCases)
  func frozenLayersKeepTheirBytes(_ index: Int, _ precision: Precision) throws {
    let type = Self.methods[index]
    let layers = type == LXMERT.self ? [] : ["settings.network.layers=2"]
    let decay = ["settings.training.weight_decay=0.1"]
    let untrained = try method(type, layers).fitted(to: SmallProblem.problem(SmallProblem.tasks[0]), trainer: Idle())
      .values.mapValues { $0.detached().doubles }
    let trained = try values(
      type, layers + decay + ["settings.fine_tuning.frozen_layers=1"], precision: precision)
    let first = [
      "network.embeddings.", "network.encoder.layer.0.", "network.encoder.r_layers.0.", "network.encoder.visn_fc.",
    ]
    for (name, values) in trained {
      if first.contains(where: name.hasPrefix) {
        #expect(values == untrained[name], "\(name) is frozen and moved")
      } else if !name.contains(".x_layers.0.visn_") && !name.hasSuffix("key.bias") {
        // Of the last layer's regions nothing is made. The bias of keys has no effect: its gradient is rounding, or none.
        let moved = zip(values, untrained[name]!).count { abs($0 - $1) > 1e-7 }
        #expect(moved > 0, "\(name) stayed as it was")
      }
    }
    #expect(trained.keys.contains { name in first.contains(where: name.hasPrefix) })
  }

  /// A ResNet's running statistics among them.
  @Test(arguments: Precision.allCases)
  func frozenStagesOfAResNetKeepTheirBytes(_ precision: Precision) throws {
    let overrides = ["backbone.name=resnet-nano", "reads=none", "fine_tuning.frozen_layers=2"].map { "settings.\($0)" }
    let untrained = try method(FineTune.self, overrides)
      .fitted(to: SmallProblem.problem(SmallProblem.tasks[0]), trainer: Idle()).values
    let trained = try values(FineTune.self, overrides, precision: precision)
    for (name, values) in trained {
      let isFrozen = ["conv1.", "bn1.", "layer1.", "layer2."].contains { name.hasPrefix("images.\($0)") }
      #expect((values == untrained[name]!.detached().doubles) == isFrozen, "\(name)")
    }
    #expect(trained.keys.contains("images.layer2.0.bn1.running_mean"))
  }

  @Test func ratesFallWithDepthAndTheHeadHasItsOwn() throws {
    let store = ParameterStore(initializingFrom: Generator(seed: 1))
    let method = try #require(
      try self.method(
        ViLT.self,
        [
          "settings.network.layers=3", "settings.fine_tuning.layer_decay=0.5", "settings.fine_tuning.network_rate=0.1",
          "settings.fine_tuning.frozen_layers=1",
        ]) as? ViLT)
    let model = method.model(for: SmallProblem.problem(SmallProblem.tasks[0]).shape, in: store.root)
    let trained = method.fineTuning.trained(model.parameters)
    let names = store.root.namedParameters.map(\.name)
    let isTrained = names.filter { store.values[$0]!.requiresGrad }
    #expect(trained.values.count == isTrained.count && trained.scales.count == isTrained.count)
    for (name, scale) in zip(isTrained, trained.scales) {
      let expected =
        name.hasPrefix("head.")
        ? 1 : name.contains("layer.1.") ? 0.1 * 0.25 : name.contains("layer.2.") ? 0.1 * 0.5 : 0.1
      #expect(abs(scale.rate - expected) < 1e-15 && scale.decay == 1, "\(name)")
    }
    #expect(!isTrained.contains { $0.contains("layer.0.") || $0.contains("embeddings") })
  }

  // MARK: The authors' own settings

  /// Keeps stages and trains none of them.
  private final class Spy: StageTrainer {
    private(set) var stages: [TrainingStage] = []
    func train(_ stages: [TrainingStage], seed: UInt64) { self.stages += stages }
  }

  private func stages(_ type: any Methods.Method.Type, _ overrides: [String]) throws -> [TrainingStage] {
    let spy = Spy()
    _ = try method(type, overrides).fitted(to: SmallProblem.problem(SmallProblem.tasks[0]), trainer: spy)
    return spy.stages
  }

  /// AdamW that spares biases and the gains of norms, a rise and a fall to zero.
  @Test(arguments: methods.indices)
  func ratesRiseAndFallAndMatricesAloneDecay(_ index: Int) throws {
    let stages = try stages(
      Self.methods[index],
      [
        "epochs=10", "learning_rate=0.0001", "weight_decay=0.01", "rule=adamw", "beta2=0.98", "warm_up=0.1",
        "falls_to_zero=true", "gradient_clip=2",
      ].map { "settings.training.\($0)" })
    let stage = try #require(stages.first)
    #expect(stage.settings.rule == .adam(beta2: 0.98, decoupled: true) && stage.settings.gradientClip == 2)
    // Three batches an epoch: of 30 steps three rise.
    #expect(stage.batchCount == 3)
    for step in 0..<30 {
      let rates = stage.rates(at: step)
      let expected = step < 3 ? Double(step + 1) / 4 : 1 - Double(step - 3) / 27
      #expect(abs(rates.learning - 1e-4 * expected) < 1e-16 && rates.weightDecay == 0.01, "step \(step)")
    }
    #expect(stage.scales.count == stage.parameters.count && Set(stage.scales.map(\.decay)) == [0, 1])
    for (parameter, scale) in zip(stage.parameters, stage.scales) {
      #expect(scale.decay == (parameter.rank > 1 ? 1 : 0) && scale.rate == 1)
    }
  }

  @Test func theTrunksOfExtPIELearnAtRatesOfTheirOwn() throws {
    let overrides = [
      "image_rate=0.5", "text_rate=0", "constant_epochs=1", "training.epochs=4", "training.learning_rate=0.002",
    ].map { "settings.pretraining.\($0)" }
    let stage = try #require(try stages(ExtPIE.self, overrides).first)
    let rates = stage.scales.map(\.rate)
    #expect(rates.count == stage.parameters.count && Set(rates) == [0.5, 0, 1])
    // The trunks come first.
    #expect(rates == rates.filter { $0 == 0.5 } + rates.filter { $0 == 0 } + rates.filter { $0 == 1 })
    let count = stage.batchCount
    for epoch in 0..<4 {
      let expected = 0.002 * (1 + cos(.pi * Double(max(0, epoch - 1)) / Double(count))) / 2
      let found = [0, count - 1].map { stage.rates(at: epoch * count + $0).learning }
      #expect(found.allSatisfy { abs($0 - expected) < 1e-15 }, "epoch \(epoch)")
    }
    let untrained = try method(ExtPIE.self, overrides)
      .fitted(to: SmallProblem.problem(SmallProblem.tasks[0]), trainer: Idle()).values
    let trained = try values(ExtPIE.self, overrides)
    for (name, values) in trained where name.hasPrefix("texts.") {
      #expect(values == untrained[name]!.detached().doubles, "\(name)")
    }
    // Running statistics move where the trunk learns, and stay with it.
    let still = try values(ExtPIE.self, ["settings.pretraining.image_rate=0"])
    for (name, values) in still where name.hasPrefix("images.") {
      let initial = untrained[name]!.detached().doubles
      #expect(values == initial && trained[name] != initial, "\(name)")
    }
    #expect(still.keys.contains("images.bn1.running_mean"))
  }

  // MARK: Memory

  /// Recomputed layers, with dropout, give the bytes of layers that are kept.
  @Test(arguments: methods.indices, Precision.allCases)
  func recomputedLayersGiveTheSameBytes(_ index: Int, _ precision: Precision) throws {
    let dropout = ["settings.network.dropout_rate=0.2"]
    let kept = try values(Self.methods[index], dropout, precision: precision)
    let again = try values(
      Self.methods[index], dropout + ["settings.fine_tuning.recomputes_layers=true"], precision: precision)
    #expect(largestDifference(kept, again) == 0)
  }

  // MARK: Augmented pictures

  /// Views depend on no batch and no thread: the same whole network, a pool of two kinds or one, in parts or not.
  @Test func viewsDependOnSeedEpochAndMemeAlone() throws {
    let problem = SmallProblem.problem(SmallProblem.tasks[0])
    let views = try #require(PictureAugmentation.simclr.views(of: problem, stage: "head"))
    let together = views([3, 0, 7, 4], epoch: 2)
    let alone = [3, 0, 7, 4].map { views([$0], epoch: 2).selected(0).doubles }
    for (row, expected) in alone.enumerated() { #expect(together.selected(row).doubles == expected) }
    #expect(together.shape == [4, 3, SmallProblem.pictureSide, SmallProblem.pictureSide])
    #expect(together.selected(3).doubles.allSatisfy { $0 == 0 }, "meme 4 has no picture")
    #expect(views([3], epoch: 1).doubles != alone[0] && views([3], epoch: 2, view: 1).selected(0).doubles != alone[0])
    let other = try #require(PictureAugmentation.simclr.views(of: problem, stage: "tail"))
    #expect(other([3], epoch: 2).selected(0).doubles != alone[0])
  }

  @Test func augmentationChangesWhatIsLearned() throws {
    let plain = try values(ViLT.self, [])
    for augmentation in PictureAugmentation.allCases {
      let changed = try values(ViLT.self, ["settings.augmentation=\(augmentation.rawValue)"])
      // Pictures of one colour look the same however they are mirrored or cropped.
      let isSame = [.none, .flip, .crop].contains(augmentation)
      #expect((largestDifference(plain, changed) == 0) == isSame, "\(augmentation)")
    }
    let cmml = try values(CMMLOrigin.self, ["settings.training.epochs=1"])
    let views = try values(CMMLOrigin.self, ["settings.training.epochs=1", "settings.augmentation=simclr"])
    #expect(largestDifference(cmml, views) > 1e-6)
  }

  // MARK: Inputs prepared ahead

  @Test(arguments: [1, 3]) func inputsComeInOrderAndNotTooEarly(workers: Int) throws {
    let prepared = Counter()
    let inputs = PreparedInputs(of: (0..<20).map { [$0] }, workers: workers) { rows in
      // The later a batch of three, the sooner it is made.
      Thread.sleep(forTimeInterval: 0.003 - 0.001 * Double(rows[0] % 3))
      prepared.increase()
      return [Tensor(rows)]
    }
    for index in 0..<20 {
      #expect(try inputs.next()[0].doubles == [Double(index)])
      #expect(prepared.count <= index + 1 + workers + 1)
    }
    inputs.stop()
    let unread = PreparedInputs(of: (0..<1000).map { [$0] }, workers: workers) { _ in
      prepared.increase()
      return []
    }
    unread.stop()
    let count = prepared.count
    Thread.sleep(forTimeInterval: 0.02)
    #expect(prepared.count == count && count < 30, "nothing is prepared after it was stopped")
  }

  /// An error of the other thread reaches whoever trains, when the batch is due, and ends the training.
  @Test func anErrorIsThrownWhereTheBatchIsAskedFor() throws {
    struct Unreadable: Error {}
    let folder = try TemporaryFolder()
    let trainer = CheckpointingTrainer(
      folder: folder.url, precision: .float32, log: try TrainingLog(folder.url.appending(path: "log.jsonl")),
      observer: SilentObserver())
    let weight = Tensor.ones([1]).requiringGrad()
    var seen: [[Double]] = []
    var stage = TrainingStage(
      name: "stage", parameters: [weight], exampleCount: 8,
      settings: StageSettings(epochs: 3, batchSize: 2, learningRate: 0.1, learningRateDecay: 1, weightDecay: 0),
      batchLoss: { batch in
        seen.append(batch.inputs[0].doubles)
        #expect(batch.inputs[0].doubles == batch.rows.doubles.map { $0 + 100 * Double(batch.epoch) })
        return weight.sum()
      })
    stage.preparation = { rows, epoch in
      if epoch == 1 && rows.contains(5) { throw Unreadable() }
      return [Tensor(rows.map { $0 + 100 * epoch })]
    }
    #expect(throws: Unreadable.self) { try trainer.train([stage], seed: 1) }
    #expect((4..<8).contains(seen.count) && !seen.contains { $0.contains(105) })
  }

  private final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var value = 0
    var count: Int { lock.withLock { value } }
    func increase() { lock.withLock { value += 1 } }
  }
}
