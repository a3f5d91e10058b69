import Foundation
import LabelStore
import Logging
import MemeData
import Testing
import Training

@testable import Server

extension RealServiceTests {
  /// Which models answer for the tasks of a store, and what is left of trainings that were interrupted.
  @Suite struct ModelDeskTests {
    private let folder: TemporaryFolder
    private let store: LabelStore

    init() throws {
      folder = try TemporaryFolder()
      store = try LabelStore(at: folder.url.appending(path: "labels.sqlite"))
      try store.add(TinyRun.harmful)
    }

    private func desk(run: URL? = nil) throws -> ModelDesk {
      try ModelDesk(
        store: store, run: run, recipe: TinyRun.recipe(), settings: ServerSettings(), metrics: ServerMetrics(),
        logger: Logger(label: "test") { _ in JSONLogHandler { _ in } })
    }

    /// A run of that name.
    private func run(
      _ name: String, task: LabelTask = TinyRun.harmful, seed: UInt64 = 1, encoder: String = "lite"
    ) async throws -> URL {
      let url = folder.url.appending(path: name)
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
      try await onThread { try TinyRun.write(to: url, task: task, seed: seed, encoder: encoder) }
      return url
    }

    private func addRun(_ run: URL) throws {
      try store.add(
        StoredRun(
          task: "harm", folder: run, labels: 10, metric: "auroc", scoreBefore: nil, scoreAfter: 0.5, scoredMemes: 5),
        predictions: [:])
    }

    @Test func aGivenRunAnswersInPlaceOfTheLatestTraining() async throws {
      try addRun(try await run("trained"))
      #expect(try desk().service(for: "harm")?.current.facts.name == "trained")
      let given = try await run("given", seed: 2)
      #expect(try desk(run: given).service(for: "harm")?.current.facts.name == "given")
    }

    @Test func aRunOfAnotherTaskIsRefused() async throws {
      let other = try await run("other", task: LabelTask(name: "harm", kind: .binary, labels: ["hateful"]))
      #expect { try desk(run: other) } throws: { error in
        let text = "\(error)"
        return error is TrainingError && text.contains("/other answers for 'harm' as binary (hateful)")
          && text.contains("binary (harmful)")
      }
      let stranger = try await run("stranger", task: TinyRun.kinds)
      #expect { try desk(run: stranger) } throws: { error in
        error is TrainingError && "\(error)".contains("/stranger answers for 'kind', and the store asks for 'harm'")
      }
    }

    /// Vectors of other networks, or of pictures that are decoded otherwise, say nothing of likeness.
    @Test func modelsAreComparedByTheirOwnEncodersAlone() async throws {
      let same = try desk(run: try await run("same"))
      #expect(try same.compares(#require(same.service(for: "harm")).current))
      let fast = try desk(run: try await run("fast", encoder: "lite+fast"))
      #expect(try !fast.compares(#require(fast.service(for: "harm")).current))
    }

    @Test func whatAnInterruptedTrainingLeftIsRemoved() throws {
      let runs = folder.url.appending(path: "labels.sqlite.runs")
      let places = ["run-1/checkpoints", "run-2/model", "run-3/checkpoints", "notes/checkpoints"]
      for place in places {
        try FileManager.default.createDirectory(
          at: runs.appending(path: place), withIntermediateDirectories: true)
      }
      try addRun(runs.appending(path: "run-3"))
      func left() -> [String] {
        places.filter { FileManager.default.fileExists(atPath: runs.appending(path: $0).path) }
      }
      // As another process does that trains on the same store.
      let lock = open(runs.path, O_RDONLY)
      flock(lock, LOCK_SH)
      _ = try desk()
      #expect(left() == places)
      close(lock)
      _ = try desk()
      #expect(left() == ["run-2/model", "run-3/checkpoints", "notes/checkpoints"])
    }

    @Test func thePageTellsWhatATrainingWarnsOf() {
      var page = ModelPage(task: TinyRun.harmful, tasks: [TinyRun.harmful], runs: [], labelled: 0, state: .idle)
      #expect(!page.page.html.text.contains("warns of"))
      page.warnings = (1...12).map { "picture <\($0)>" }
      let text = page.page.html.text
      #expect(text.contains("picture &lt;10&gt;") && !text.contains("picture &lt;11&gt;"))
      #expect(text.contains("and 2 more"))
    }
  }
}
