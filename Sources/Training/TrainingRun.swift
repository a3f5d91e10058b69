import Checkpoints
import Encoders
import Foundation
import MemeData
import Methods
import Metrics
import Torch

/// One training from a recipe to a scored model in a folder.
///
/// The folder holds `recipe.yaml` (resolved), `log.jsonl`, `model.safetensors`, `model.json`, `calibration.json` where
/// the recipe asks for one, `predictions-<split>.jsonl`, `metrics.json` and an event file for TensorBoard;
/// `checkpoints/` until the run is declared complete.
public struct TrainingRun {
  /// What a finished run measured: `metrics.json`.
  public struct Summary: Encodable, Sendable {
    /// Seconds of training alone: no reading, no feature extraction.
    public var seconds: Double
    /// Training memes with and without label.
    public var labels: Int
    public var unlabelled: Int
    /// Trained numbers, the encoders' left out.
    public var parameters: Int
    /// The epoch that was kept, where the recipe chooses one; `null` where the last was.
    public var epoch: Int?
    /// Scores by split.
    public var metrics: [String: MetricReport]
    /// Scores of further tasks, by task and split; `nil` where there are none.
    public var tasks: [String: [String: MetricReport]]?
    /// The calibration and what it changes; `nil` where the recipe asks for none. All other scores are without it.
    public var calibration: CalibrationSummary?
  }

  /// What a calibration changes, by task.
  public struct CalibrationSummary: Encodable, Sendable {
    /// Temperatures and thresholds, with log loss and score of validation memes before and after.
    public var tasks: [String: TaskCalibration]
    /// Scores on the test split with it.
    public var test: [String: MetricReport]
  }

  /// A finished run with what a report needs beside the summary.
  public struct Outcome: Sendable {
    public var summary: Summary
    public var recipe: Recipe
    /// The dataset's name.
    public var dataset: String
    public var task: LabelTask
    public var epochs: [TrainingLog.Epoch]
    /// Scored splits, the test split last; of the first task.
    public var predictions: [PredictionSet]
  }

  public let recipe: Recipe
  public let folder: URL
  let observer: any ProgressObserver

  public init(recipe: Recipe, folder: URL, observer: any ProgressObserver) {
    self.recipe = recipe
    self.folder = folder
    self.observer = observer
  }

  /// Refuses weights that are not there, or another network's, before anything long is done.
  public func checkWeights() throws { _ = try recipe.method.initialValues() }

