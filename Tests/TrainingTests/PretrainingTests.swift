import Encoders
import Foundation
import MemeData
import Networks
import Testing
import Torch
import TorchNN

@testable import Methods
@testable import Training

/// What every pretraining of the catalog must do.
@Suite struct PretrainingTests {
  /// The small recipe of a method, smaller still.
  static func quick(_ type: any PretrainingMethod.Type, _ overrides: [String] = []) throws -> PretrainingRecipe {
    let text =
      ["width=12", "heads=2", "inner_width=24", "layers=1", "dropout_rate=0", "weights=random"].map { "text.\($0)" }
      + ["picture_side=\(SmallProblem.pictureSide)"]
    let sizes: [String: [String]] = [
      DINO.name: [
        "backbone.name=resnet-nano", "picture_side=\(SmallProblem.pictureSide)", "crops.side=32", "crops.local_side=32",
        "head={hidden: 16, bottleneck: 8, outputs: 24, fixes_gain: false}",
      ],
      CASS.name: [
        "convolutional.name=resnet-nano", "transformer.name=vit-nano16", "picture_side=\(SmallProblem.pictureSide)",
        "outputs=16",
      ],
      CLIPPretraining.name: text + [
        "backbone.name=vit-nano16", "cached_batch=3", "projection={width: 8, dropout_rate: 0}",
      ],
      CASSMM.name: text + [
        "convolutional.name=resnet-nano", "transformer.name=vit-nano16", "outputs=16",
        "widths={picture: 16, path: 12, fused: 10}",
      ],
    ]
    let training = ["training.epochs=2", "training.batch_size=8", "training.warm_up_epochs=1"]
    return try PretrainingRecipe(
      yaml: PretrainingLibrary.defaultText(method: type.name), source: type.name,
      overrides: (sizes[type.name]! + training).map { "settings.\($0)" } + overrides)
  }

  /// Memes that have what the method reads, and some that are labelled.
  static func prepared(_ recipe: PretrainingRecipe) throws -> PreparedPretraining {
    let features = SmallProblem.features(count: 40)
    let readsTokens = recipe.method.request.readsTokens
    let memes = (0..<40).filter { features.image.isPresent[$0] && (!readsTokens || features.text.isPresent[$0]) }
    let labelled = memes.prefix(20).map {
      ($0, SmallProblem.label($0, of: SmallProblem.tasks[0], in: features) == .binary(true))
    }
    return try recipe.method.prepared(
      for: memes, of: features, probe: PretrainingProbe(sample: memes, labelled: labelled), seed: recipe.seed,
      device: .cpu)
  }

  /// Every method with what it draws at random in training: dropout, blocks that are skipped, noise.
  private static let noisy: [(method: any PretrainingMethod.Type, settings: [String])] = [
    (DINO.self, []), (DINO.self, ["backbone.name=vit-nano16", "drop_path_rate=0.3"]),
    (CASS.self, ["adds_noise=true"]),
    (CLIPPretraining.self, ["text.dropout_rate=0.2", "projection.dropout_rate=0.2"]),
    (CASSMM.self, ["text.dropout_rate=0.2", "adds_noise=true"]),
  ]

  /// Views, running statistics, a teacher, a center and what is drawn: a run killed before any batch ends with the same bytes
  /// and log, networks for texts among them.
  @Test(arguments: noisy.indices, Precision.allCases)
  func aKilledRunEndsWithTheSameBytes(_ index: Int, _ precision: Precision) throws {
    #expect(Set(Self.noisy.map { $0.method.name }) == Set(PretrainingCatalog.all.map { $0.name }))
    let recipe = try Self.quick(Self.noisy[index].method, Self.noisy[index].settings.map { "settings.\($0)" })
    // 32 memes have a picture and 27 a text too: four or three batches of eight, twice.
    let batchCount = recipe.method.request.readsTokens ? 3 : 4
    try BatchResumeTests().expectSameBytes(precision, batches: batchCount * 2) { trainer in
      let prepared = try Self.prepared(recipe)
      try trainer.train([prepared.stage], seed: recipe.seed)
      return prepared.networks.reduce(into: [:]) { all, network in
        for (key, value) in network.values { all["\(network.description.name).\(key)"] = value }
        for (key, value) in network.textValues ?? [:] { all["\(network.description.name)-text.\(key)"] = value }
      }
    }
  }

