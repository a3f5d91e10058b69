import Foundation
import MemeData
import Synchronization
import Testing
import Torch
import TorchNN

@testable import Methods
@testable import Training

/// A training killed after any epoch and resumed ends with the bytes of one that was never interrupted.
@Suite struct ResumeTests {
  /// Frozen layers and regions are read anew from the files that a recipe names: a run goes on with the same bytes alone.
  @Test func aRunGoesOnWithTheFilesThatItWasBegunWith() throws {
    let temporary = try TemporaryFolder()
    let file = temporary.url.appending(path: "regions.safetensors")
    let recipe = try Recipe(
      yaml: RecipeLibrary.text(named: "visualbert-lite"), source: "", overrides: ["settings.regions=\(file.path)"])
    let folder = RunFolder(url: temporary.url.appending(path: "run"), recipe: try recipe.yaml)
    func begin(rows: String = "rows") throws {
      try folder.prepare(rows: rows, files: NamedFiles.digest(of: NamedFiles().files(of: recipe)))
    }
    try Data("first".utf8).write(to: file)
    try begin()
    try begin()
    try Data("other".utf8).write(to: file)
    #expect { try begin() } throws: { "\($0)".contains("other bytes in the files of weights or regions") }
    try Data("first".utf8).write(to: file)
    #expect { try begin(rows: "others") } throws: { "\($0)".contains("begun on other rows") }
    try begin()
    // Of an earlier version, which did not write that down.
    try FileManager.default.removeItem(at: folder.checkpoints.appending(path: "files.sha256"))
    try begin()
  }

  /// Copies the run folder as it lies on disk after chosen epochs: what a kill at that moment would leave.
  final class Photographer: ProgressObserver {
    let folder: URL
    let moments: [String: Int]
    let target: URL
    init(_ folder: URL, into target: URL, at moments: [String: Int]) {
      (self.folder, self.target, self.moments) = (folder, target, moments)
    }

    func observe(_ event: ProgressEvent) {
      guard case .epoch(let stage, let done, _, _) = event, moments[stage] == done else { return }
      let photograph = target.appending(path: "\(stage)-\(done)")
      for isLast in (1...50).map({ $0 == 50 }) {
        do {
          return try FileManager.default.copyItem(at: folder, to: photograph)
        } catch let error as CocoaError where error.code == .fileNoSuchFile && !isLast {
          // A stage that is trained at the same time put a file in its place meanwhile.
          try? FileManager.default.removeItem(at: photograph)
        } catch {
          Issue.record("\(error)")
        }
      }
    }
  }

  private func fit(
    in folder: URL, precision: Precision, selects: Bool = false, observer: any ProgressObserver
  ) throws -> Data {
    var trainer = CheckpointingTrainer(
      folder: folder, precision: precision, log: try TrainingLog(folder.appending(path: "log.jsonl")),
      observer: observer)
    trainer.pace = .everyBatch
    if selects {
      let features = SmallProblem.features(count: 30, seed: 8)
      // The most doubtful epoch counts as the best: training makes a head surer, so an early one is kept.
      trainer.scorer = EpochScorer(EpochSelection(metric: .auroc)) { classifier in
        let certainty = classifier.probabilities(of: features).to(.float32) - 0.5
        return -(certainty * certainty).mean().item
      }
    }
    let method = try SmallProblem.quick(SemiMemes.self)
    let values = try method.fitted(to: SmallProblem.problem(SmallProblem.tasks[0]), trainer: trainer).values
    let file = folder.appending(path: "final.safetensors")
    try Checkpoint(tensors: values).write(to: file)
    return try Data(contentsOf: file)
  }

  @Test(arguments: Precision.allCases)
  func resumedBytesEqualUninterruptedOnes(_ precision: Precision) throws {
    let temporary = try TemporaryFolder()
    let (whole, photographs) = (try temporary.folder("whole"), try temporary.folder("photographs"))
    let moments = ["image-to-text": 2, "text-to-image": 3, "head": 1]
    let expected = try fit(
      in: whole, precision: precision, observer: Photographer(whole, into: photographs, at: moments))
    for (stage, epoch) in moments {
      let folder = photographs.appending(path: "\(stage)-\(epoch)")
      let resumed = try fit(in: folder, precision: precision, observer: SilentObserver())
      #expect(resumed == expected, "killed after epoch \(epoch) of \(stage)")
      let epochs = try TrainingLog(folder.appending(path: "log.jsonl")).epochs
      #expect(epochs.count == 3 + 3 + 4, "every epoch is logged once")
    }
  }

