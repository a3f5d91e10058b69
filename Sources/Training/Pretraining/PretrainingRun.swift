import Checkpoints
import Encoders
import Foundation
import MemeData
import Methods
import Torch

/// One pretraining from a recipe to networks in a folder.
///
/// The folder holds `recipe.yaml` (resolved), `log.jsonl`, `encoder.json` and a safetensors file for each network,
/// `metrics.json` and an event file for TensorBoard; `checkpoints/` until the run is declared complete. With
/// `encoder.json` it is an encoder.
public struct PretrainingRun {
  /// What a finished run measured: `metrics.json`.
  public struct Summary: Encodable, Sendable {
    /// Seconds of training alone.
    public var seconds: Double
    /// Pictures that were trained on.
    public var pictures: Int
    /// Trained numbers, heads included.
    public var parameters: Int
    /// What was measured before the first step and after the last.
    public var before: [String: Double]
    public var after: [String: Double]
  }

  /// A finished run with what a report needs beside the summary.
  public struct Outcome: Sendable {
    public var summary: Summary
    public var epochs: [TrainingLog.Epoch]
    public var networks: [PretrainedDescription.Network]
  }

  public let recipe: PretrainingRecipe
  public let folder: URL
  private let observer: any ProgressObserver
  private let runFolder: RunFolder

  /// Pictures of which collapse is told.
  private static let sampleSize = 512
  /// Labelled memes that are told by their neighbours among themselves: each is compared with each other.
  private static let neighbourCount = 2048

  /// As many of all, evenly from the first to the last, so that all datasets have their part.
  private static func spread<Element>(_ all: [Element], over count: Int) -> [Element] {
    all.count <= count ? all : (0..<count).map { all[$0 * all.count / count] }
  }

  public init(recipe: PretrainingRecipe, folder: URL, observer: any ProgressObserver) throws {
    self.recipe = recipe
    self.folder = folder
    self.observer = observer
    runFolder = RunFolder(url: folder, recipe: try recipe.yaml)
  }

  /// Trains and writes everything.
  ///
  /// - Parameters:
  ///   - strict: Whether a bad row of a dataset fails the reading.
  ///   - resumes: Whether to go on with what a killed run left in the folder.
  public func execute(strict: Bool, resumes: Bool) throws -> Outcome {
    try runFolder.check(resumes: resumes)
    try recipe.device.requireAvailable()
    // Weights that are not there, or another network's, are told before any picture is read, and so are too few memes.
    _ = try recipe.method.initialValues()
    let (memes, labelled, rows) = try memes(strict: strict)
    try requireBatch(of: memes)
    let features = try features(of: memes)
    let isPresent = features.pictures?.isPresent ?? []
    // Tokens are there where the method reads them.
    let usable = memes.indices.filter { isPresent[$0] && features.ids?[$0].isEmpty != true }
    let probe = PretrainingProbe(
      sample: Self.spread(usable, over: Self.sampleSize),
      labelled: Self.spread(labelled.filter { isPresent[$0.meme] }, over: Self.neighbourCount))
    let prepared = try recipe.method.prepared(
      for: usable, of: features, probe: probe, seed: recipe.seed, device: recipe.device)
    observer.observe(.phase("Pretraining \(recipe.methodName) on \(prepared.stage.exampleCount) pictures"))
    try runFolder.prepare(rows: rows, files: NamedFiles.digest(of: NamedFiles().files(of: recipe)))
    if let warning = recipe.precision.warning(on: recipe.device) { observer.observe(.warning(warning)) }
    let log = try TrainingLog(folder.appending(path: "log.jsonl"), events: try EventFile(in: folder))
    let trainer = CheckpointingTrainer(
      folder: runFolder.checkpoints, precision: recipe.precision, device: recipe.device, log: log, observer: observer)
    let clock = ContinuousClock()
    let start = clock.now
    try trainer.train([prepared.stage], seed: recipe.seed)
    let untrained = try recipe.method.training.epochs == 0 ? observed(prepared.stage) : nil
    let seconds = (clock.now - start) / .seconds(1)
    try write(prepared.networks)
    let summary = Summary(
      seconds: seconds, pictures: prepared.stage.exampleCount,
      parameters: prepared.stage.parameters.reduce(0) { $0 + $1.elementCount }, before: prepared.before.measures,
      after: (untrained?.measures ?? log.epochs.last?.measures) ?? [:])
    try runFolder.write(metrics: summary)
    return Outcome(summary: summary, epochs: log.epochs, networks: prepared.networks.map(\.description))
  }

  /// Whether the folder is that of a complete run.
  var isWhole: Bool {
    PretrainedDescription.isThere(in: folder) && !FileManager.default.fileExists(atPath: runFolder.checkpoints.path)
  }

  /// Declares the run complete: its checkpoints are no longer needed.
  public func finish() throws { try runFolder.finish() }