  /// One value a measure an epoch, all of them finite; and networks that change.
  @Test(arguments: PretrainingCatalog.all.indices)
  func networksChangeAndAreMeasured(_ index: Int) throws {
    let recipe = try Self.quick(PretrainingCatalog.all[index])
    let folder = try TemporaryFolder()
    let log = try TrainingLog(folder.url.appending(path: "log.jsonl"))
    let prepared = try Self.prepared(recipe)
    let start = prepared.networks.map { $0.values.mapValues { $0.detached().copied().doubles } }
    try CheckpointingTrainer(folder: folder.url, precision: .float32, log: log, observer: SilentObserver())
      .train([prepared.stage], seed: recipe.seed)
    for (before, network) in zip(start, prepared.networks) {
      let still = before.filter { $1 == network.values[$0]!.detached().doubles }.keys
      #expect(still.isEmpty, "\(network.description.name): \(still) did not change")
    }
    #expect(log.epochs.count == 2)
    let networks = prepared.networks.map(\.description.name)
    for measures in log.epochs.compactMap(\.measures) + [prepared.before.measures] {
      for name in ["deviation", "uniformity", "alignment", "neighbour_auroc", "linear_auroc"] {
        #expect(networks.allSatisfy { measures["\($0)_\(name)"] != nil }, "\(name)")
      }
    }
    #expect(log.epochs[0].measures != log.epochs[1].measures)
  }

  @Test func theLastLayerOfDINOWaitsForAnEpoch() throws {
    let recipe = try Self.quick(DINO.self, ["settings.frozen_epochs=1"])
    let prepared = try Self.prepared(recipe)
    let optimizer = Optimizer(prepared.stage.parameters, learningRate: 1)
    func trained(step: Int) -> Int {
      for parameter in prepared.stage.parameters { parameter.setGrad(.ones(parameter.shape)) }
      prepared.stage.beforeStep?(step, optimizer)
      return prepared.stage.parameters.count { $0.grad != nil }
    }
    // Directions and lengths of the last layer.
    #expect(trained(step: 3) == trained(step: 4) - 2)
    #expect(prepared.stage.parameters.allSatisfy { $0.grad!.norm().item <= 3.0001 }, "each gradient is cut to 3")
  }

  /// What a stage trains on first of its memes.
  private func batch(of stage: TrainingStage, epoch: Int = 0) throws -> TrainingBatch {
    let rows = Array(0..<8)
    let preparation = try #require(stage.preparation)
    return TrainingBatch(
      rows: Tensor(rows), inputs: try preparation(rows, 0), epoch: epoch, generator: Generator(seed: 5))
  }