  /// With a selection the checkpoint holds the best epoch too, also where it came before the kill.
  @Test(arguments: Precision.allCases)
  func resumedBytesEqualUninterruptedOnesWhereAnEpochIsChosen(_ precision: Precision) throws {
    let temporary = try TemporaryFolder()
    let (whole, photographs) = (try temporary.folder("whole"), try temporary.folder("photographs"))
    func photographer(_ epoch: Int) -> Photographer { Photographer(whole, into: photographs, at: ["head": epoch]) }
    let last = try fit(in: temporary.folder("last"), precision: precision, observer: SilentObserver())
    var expected = Data()
    for epoch in 1...4 {
      try FileManager.default.removeItem(at: whole)
      expected = try fit(
        in: temporary.folder("whole"), precision: precision, selects: true, observer: photographer(epoch))
      #expect(expected != last, "the last epoch was kept: the test has nothing to choose")
      let folder = photographs.appending(path: "head-\(epoch)")
      let resumed = try fit(in: folder, precision: precision, selects: true, observer: SilentObserver())
      #expect(resumed == expected, "killed after epoch \(epoch)")
    }
    let epochs = try TrainingLog(whole.appending(path: "log.jsonl")).epochs
    #expect(epochs.filter { $0.stage == "head" }.allSatisfy { $0.score != nil })
    #expect(epochs.filter { $0.stage != "head" }.allSatisfy { $0.score == nil })
  }

  private static let position = ["epoch": "1", "batch": "0", "examples": "0", "loss_sum": "0", "seconds": "0"]

  @Test(arguments: [["batch": "7"], ["epoch": "-1"], ["loss_sum": "much"]])
  func aCheckpointOfNoPlaceInTheTrainingIsRefused(_ damage: [String: String]) throws {
    let temporary = try TemporaryFolder()
    let weight = Tensor.ones([1]).requiringGrad()
    let stage = TrainingStage(
      name: "odd", parameters: [weight], exampleCount: 4,
      settings: StageSettings(epochs: 2, batchSize: 2, learningRate: 0.1, learningRateDecay: 1, weightDecay: 0)
    ) { _, _ in weight.sum() }
    let optimizer = Optimizer([weight], learningRate: 0.1)
    var tensors = ["parameters.0": weight.detached()]
    for (name, tensor) in optimizer.state { tensors["optimizer.\(name)"] = tensor }
    let metadata = Self.position.merging(damage) { $1 }
    try Checkpoint(tensors: tensors, metadata: metadata).write(to: temporary.url.appending(path: "odd.safetensors"))
    let trainer = CheckpointingTrainer(
      folder: temporary.url, precision: .float32, log: try TrainingLog(temporary.url.appending(path: "log.jsonl")),
      observer: SilentObserver())
    #expect {
      try trainer.train([stage], seed: 1)
    } throws: { "\($0)".contains("odd.safetensors") && "\($0)".contains(damage.keys.first!) }
  }

  @Test func aCheckpointOfAnotherModelIsRefused() throws {
    let temporary = try TemporaryFolder()
    try Checkpoint(tensors: ["parameters.0": Tensor.zeros([2])], metadata: Self.position)
      .write(to: temporary.url.appending(path: "head.safetensors"))
    let method = try SmallProblem.quick(RawFeatures<Concatenation>.self)
    let trainer = CheckpointingTrainer(
      folder: temporary.url, precision: .float32, log: try TrainingLog(temporary.url.appending(path: "log.jsonl")),
      observer: SilentObserver())
    #expect {
      try method.fitted(to: SmallProblem.problem(SmallProblem.tasks[0]), trainer: trainer)
    } throws: { "\($0)".contains("head.safetensors") }
  }

  @Test func aDivergingLossIsNamed() throws {
    let temporary = try TemporaryFolder()
    let trainer = CheckpointingTrainer(
      folder: temporary.url, precision: .float32, log: try TrainingLog(temporary.url.appending(path: "log.jsonl")),
      observer: SilentObserver())
    let weight = Tensor.ones([1]).requiringGrad()
    let settings = StageSettings(
      epochs: 2, batchSize: 2, learningRate: 0.1, learningRateDecay: 1, weightDecay: 0)
    let stage = TrainingStage(name: "odd", parameters: [weight], exampleCount: 4, settings: settings) { _, _ in
      (weight * 0).log().sum() * 0
    }
    #expect {
      try trainer.train([stage], seed: 1)
    } throws: { "\($0)".contains("odd") && "\($0)".contains("learning_rate") }
  }

  @Test func aLogCutShortLosesItsLastLineOnly() throws {
    let temporary = try TemporaryFolder()
    let file = temporary.url.appending(path: "log.jsonl")
    let line = #"{"epoch":1,"learning_rate":0.1,"loss":2,"seconds":0.5,"stage":"head"}"#
    try Data("\(line)\n\(line.prefix(20))".utf8).write(to: file)
    #expect(try TrainingLog(file).epochs.count == 1)
    try Data("\(line.prefix(20))\n\(line)\n".utf8).write(to: file)
    #expect(throws: TrainingError.self) { try TrainingLog(file) }
  }
}
