import Encoders
import Foundation
import MemeData
import Metrics
import Testing
import Torch
import TorchNN

@testable import Methods
@testable import Training

/// A training killed after any batch and resumed ends with the bytes of one that was never interrupted.
@Suite struct BatchResumeTests {
  /// Trains as another does, and copies the run folder before every batch: what a kill at that moment would leave.
  private final class Photographer: StageTrainer {
    private let trainer: CheckpointingTrainer
    private let folder: URL
    private let target: URL
    private(set) var photographs: [URL] = []

    init(_ trainer: CheckpointingTrainer, of folder: URL, into target: URL) {
      (self.trainer, self.folder, self.target) = (trainer, folder, target)
    }

    func train(_ stages: [TrainingStage], seed: UInt64) throws {
      precondition(stages.count == 1, "stages at once would be photographed while another writes")
      var stage = stages[0]
      let loss = stage.loss
      stage.loss = { [self] batch in
        let photograph = target.appending(path: "\(stage.name) \(photographs.count)")
        do {
          try FileManager.default.copyItem(at: folder, to: photograph)
        } catch {
          Issue.record("\(error)")
        }
        photographs.append(photograph)
        return loss(batch)
      }
      try trainer.train([stage], seed: seed)
    }
  }

  /// Trains once, then again from what every batch left, and compares the bytes.
  ///
  /// - Parameters:
  ///   - body: Makes something new, trains it with the given trainer and returns what came out.
  ///   - expected: How many batches there are.
  func expectSameBytes(
    _ precision: Precision = .float32, batches expected: Int, scorer: EpochScorer? = nil,
    _ body: (any StageTrainer) throws -> [String: Tensor]
  ) throws {
    let temporary = try TemporaryFolder()
    func trainer(in folder: URL) throws -> CheckpointingTrainer {
      var trainer = CheckpointingTrainer(
        folder: folder, precision: precision, log: try TrainingLog(folder.appending(path: "log.jsonl")),
        observer: SilentObserver())
      trainer.pace = .everyBatch
      trainer.scorer = scorer
      return trainer
    }
    func bytes(_ values: [String: Tensor]) throws -> Data {
      let file = temporary.url.appending(path: "values.safetensors")
      try Checkpoint(tensors: values).write(to: file)
      return try Data(contentsOf: file)
    }
    let whole = try temporary.folder("whole")
    let photographer = Photographer(
      try trainer(in: whole), of: whole, into: try temporary.folder("photographs"))
    let uninterrupted = try bytes(body(photographer))
    let log = try TrainingLog(whole.appending(path: "log.jsonl")).epochs
    #expect(photographer.photographs.count == expected)
    for photograph in photographer.photographs {
      #expect(
        try bytes(body(trainer(in: photograph))) == uninterrupted, "killed before batch \(photograph.lastPathComponent)"
      )
      let resumed = try TrainingLog(photograph.appending(path: "log.jsonl")).epochs
      #expect(resumed.map(\.loss) == log.map(\.loss) && resumed.map(\.score) == log.map(\.score))
      #expect(resumed.map(\.measures) == log.map(\.measures))
    }
  }

  /// Finds those epochs best that are the least sure of memes that nobody labelled.
  private static var scorer: EpochScorer {
    let features = SmallProblem.features(count: 30, seed: 8)
    return EpochScorer(EpochSelection(metric: .auroc)) { classifier in
      let certainty = classifier.probabilities(of: features).to(.float32) - 0.5
      return -(certainty * certainty).mean().item
    }
  }

  /// Dropout, a warm-up and a limit of the gradient in a head; an epoch that is not the last is kept.
  @Test(arguments: Precision.allCases)
  func aHeadWithDropout(_ precision: Precision) throws {
    // 40 labelled memes make two batches of 32 and 8.
    let method = try SmallProblem.quick(BertResNet18.self)
    try expectSameBytes(precision, batches: 2 * 4, scorer: Self.scorer) { trainer in
      try method.fitted(to: SmallProblem.problem(SmallProblem.tasks[0]), trainer: trainer).values
    }
  }

  /// Two pools of memes.
  @Test func companions() throws {
    let method = try SmallProblem.quick(CMML.self)
    let problem = SmallProblem.problem(SmallProblem.tasks[0])
    let perEpoch = min(40 / 12, problem.unlabelledPairs.count / 28)
    try expectSameBytes(batches: perEpoch * 4) { trainer in
      try method.fitted(to: problem, trainer: trainer).values
    }
  }

  /// A transformer that is trained whole, with dropout in every layer, on augmented pictures, in parts of batches.
  @Test func aWholeTransformer() throws {
    let name = try RecipeLibrary.defaultName(method: ViLT.name, encoder: "lite")
    let method = try Recipe(
      yaml: RecipeLibrary.text(named: name), source: name,
      overrides: SmallProblem.small(ViLT.self) + [
        "settings.network.dropout_rate=0.2", "settings.training.epochs=2", "settings.augmentation=simclr",
        "settings.fine_tuning.micro_batch=6", "settings.fine_tuning.layer_decay=0.5",
        "settings.fine_tuning.recomputes_layers=true",
      ]
    ).method
    // Two batches of 16 and one of 8, in parts of six.
    try expectSameBytes(batches: (3 + 3 + 2) * 2) { trainer in
      try method.fitted(to: SmallProblem.problem(SmallProblem.tasks[0]), trainer: trainer).values
    }
  }

  /// Networks on regions with dropout in every layer, as their authors fine-tune them: AdamW, a rise and a fall to zero.
  @Test(arguments: [VisualBERT.name, LXMERT.name])
  func aNetworkOnRegions(_ name: String) throws {
    let type = try #require(MethodCatalog.method(named: name))
    let recipe = try RecipeLibrary.defaultName(method: name, encoder: "lite")
    let method = try Recipe(
      yaml: RecipeLibrary.text(named: recipe), source: recipe,
      overrides: SmallProblem.small(type) + [
        "settings.network.dropout_rate=0.2", "settings.training.epochs=2", "settings.training.rule=adamw",
        "settings.training.weight_decay=0.01", "settings.training.warm_up=0.4", "settings.training.falls_to_zero=true",
        "settings.training.gradient_clip=1",
      ]
    ).method
    // Two batches of 16 and one of 8.
    try expectSameBytes(batches: 3 * 2) { trainer in
      try method.fitted(to: SmallProblem.problem(SmallProblem.tasks[0]), trainer: trainer).values
    }
  }

  /// Two pools of memes, running statistics, augmented pictures, and a learning rate that falls within an epoch.
  @Test(arguments: Precision.allCases)
  func aResNetBesideWords(_ precision: Precision) throws {
    let method = try Recipe(
      yaml: RecipeLibrary.text(named: "cmml-lite"), source: "cmml-lite",
      overrides: SmallProblem.small(CMMLOrigin.self) + [
        "settings.training.epochs=2", "settings.training.batch_size=20", "settings.augmentation=crop",
        "settings.decay_interval=3",
      ]
    ).method
    // 34 unlabelled memes, 14 of them in a batch.
    try expectSameBytes(precision, batches: 2 * 2) { trainer in
      try method.fitted(to: SmallProblem.problem(SmallProblem.tasks[0]), trainer: trainer).values
    }
  }

  /// A stage that trains networks with running statistics, and one that reads them frozen.
  @Test(arguments: Precision.allCases)
  func aClassifierOnPretrainedNetworks(_ precision: Precision) throws {
    let method = try Recipe(
      yaml: RecipeLibrary.text(named: "ext-pie-lite"), source: "ext-pie-lite",
      overrides: SmallProblem.small(ExtPIE.self) + ["settings.text.dropout_rate=0.2", "settings.training.epochs=2"]
    ).method
    // An epoch of 62 memes with both modalities, then two of 40 labelled ones, 32 in a batch.
    try expectSameBytes(precision, batches: 2 + 2 * 2) { trainer in
      try method.fitted(to: SmallProblem.problem(SmallProblem.tasks[0]), trainer: trainer).values
    }
  }

  /// Running statistics of a ResNet that is fine-tuned; an epoch of the best score is kept with its own. The last of 33 memes is
  /// a batch by itself, whose picture of 32 rows leaves the last layers one value a channel.
  @Test(arguments: Precision.allCases)
  func aFineTunedResNet(_ precision: Precision) throws {
    let name = try RecipeLibrary.defaultName(method: FineTune.name, encoder: "lite")
    let method = try Recipe(
      yaml: RecipeLibrary.text(named: name), source: name,
      overrides: SmallProblem.small(FineTune.self) + [
        "settings.backbone.name=resnet-nano", "settings.training.epochs=2", "settings.training.batch_size=16",
      ]
    ).method
    let problem = SmallProblem.problem(SmallProblem.tasks[0], labelled: 33)
    try expectSameBytes(precision, batches: 3 * 2, scorer: Self.scorer) { trainer in
      let values = try method.fitted(to: problem, trainer: trainer).values
      for (key, value) in values { #expect(value.detached().doubles.allSatisfy { $0.isFinite }, "\(key)") }
      return values
    }
  }

  /// Running statistics, and a teacher that follows after every step; everything a stage can have at once.
  @Test(arguments: Precision.allCases)
  func runningStatisticsAndAMovingAverage(_ precision: Precision) throws {
    struct Mute: Classifier {
      let weight: Tensor
      func probabilities(of features: FeatureTable) -> Tensor { weight }
    }
    // The middle epoch scores best: what is kept is neither what was saved first nor last.
    let scorer = EpochScorer(EpochSelection(metric: .auroc)) { classifier in
      -abs((classifier as! Mute).weight.item - 2)
    }
    let examples = Tensor(empty: [16, 3, 6, 6])
    examples.fillNormal(using: Generator(seed: 3))
    try expectSameBytes(precision, batches: 3 * 3, scorer: scorer) { trainer in
      let store = ParameterStore(initializingFrom: Generator(seed: 4))
      let convolution = Convolution(inputs: 3, outputs: 4, kernel: 3, in: store.root["convolution"])
      let normalization = BatchNorm(channels: 4, in: store.root["normalization"])
      let output = Linear(inputs: 4, outputs: 1, in: store.root["output"])
      let dropout = Dropout(rate: 0.3)
      let epoch = store.root.buffer("epoch", [1])
      let average = MovingAverage(changing: store.parameters.map { $0.detached().copied() })
      var stage = TrainingStage(
        name: "stage", parameters: store.parameters,
        buffers: [normalization.runningMean, normalization.runningVariance, epoch] + average.values, exampleCount: 10,
        companions: .init(exampleCount: 6, batchSize: 2),
        settings: StageSettings(epochs: 3, batchSize: 3, learningRate: 0.05, learningRateDecay: 0.5, weightDecay: 0.01),
        classifier: Mute(weight: epoch)
      ) { rows, generator in
        let x = normalization(convolution(examples.gathered(rows)), isTraining: true).relu().mean(along: 2, 3)
        let y = output(dropout(x, using: generator)).to(.float32)
        return (y * y).mean() - y.mean()
      }
      stage.afterStep = { steps, parameters in
        average.update(from: parameters, decay: 1 - 1 / Double(steps + 1))
        epoch.fill(with: Double((steps + 2) / 3))
      }
      try trainer.train([stage], seed: 5)
      return store.values.merging(average.values.enumerated().map { ("average \($0)", $1) }) { $1 }
    }
  }

  /// A stage of milliseconds is saved at its end, not after every batch or epoch; one that is dear to save less often.
  @Test func savingIsRareWhereNothingIsLost() {
    var clock = SavingClock(CheckpointPace())
    #expect(!clock.isDue)
    var eager = SavingClock(.everyBatch)
    #expect(eager.isDue)
    let dear = { Thread.sleep(forTimeInterval: 0.02) }
    eager.save(dear)
    #expect(eager.isDue)
    var patient = SavingClock(CheckpointPace(interval: .zero, largestShare: 0.01))
    patient.save(dear)
    #expect(!patient.isDue, "after 20 ms of saving come two seconds of work")
    clock.save(dear)
    #expect(!clock.isDue)
  }
}