  /// Of two steps, eight being all: m · teacher + (1 − m) · student, and m rises from 0.6 to 1 along half a cosine.
  @Test func theTeacherIsTheMovingAverageOfTheStudent() throws {
    let recipe = try Self.quick(
      DINO.self,
      ["teacher_momentum=0.6", "training.learning_rate=0.1", "training.warm_up_epochs=0"].map { "settings.\($0)" })
    let prepared = try Self.prepared(recipe)
    let (stage, teacher) = (prepared.stage, prepared.networks[0].values)
    #expect(stage.batchCount * stage.settings.epochs == 8)
    // The backbone's parameters come first.
    let outline = ParameterStore(uninitializedOn: .meta)
    _ = recipe.method.backbones[0].name.network(side: 32, in: outline.root)
    let names = outline.root.namedParameters.map(\.name)
    func values(_ tensor: Tensor?) throws -> [Double] { try #require(tensor).detached().doubles }
    let optimizer = Optimizer(stage.parameters, scales: stage.scales, rule: stage.settings.rule, learningRate: 0)
    var expected = try names.map { try values(teacher[$0]) }
    for step in 0..<2 {
      stage.loss(try batch(of: stage)).backward()
      stage.beforeStep?(step, optimizer)
      optimizer.rates = stage.rates(at: step)
      optimizer.step()
      stage.afterStep?(step + 1, optimizer.masters)
      let momentum = 1 - 0.4 * (1 + cos(Double.pi * Double(step) / 8)) / 2
      for (index, name) in names.enumerated() {
        let student = try values(stage.parameters[index])
        expected[index] = zip(expected[index], student).map { momentum * $0 + (1 - momentum) * $1 }
        let own = try values(teacher[name])
        #expect(zip(own, expected[index]).allSatisfy { abs($0 - $1) < 1e-5 }, "\(name) after step \(step)")
        #expect(zip(own, student).contains { abs($0 - $1) > 1e-3 }, "\(name) is the student's")
      }
    }
  }

  /// Four epochs from the start to the end, then it stays: the loss of an epoch is that of a constant temperature.
  @Test func theTeachersTemperatureRisesByTheEpoch() throws {
    func loss(_ start: Double, _ end: Double, rise: Int, epoch: Int) throws -> Double {
      let recipe = try Self.quick(
        DINO.self,
        [
          "backbone.name=vit-nano16", "training.epochs=6",
          "teacher_temperature={start: \(start), end: \(end), warm_up_epochs: \(rise)}",
        ].map { "settings.\($0)" })
      let stage = try Self.prepared(recipe).stage
      return stage.loss(try batch(of: stage, epoch: epoch)).item
    }
    let constant = try [0.02, 0.04, 0.06, 0.08].map { try loss($0, $0, rise: 0, epoch: 0) }
    for (epoch, expected) in (constant + [constant[3], constant[3]]).enumerated() {
      let found = try loss(0.02, 0.08, rise: 4, epoch: epoch)
      #expect(abs(found - expected) < 1e-5, "epoch \(epoch)")
    }
    #expect(zip(constant, constant.dropFirst()).allSatisfy { abs($0 - $1) > 1e-3 })
  }

  @Test func ratesChangeFromStepToStepAndPartialBatchesAreDropped() throws {
    let recipe = try Self.quick(
      DINO.self,
      ["settings.training.batch_size=10", "settings.training.epochs=4", "settings.training.learning_rate=0.5"])
    let stage = try Self.prepared(recipe).stage
    #expect(stage.batchCount == 3, "32 pictures in batches of 10")
    #expect(stage.batches(using: Generator(seed: 1)).allSatisfy { $0.shape == [10] })
    #expect([0, 1, 2].map { stage.rates(at: $0).learning } == [0, 0.25, 0.5])
    #expect(stage.rates(at: 3).learning == 0.5 && stage.rates(at: 11).learning < 0.05)
    #expect(abs(stage.rates(at: 0).weightDecay - 0.04) < 1e-9 && abs(stage.rates(at: 6).weightDecay - 0.22) < 1e-9)
    // Biases, gains and shifts do not shrink.
    #expect(zip(stage.parameters, stage.scales).allSatisfy { ($0.rank > 1) == ($1.decay == 1) })
  }

  /// Features that lose their spread, and outputs that are the same for all pictures, are told with what to change.
  @Test func aCollapseIsTold() throws {
    let recipe = try Self.quick(CASS.self, ["settings.standardizes_outputs=false"])
    let prepared = try Self.prepared(recipe)
    #expect(try prepared.stage.observation?().warnings.isEmpty == true)
    withoutGrad {
      for network in prepared.networks {
        for (key, value) in network.values where key.hasSuffix("norm.weight") { value.fill(with: 0) }
      }
    }
    let warnings = try prepared.stage.observation!().warnings
    #expect(warnings.count == 1 && warnings[0].contains("transformer collapse") && warnings[0].contains("--init"))

    // Nor does a network whose features are no numbers end the run at what is measured of them, or pass unseen.
    withoutGrad {
      for (key, value) in prepared.networks[0].values where key.hasSuffix("bn1.bias") { value.fill(with: .nan) }
    }
    let spoilt = try prepared.stage.observation!()
    #expect(spoilt.warnings.contains { $0.contains("convolutional are no longer numbers") }, "\(spoilt.warnings)")
    #expect(!spoilt.measures.keys.contains { $0.hasPrefix("convolutional_") })
  }

  /// A layer that says the same of everything is told though the features below it differ.
  @Test(arguments: [
    (false, "--set settings.standardizes_outputs=true"), (true, "lower settings.training.learning_rate"),
  ])
  func equalOutputsAreTold(_ standardizes: Bool, _ expected: String) throws {
    let prepared = try Self.prepared(Self.quick(CASS.self, ["settings.standardizes_outputs=\(standardizes)"]))
    // 16 outputs of a ViT of width 24.
    let layers = prepared.stage.parameters.filter { $0.shape == [16, 24] }
    try #require(layers.count == 1)
    withoutGrad { layers[0].fill(with: 0) }
    let observed = try prepared.stage.observation!()
    let deviation = try #require(observed.measures["transformer_outputs_deviation"])
    #expect(deviation < 1e-3 && observed.warnings.count == 1)
    #expect(observed.warnings.allSatisfy { $0.hasPrefix("transformer says the same") && $0.contains(expected) })
  }

  @Test func bothCollapsesOfDINOAreTold() {
    func advice(_ each: Double, _ mean: Double) -> String? {
      DINO.advice("teacher") { $0 == "entropy" ? each : mean }
    }
    // Sharpening drives towards one output, centering towards all alike: each against the other's collapse.
    let (blind, single) = (advice(0.99, 0.99) ?? "", advice(0.02, 0.03) ?? "")
    let lower = "or lower settings.teacher_momentum or settings.teacher_temperature.end"
    #expect(blind.contains("the teacher knows nothing") && blind.hasSuffix(lower))
    let raise = "raise settings.teacher_temperature.end (to 0.07 at most), or lower settings.center_momentum"
    #expect(single.contains("says the same of all pictures") && single.contains(raise))
    // Sure of each picture, and of another output for each.
    #expect(advice(0.02, 0.8) == nil && advice(0.9, 0.95) == nil)
  }

  /// They stand in the line of their epoch, and no other line has the key.
  @Test func warningsAreLogged() throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appending(path: "log.jsonl")
    let recipe = try Self.quick(DINO.self)
    var stage = try Self.prepared(recipe).stage
    var epochs = 0
    stage.observation = {
      epochs += 1
      return StageObservation(measures: [:], warnings: epochs == 2 ? ["it collapses"] : [])
    }
    try CheckpointingTrainer(
      folder: folder.url, precision: .float32, log: TrainingLog(file), observer: SilentObserver()
    ).train([stage], seed: recipe.seed)
    #expect(try TrainingLog(file).epochs.map(\.warnings) == [nil, ["it collapses"]])
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
    #expect(lines.map { $0.contains("warnings") } == [false, true])
  }