  /// Trains, evaluates and writes everything.
  ///
  /// - Parameters:
  ///   - corpus: the dataset and its features.
  ///   - rows: a digest of the dataset's rows, where it is known already.
  ///   - files: one of the files that the recipe names, where it is known already.
  ///   - resumes: whether to go on with what a killed run left in the folder.
  public func execute(on corpus: Corpus, rows: String? = nil, files: String? = nil, resumes: Bool) throws -> Outcome {
    let runFolder = try runFolder
    try runFolder.check(resumes: resumes)
    let tasks = try corpus.tasks(named: recipe.task)
    let task = tasks[0]
    let training = corpus.memes(in: .train)
    let draw = try LabelDraw(recipe: recipe, memes: training, task: task)
    observer.observe(.phase("Training \(recipe.methodName) on \(draw.labelled.count) labelled memes"))
    let problem = Problem(
      features: try corpus.features(in: .train), labelled: draw.labelled,
      labels: draw.labelled.map { training[$0].labels[task.name]! }, unlabelled: draw.unlabelled,
      labelRatio: draw.ratio, task: task,
      further: tasks.dropFirst().map { task in
        TaskLabels(task: task, labels: draw.labelled.map { training[$0].labels[task.name] })
      }, seed: recipe.seed, device: recipe.device)
    try recipe.method.check(problem)
    if recipe.calibration != nil { try TaskCalibration.check(corpus, tasks: tasks) }
    let scorer = try recipe.selection.flatMap {
      try EpochScorer($0, on: corpus, tasks: tasks, observer: observer)
    }
    // Only now, so that a mistyped task leaves no begun run behind.
    try runFolder.prepare(
      rows: rows ?? corpus.dataset.rowDigest, files: files ?? NamedFiles.digest(of: NamedFiles().files(of: recipe)))
    if let warning = recipe.precision.warning(on: recipe.device) { observer.observe(.warning(warning)) }
    let events = try EventFile(in: folder)
    let log = try TrainingLog(folder.appending(path: "log.jsonl"), events: events)
    var trainer = CheckpointingTrainer(
      folder: runFolder.checkpoints, precision: recipe.precision, device: recipe.device, log: log, observer: observer)
    trainer.scorer = scorer
    let clock = ContinuousClock()
    let start = clock.now
    let model = try recipe.method.fitted(to: problem, trainer: trainer)
    let seconds = (clock.now - start) / .seconds(1)
    let scored = try [Split.validation, .test].map { split in
      try Self.score(model.classifier, on: corpus, split: split, tasks: tasks)
    }
    // Before the calibration, which takes probabilities for what they should be.
    let reports = try scored.map { try $0.map { try $0.metrics() } }
    let calibrations = try recipe.calibration.map { try TaskCalibration.fitted($0, to: scored[0], tasks: tasks) }
    try ModelBundle.write(
      model, .init(shape: model.shape, recipe: recipe), calibrations: calibrations, to: folder)
    var summary = Summary(
      seconds: seconds, labels: draw.labelled.count, unlabelled: draw.unlabelled.count,
      parameters: model.parameterCount, epoch: recipe.selection.flatMap { $0.chosen(from: log.epochs) }?.epoch,
      metrics: [:])
    var predictions: [PredictionSet] = []
    for (set, report) in zip(scored.joined(), reports.joined()) {
      let split = set.split.rawValue
      let isFirst = set.task == task
      let name = isFirst ? split : "\(split)-\(set.task.name.replacing("/", with: "-"))"
      try writeAtomically(set.jsonLines(), to: folder.appending(path: "predictions-\(name).jsonl"))
      if isFirst {
        summary.metrics[split] = report
        predictions.append(set)
      } else {
        summary.tasks = summary.tasks ?? [:]
        summary.tasks?[set.task.name, default: [:]][split] = report
      }
    }
    if let calibrations {
      let byTask = Dictionary(uniqueKeysWithValues: zip(tasks.map(\.name), calibrations))
      let test = try scored[1].map { ($0.task.name, try $0.metrics(byTask[$0.task.name])) }
      summary.calibration = CalibrationSummary(tasks: byTask, test: Dictionary(uniqueKeysWithValues: test))
    }
    try events.append(summary: summary, predictions: predictions, recipe: recipe)
    try runFolder.write(metrics: summary)
    return Outcome(
      summary: summary, recipe: recipe, dataset: corpus.dataset.name, task: task, epochs: log.epochs,
      predictions: predictions)
  }

  /// A classifier's predictions on a split for each of its tasks, those left out that no meme there is labelled for.
  public static func score(
    _ classifier: any Classifier, on corpus: Corpus, split: Split, tasks: [LabelTask]
  ) throws -> [PredictionSet] {
    let memes = corpus.memes(in: split)
    func isLabelled(_ task: LabelTask) -> Bool { memes.contains { $0.labels[task.name] != nil } }
    guard tasks.contains(where: isLabelled) else { return [] }
    let parts = classifier.probabilities(of: try corpus.features(in: split)).columns(of: tasks)
    return zip(tasks, parts).filter { isLabelled($0.0) }.map { task, probabilities in
      PredictionSet(task: task, split: split, memes: memes, probabilities: probabilities)
    }
  }

  // MARK: The folder

  /// Declares the run complete: its checkpoints are no longer needed.
  public func finish() throws { try runFolder.finish() }

  /// What a complete run measured, as its `metrics.json` has it; `nil` for one that is not complete.
  public func finishedMetrics() throws -> Data? { try runFolder.finishedMetrics() }

  /// Refuses a folder that holds something else, before any long work.
  public func checkFolder(resumes: Bool) throws { try runFolder.check(resumes: resumes) }

  private var runFolder: RunFolder {
    get throws { RunFolder(url: folder, recipe: try recipe.yaml) }
  }
}

extension FittedModel {
  /// The elements of all tensors that training changed.
  var parameterCount: Int { values.values.reduce(0) { $0 + ($1.requiresGrad ? $1.elementCount : 0) } }
}
