import Foundation
import MemeData
import Synchronization
import Testing
import Torch

@testable import Training

/// Cells of a benchmark, trained on features that need no encoder.
@Suite struct BenchmarkRunTests {
  private static let suite = """
    title: Small
    datasets:
      - {name: small, task: one}
    methods:
      - name: logistic-regression
    encoders: [lite]
    labels: [0.5]
    seeds: [1, 2]
    metrics: [auroc]
    published: []
    deduplicated: false
    """

  /// On how many threads each cell is trained, and what became of it.
  private final class Watch: BenchmarkObserver {
    let threads = Mutex<[Int]>([])
    let results = Mutex<[CellResult]>([])

    func observe(_ event: BenchmarkEvent) {
      switch event {
      case .started: threads.withLock { $0.append(Runtime.threadCount) }
      case .finished(_, let result): results.withLock { $0.append(result) }
      default: break
      }
    }
  }

  private func dataset() -> Dataset {
    let task = SmallProblem.tasks[0]
    func memes(_ split: Split, _ count: Int, seed: UInt64) -> [Meme] {
      let features = SmallProblem.features(count: count, seed: seed)
      return (0..<count).map { row in
        Meme(
          id: "\(split) \(row)", image: nil, text: "t",
          labels: [task.name: SmallProblem.label(row, of: task, in: features)], split: split)
      }
    }
    return Dataset(
      name: "small", root: URL(fileURLWithPath: "/small"), format: .huggingFace, tasks: [task],
      memes: memes(.train, 90, seed: 7) + memes(.validation, 60, seed: 8))
  }

  /// A cell that is left over after a kill rounds as it would have beside others.
  @Test(arguments: [(1, 2), (2, 1)])
  func theThreadsOfACellDependOnJobsAndNotOnHowManyCellsAreLeft(jobs: Int, threads: Int) throws {
    let before = Runtime.threadCount
    Runtime.threadCount = 2
    defer { Runtime.threadCount = before }
    let folder = try TemporaryFolder()
    let plan = try BenchmarkPlan(
      BenchmarkSuite(yaml: Self.suite, source: "small.yaml"), name: "small", source: nil,
      bindings: ["small": URL(fileURLWithPath: "/small")], folder: folder.url)
    let dataset = dataset()
    let corpus = try Corpus(dataset) { memes in
      SmallProblem.features(count: memes.count, seed: memes[0].split == .train ? 7 : 8)
    }
    let watch = Watch()
    try BenchmarkRun(plan, jobs: jobs, observer: watch)
      .train([plan.cells[0]], on: corpus, BenchmarkRun.Source(dataset: dataset, digest: "rows", leaks: nil))
    #expect(watch.threads.withLock { $0 } == [threads])
    let result = try #require(watch.results.withLock { $0 }.first)
    #expect(result.place == plan.cells[0].place && result.labelled == 45)
  }
}