  // MARK: Networks for texts of another run

  /// Writes what a pretraining leaves.
  private func write(_ networks: [PreparedPretraining.Network], to folder: URL) throws {
    for network in networks {
      try Checkpoint(tensors: network.values.mapValues { $0.detached() })
        .write(to: PretrainedDescription.file(of: network.description, in: folder))
      try Checkpoint(tensors: #require(network.textValues).mapValues { $0.detached() })
        .write(to: PretrainedDescription.textFile(of: network.description, in: folder))
    }
    let description = PretrainedDescription(networks: networks.map(\.description), textEncoder: "lite")
    try JSON.pretty(description).write(to: folder.appending(path: PretrainedDescription.fileName))
  }

  /// A run of CASS-MM is taken up whole by another, each network with its own for texts, and its transformer by CLIP; a
  /// network for texts of another size is not.
  @Test func aFurtherPretrainingTakesUpTheTextsOfARun() throws {
    let folder = try TemporaryFolder()
    let earlier = try Self.prepared(Self.quick(CASSMM.self, ["seed=7"])).networks
    try write(earlier, to: folder.url)
    let run = try #require(PretrainedRunName(folder.url.path))
    func begun(_ type: any PretrainingMethod.Type, _ settings: String...) throws -> [PreparedPretraining.Network] {
      var recipe = try Self.quick(type, settings)
      let weights = InitialWeights(model: run.absolute)
      try recipe.method.start(from: [weights])
      recipe.method.startTexts(from: try run.networks, of: weights)
      // What the recipe says is all that counts.
      return try Self.prepared(PretrainingRecipe(yaml: recipe.yaml, source: type.name)).networks
    }
    func query(_ network: PreparedPretraining.Network) throws -> [Double] {
      let texts = try #require(network.textValues)
      return try #require(texts["encoder.layer.0.attention.self.query.weight"]).detached().doubles
    }
    let own = try earlier.map(query)
    #expect(own[0] != own[1])
    #expect(try begun(CASSMM.self).map(query) == own)
    let clip = try begun(CLIPPretraining.self, "settings.text.dropout_rate=0.3", "settings.text.text_length=12")
    #expect(try clip.map(query) == [own[1]])
    let start = try #require(earlier[1].values["cls_token"]).detached().doubles
    #expect(clip[0].values["cls_token"]?.detached().doubles == start)
    #expect(try begun(CLIPPretraining.self, "settings.text.inner_width=36").map(query) != [own[1]])
  }

  @Test func pairsAreToldByTheirOwnText() {
    let texts = Tensor([1, 0, 0, 1, -1, 0] as [Float], shape: [3, 2])
    #expect(CollapseWatch.pairing(texts, texts) == 1)
    #expect(CollapseWatch.pairing(texts * -1, texts) == 0)
    #expect(CollapseWatch.pairing(texts * 0 + 1, texts * 0 + 1) == 0.5, "all alike: a guess")
    #expect(CLIPPretraining.advice("clip") { _ in 0.5 }?.contains("pairing is 0.5, and 0.5 is a guess") == true)
    #expect(CLIPPretraining.advice("clip") { _ in 0.6 } == nil)
  }

  /// Memes embedded three at a time have the gradients of the whole batch, whose loss it is.
  @Test func cachedGradientsAreThoseOfTheWholeBatch() throws {
    func gradients(_ cached: Int) throws -> (loss: Double, gradients: [Tensor]) {
      let recipe = try Self.quick(CLIPPretraining.self, ["settings.cached_batch=\(cached)"])
      let stage = try Self.prepared(recipe).stage
      let rows = Array(0..<8)
      let batch = TrainingBatch(
        rows: Tensor(rows), inputs: try stage.preparation!(rows, 0), epoch: 0, generator: Generator(seed: 5))
      let loss = stage.loss(batch)
      loss.backward()
      return (loss.item, stage.parameters.map { $0.grad! })
    }
    // No dropout: what it draws depends on how the batch is cut.
    let (whole, cached) = (try gradients(0), try gradients(3))
    #expect(abs(whole.loss - cached.loss) < 1e-5)
    for (a, b) in zip(whole.gradients, cached.gradients) {
      let (expected, found) = (a.doubles, b.doubles)
      let largest = max(expected.map(abs).max()!, 1e-3)
      #expect(zip(expected, found).allSatisfy { abs($0 - $1) < 1e-4 * largest })
    }
    #expect(whole.gradients.last!.item != 0, "the scale is learned")
  }

  @Test func fewerPicturesThanABatchAreRefused() throws {
    let recipe = try Self.quick(DINO.self, ["settings.training.batch_size=33"])
    #expect { try Self.prepared(recipe) } throws: { "\($0)".contains("32 of the training memes have a picture") }
  }

  @Test func everyShippedRecipeIsCompleteAndComesBackFromItsOwnText() throws {
    let names = try PretrainingLibrary.names
    for type in PretrainingCatalog.all {
      #expect(names.contains("\(type.name)-lite") && names.contains("\(type.name)-published"))
    }
    for name in names {
      let recipe = try PretrainingRecipe(yaml: PretrainingLibrary.text(named: name)!, source: name)
      #expect(try PretrainingRecipe(yaml: recipe.yaml, source: name).yaml == recipe.yaml)
      #expect(name.hasPrefix(recipe.methodName))
    }
  }

  /// Seed 004 fine-tunes on the whole training set (reference 07 §C and 10).
  @Test func publishedFineTuningLearnsFromAllLabels() throws {
    for name in ["finetune-published", "finetune-multimodal-published"] {
      #expect(try Recipe(yaml: RecipeLibrary.text(named: name), source: name).labels == 1, "\(name)")
    }
  }

  @Test func faultsAreTold() throws {
    func message(_ type: any PretrainingMethod.Type, _ overrides: String...) -> String {
      do {
        _ = try Self.quick(type, overrides)
        return "accepted"
      } catch {
        return "\(error)"
      }
    }
    #expect(message(DINO.self, "settings.backbone.name=resnet19").contains("there is no backbone 'resnet19'"))
    #expect(
      message(DINO.self, "settings.backbone.name=vit-nano16", "settings.crops.side=40").contains("multiple of 16"))
    #expect(message(DINO.self, "method=byol").contains("there is no pretraining 'byol'; there are dino, cass"))
    #expect(message(CASS.self, "settings.training.batch_size=1").contains("training.batch_size is 1"))
    for type in [CASS.self, CASSMM.self] as [any PretrainingMethod.Type] {
      for (part, name, kind) in [
        ("convolutional", "vit-nano16", "transformer"), ("transformer", "resnet18", "ResNet"),
      ] {
        let told = message(type, "settings.\(part).name=\(name)")
        #expect(told.contains("\(part).name is \(name), a \(kind)"), "\(told)")
      }
    }
    #expect(message(CASS.self, "settings.noise=true").contains("there is no key 'noise'"))
  }
}