  /// What a complete run measured, as its `metrics.json` has it; `nil` for one that is not complete.
  public func finishedMetrics() throws -> Data? { try runFolder.finishedMetrics() }

  /// Refuses a folder that holds something else, before any long work.
  public func checkFolder(resumes: Bool) throws { try runFolder.check(resumes: resumes) }

  /// The training memes of all datasets, which of the first one's are labelled, with what, and a digest of all rows.
  private func memes(strict: Bool) throws -> (
    memes: [Meme], labelled: [(meme: Int, isPositive: Bool)], rows: String
  ) {
    guard !recipe.data.isEmpty else { throw TrainingError.dataUnnamed }
    if let twice = recipe.data.indices.first(where: { recipe.data[..<$0].contains(recipe.data[$0]) }) {
      throw TrainingError.invalid("data names \(recipe.data[twice]) twice; each of its pictures would count twice")
    }
    guard PretrainedRunName(recipe.textEncoder) == nil else {
      throw TrainingError.invalid(
        "text_encoder is \(recipe.textEncoder), a pretraining too; expected a name of 'memesense encoders list'")
    }
    guard EncoderCatalog.sides(of: recipe.textEncoder).count == 1 else {
      throw TrainingError.invalid("text_encoder is \(recipe.textEncoder), two encoders; expected one")
    }
    let datasets = try recipe.data.map { path in
      observer.observe(.phase("Reading \(path)"))
      let dataset = try Dataset.read(URL(fileURLWithPath: path), strict: strict)
      Corpus.warnOfSplits(dataset, observer)
      Corpus.warn(of: dataset.problems, observer)
      return dataset.withSplits()
    }
    let parts = datasets.map { $0.memes.filter { $0.split == .train } }
    let rows = datasets.map(\.rowDigest).joined(separator: " ")
    guard let name = recipe.task else { return (parts.flatMap(\.self), [], rows) }
    guard let task = datasets[0].tasks.first(where: { $0.name == name }), task.kind == .binary else {
      throw TrainingError.unknownTask(
        "\(name) (of two classes)", available: datasets[0].tasks.filter { $0.kind == .binary }.map(\.name),
        dataset: datasets[0].root)
    }
    let draw = try LabelDraw(recipe.labels, sampling: .uniform, seed: recipe.seed, memes: parts[0], task: task)
    return (
      parts.flatMap(\.self),
      draw.labelled.sorted().map { ($0, parts[0][$0].labels[name] == .binary(true)) }, rows
    )
  }

  /// Refuses memes that fill no batch even if all their pictures can be read.
  private func requireBatch(of memes: [Meme]) throws {
    let request = recipe.method.request
    let count = memes.count { meme in
      meme.image != nil && (!request.readsTokens || meme.text?.isEmpty == false)
    }
    try recipe.method.training.requireBatch(of: count, for: recipe.methodName, request: request, isRead: false)
  }

  private func features(of memes: [Meme]) throws -> FeatureTable {
    let extractor = try FeatureExtractor(
      encoder: EncoderCatalog.pair(named: recipe.textEncoder, computation: Computation(device: recipe.device)),
      request: recipe.method.request, observer: observer)
    let (keys, _, problems) = try extractor.extract(memes, cleaning: .none)
    Corpus.warn(of: problems, observer)
    return try extractor.table(keys)
  }

  /// What is measured of networks that are not trained, after one pass over the pictures: until then their batch statistics
  /// are those of none.
  private func observed(_ stage: TrainingStage) throws -> StageObservation? {
    return try withoutGrad {
      try recipe.precision(on: recipe.device) {
        let batches = stage.batches(using: Generator(seed: recipe.seed, parts: stage.name, "0"))
        let inputs = PreparedInputs(of: batches.map { $0.values() }) { try stage.preparation?($0, 0) ?? [] }
        defer { inputs.stop() }
        for (number, rows) in batches.enumerated() {
          let batch = TrainingBatch(
            rows: rows, inputs: try inputs.next().map { $0.to(recipe.device) }, epoch: 0,
            generator: Generator(
              seed: recipe.seed, parts: stage.name, "0", String(number), device: recipe.device))
          _ = stage.loss(batch)
        }
        return try stage.observation?()
      }
    }
  }

  /// `encoder.json` comes last, so that an encoder with it is whole.
  private func write(_ networks: [PreparedPretraining.Network]) throws {
    for network in networks {
      try Checkpoint(tensors: network.values.mapValues { $0.detached() })
        .write(to: PretrainedDescription.file(of: network.description, in: folder))
      if let values = network.textValues {
        try Checkpoint(tensors: values.mapValues { $0.detached() })
          .write(to: PretrainedDescription.textFile(of: network.description, in: folder))
      }
    }
    let description = PretrainedDescription(networks: networks.map(\.description), textEncoder: recipe.textEncoder)
    try writeAtomically(JSON.pretty(description), to: folder.appending(path: PretrainedDescription.fileName))
  }
}
