import Encoders
import Foundation
import MemeData
import Metrics
import Synchronization
import Testing
import Torch

@testable import Methods
@testable import Training

/// Which epoch's weights a training ends with.
@Suite struct EpochSelectionTests {
  /// Answers nothing: scores of these tests are scripted.
  private struct Mute: Classifier {
    func probabilities(of features: FeatureTable) -> Tensor { Tensor.zeros([features.count, 1]) }
  }

  /// Trains a weight that is 1 after the first epoch, 2 after the second and so on, and returns where it ends.
  private func kept(_ scores: [Double], _ selection: EpochSelection, scoresStage: Bool = true) throws -> Double {
    let folder = try TemporaryFolder()
    let log = try TrainingLog(folder.url.appending(path: "log.jsonl"))
    var trainer = CheckpointingTrainer(
      folder: folder.url, precision: .float32, log: log, observer: SilentObserver())
    var next = scores[...]
    trainer.scorer = EpochScorer(selection) { _ in next.removeFirst() }
    let weight = Tensor.zeros([1]).requiringGrad()
    var settings = StageSettings(
      epochs: scores.count, batchSize: 4, learningRate: 1, learningRateDecay: 1, weightDecay: 0)
    settings.rule = .sgd()
    let stage = TrainingStage(
      name: "stage", parameters: [weight], exampleCount: 4, settings: settings, classifier: scoresStage ? Mute() : nil
    ) { _, _ in -weight.sum() }
    try trainer.train([stage], seed: 1)
    #expect(log.epochs.map(\.score) == (scoresStage ? scores : scores.map { _ in nil }))
    if scoresStage { #expect(selection.chosen(from: log.epochs).map { Double($0.epoch) } == weight.item) }
    return weight.item
  }

  @Test func theBestEpochIsKeptAndTiesAreSettled() throws {
    let scores = [0.5, 0.9, 0.7, 0.9, 0.1]
    #expect(try kept(scores, EpochSelection(metric: .auroc)) == 2)
    #expect(try kept(scores, EpochSelection(metric: .auroc, ties: .latest)) == 4)
    #expect(try kept(scores, EpochSelection(metric: .logLoss)) == 5)
    #expect(try kept([0.2, 0.2], EpochSelection(metric: .brier, ties: .latest)) == 2)
    #expect(try kept([0, 0, 0], EpochSelection(metric: .f1Macro)) == 1)
  }

  @Test func aStageWithoutClassifierEndsWithItsLastEpoch() throws {
    #expect(try kept([0.5, 0.9, 0.7], EpochSelection(metric: .auroc), scoresStage: false) == 3)
  }

  // MARK: Whole runs

  private static let task = SmallProblem.tasks[0]

  private final class Warnings: ProgressObserver {
    let texts = Mutex<[String]>([])
    func observe(_ event: ProgressEvent) {
      if case .warning(let text) = event { texts.withLock { $0.append(text) } }
    }
  }

  /// 90 memes to train on, 60 to validate; `isKept` says which of those keep their label.
  private func corpus(_ task: LabelTask, validation isKept: (Label) -> Bool) throws -> Corpus {
    func memes(_ split: Split, _ count: Int, seed: UInt64) -> [Meme] {
      let features = SmallProblem.features(count: count, seed: seed)
      return (0..<count).map { row in
        let label = SmallProblem.label(row, of: task, in: features)
        return Meme(
          id: "\(split) \(row)", image: nil, text: "t",
          labels: split == .train || isKept(label) ? [task.name: label] : [:], split: split)
      }
    }
    let dataset = Dataset(
      name: "small", root: URL(fileURLWithPath: "/small"), format: .huggingFace, tasks: [task],
      memes: memes(.train, 90, seed: 7) + memes(.validation, 60, seed: 8), problems: [])
    return try Corpus(dataset) { memes in
      SmallProblem.features(count: memes.count, seed: memes[0].split == .train ? 7 : 8)
    }
  }

  private func run(
    _ selection: EpochSelection?, on corpus: Corpus, in folder: URL, observer: any ProgressObserver = SilentObserver()
  ) throws -> TrainingRun.Outcome {
    var recipe = try Recipe(
      yaml: RecipeLibrary.text(named: "concat-lite"), source: "",
      overrides: ["settings.training.epochs=12", "settings.training.learning_rate=0.05", "labels=1"])
    recipe.selection = selection
    return try TrainingRun(recipe: recipe, folder: folder, observer: observer).execute(on: corpus, resumes: false)
  }

  @Test func aRunIsScoredWithTheEpochItKept() throws {
    let temporary = try TemporaryFolder()
    let corpus = try corpus(Self.task) { _ in true }
    let folder = temporary.url.appending(path: "run")
    let outcome = try run(EpochSelection(metric: .logLoss), on: corpus, in: folder)
    let scores = outcome.epochs.compactMap(\.score)
    let best = try #require(scores.min())
    #expect(scores.count == 12 && scores.firstIndex(of: best)! < 11, "\(scores)")
    #expect(outcome.summary.epoch == scores.firstIndex(of: best)! + 1)
    #expect(outcome.summary.metrics["validation"]?[.logLoss]?.value == best)
  }

  /// One class alone has no AUROC: the run warns and ends with the bytes of one that chooses nothing.
  @Test func whatCannotBeScoredKeepsTheLastEpoch() throws {
    let temporary = try TemporaryFolder()
    for (name, isKept) in [("one class", { $0 == .binary(true) }), ("none", { _ in false })]
      as [(String, (Label) -> Bool)]
    {
      let corpus = try corpus(Self.task, validation: isKept)
      let (first, second) = (temporary.url.appending(path: "\(name) a"), temporary.url.appending(path: "\(name) b"))
      let observer = Warnings()
      let outcome = try run(EpochSelection(metric: .auroc), on: corpus, in: first, observer: observer)
      _ = try run(nil, on: corpus, in: second)
      #expect(outcome.summary.epoch == nil && outcome.epochs.allSatisfy { $0.score == nil })
      #expect(observer.texts.withLock { $0 }.contains { $0.contains("the last epoch is kept") }, "\(name)")
      let model = "model.safetensors"
      #expect(try Data(contentsOf: first.appending(path: model)) == Data(contentsOf: second.appending(path: model)))
    }
  }

  @Test func aMetricThatTheTaskDoesNotHaveIsRefusedBeforeTraining() throws {
    let temporary = try TemporaryFolder()
    let folder = temporary.url.appending(path: "run")
    let corpus = try corpus(SmallProblem.tasks[2]) { _ in true }
    let error = try #require(throws: TrainingError.self) {
      try run(EpochSelection(metric: .mamiA), on: corpus, in: folder)
    }
    #expect(error.description.contains("mami_a") && error.description.contains("f1_macro"))
    #expect(!FileManager.default.fileExists(atPath: folder.path))
  }
}
