import Checkpoints
import Encoders
import Foundation
import MemeData
import Metrics
import Synchronization
import Torch

/// Trains and scores the cells of a plan, each after the pretrainings whose networks it takes, and can be killed at any
/// moment.
///
/// Each cell is a training run in a folder of its own, made by the code of `memesense train`; a file beside it says what
/// the cell is and, once it is finished, what it measured. A cell whose file says the same is kept, one that a kill
/// interrupted is resumed from its last checkpoint, one that has changed is trained anew.
///
/// Of methods that are not trained what is finished counts too, and the rest is neither trained nor missed.
///
/// Cells run on threads of this process, several at once, each with its share of the cores. Processes would read each
/// dataset and hash each picture once a cell; threads share one copy. A cell that fails leaves the others alone.
public final class BenchmarkRun: Sendable {
  /// A cell without result, and why.
  public struct Failure: Sendable {
    public var cell: BenchmarkCell
    public var reason: String
  }

  public struct Outcome: Sendable {
    /// In the order of the plan.
    public var results: [CellResult]
    public var failures: [Failure]
    /// How many results are of an earlier call.
    public var keptCount: Int
    /// What was pretrained, in the order of the plan.
    public var pretrainings: [Pretrained]
    public var pretrainingFailures: [PretrainingFailure]

    /// Whether everything of the plan has a result.
    public var isComplete: Bool { failures.isEmpty && pretrainingFailures.isEmpty }
  }

  /// A pretraining with its result.
  public struct Pretrained: Sendable {
    public var pretraining: BenchmarkPretraining
    public var result: PretrainingResult
  }

  /// A pretraining without result, and why.
  public struct PretrainingFailure: Sendable {
    public var pretraining: BenchmarkPretraining
    public var reason: String
  }

  public let plan: BenchmarkPlan
  /// How many cells are trained at once.
  public let jobs: Int
  let observer: any BenchmarkObserver

  /// - Precondition: `jobs` is positive.
  public init(_ plan: BenchmarkPlan, jobs: Int, observer: any BenchmarkObserver) {
    precondition(jobs > 0, "\(jobs) cells at once")
    self.plan = plan
    self.jobs = jobs
    self.observer = observer
  }

  /// What threads share.
  struct State {
    var results: [String: CellResult] = [:]
    var failures: [String: String] = [:]
    var keptCount = 0
    var next = 0
    /// Pretrainings by path, with the digests of their definitions.
    var pretrainings: [String: Result<(result: PretrainingResult, digest: String), PretrainingError>] = [:]
    /// Of the datasets that pretrainings learn from and of the files outside that recipes name.
    var digests: [URL: String] = [:]
  }

  let state = Mutex(State())

  /// A dataset with what cells need of it beside its features.
  struct Source {
    var dataset: Dataset
    /// Of its rows.
    var digest: String
    /// Ids of the test memes that leak; `nil` where the suite does not ask.
    var leaks: Set<String>?
  }

  /// A corpus handed to several threads, which only read it.
  private struct Shared: @unchecked Sendable {
    let corpus: Corpus
  }

  /// - Throws: where the benchmark's own folder cannot be used; what goes wrong with a cell is in the outcome.
  public func execute() throws -> Outcome {
    try prepareFolder()
    let preparation = PreparationObserver(target: observer)
    for (folder, count) in plan.drawings {
      try DemoCorpus(memeCount: count).writeUnlessThere(to: folder, observer: preparation)
    }
    observer.observe(.found(plan.chosenCells.compactMap { record(of: $0)?.result }))
    var sources: [[String?]: Result<Source, any Error>] = [:]
    for all in plan.cellsByCorpus {
      let cells = try pretrained(all.filter { plan.isChosen($0) || record(of: $0)?.result != nil })
      guard !cells.isEmpty else { continue }
      let recipe = cells[0].recipe
      let key = [recipe.data, recipe.splitFile, recipe.readTexts]
      let source =
        sources[key]
        ?? Result {
          let dataset = try Corpus.dataset(of: recipe, observer: preparation)
          let leaks = plan.suite.deduplicated ? try TestLeaks.ids(in: dataset, observer: preparation) : nil
          return Source(dataset: dataset, digest: dataset.rowDigest, leaks: leaks)
        }
      sources[key] = source
      do {
        let source = try source.get()
        let pending = try cells.filter { try !isKept($0, source) && plan.isChosen($0) }
        guard !pending.isEmpty else { continue }
        for cell in pending { observer.observe(.waiting(cell)) }
        let corpus = try Corpus.load(source.dataset, recipe, observer: preparation)
        try train(pending, on: corpus, source)
      } catch let error as CheckpointError where error.reason == .unwritable {
        throw error  // No cell can be kept: the disk is full, say.
      } catch {
        for cell in cells { fail(cell, error) }
      }
    }
    for pretraining in plan.pretrainings { try pretrain(pretraining) }
    try writeResults()
    return outcome
  }

  private var outcome: Outcome {
    state.withLock { state in
      Outcome(
        results: plan.cells.compactMap { state.results[$0.path] },
        failures: plan.cells.compactMap { cell in
          state.failures[cell.path].map { Failure(cell: cell, reason: $0) }
        }, keptCount: state.keptCount,
        pretrainings: plan.pretrainings.compactMap { pretraining in
          (try? state.pretrainings[pretraining.path]?.get()).map {
            Pretrained(pretraining: pretraining, result: $0.result)
          }
        },
        pretrainingFailures: plan.pretrainings.compactMap { pretraining in
          guard plan.isChosen(pretraining), case .failure(let error) = state.pretrainings[pretraining.path] else {
            return nil
          }
          return PretrainingFailure(pretraining: pretraining, reason: error.reason)
        })
    }
  }

  // MARK: Cells

  /// Trains cells, several at once, each with its share of the cores however few there are: sums round by the number of
  /// threads, and a benchmark that was killed is to end as one that was not.
  func train(_ cells: [BenchmarkCell], on corpus: Corpus, _ source: Source) throws {
    let shared = Shared(corpus: corpus)
    let threads = max(1, Runtime.threadCount / jobs)
    state.withLock { $0.next = 0 }
    try Runtime.concurrently(min(jobs, cells.count), threadsEach: threads) { _, isWanted in
      while isWanted(), let cell = state.withLock({ $0.takeNext(of: cells) }) {
        observer.observe(.started(cell))
        do {
          let result = try train(cell, on: shared.corpus, source)
          state.withLock { $0.results[cell.path] = result }
          observer.observe(.finished(cell, result))
        } catch let error as CheckpointError where error.reason == .unwritable {
          throw error
        } catch {
          fail(cell, error)
        }
        try writeResults()
      }
    }
  }

  private func train(_ cell: BenchmarkCell, on corpus: Corpus, _ source: Source) throws -> CellResult {
    let folder = plan.folder.appending(path: cell.path)
    let definition = try definition(of: cell, source)
    let isBegun = FileManager.default.fileExists(atPath: folder.path)
    let isSame = isBegun && record(of: cell)?.definition == definition
    if isBegun, !isSame { try FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(
      at: folder.deletingLastPathComponent(), withIntermediateDirectories: true)
    try write(CellRecord(definition: definition, result: nil), of: cell)
    let memory = jobs == 1 ? PeakMemory() : nil
    let run = run(of: cell)
    let outcome = try run.execute(on: corpus, rows: source.digest, files: definition.files ?? "", resumes: isSame)
    let test = outcome.predictions.first { $0.split == .test }
    if let test {
      try writeAtomically(test.scoredLines(), to: folder.appending(path: ScoredMemes.fileName))
    }
    var result = CellResult(outcome, of: cell, isResumed: isSame, peakMegabytes: memory?.megabytes)
    if let leaks = source.leaks, let test {
      let rest = test.excluding(leaks)
      result.setDeduplicated(
        rest.labelledCount > 0 ? try rest.metrics() : nil, leaked: test.labelledCount - rest.labelledCount)
    }
    // In this order, so that a kill between them costs no training.
    try write(CellRecord(definition: definition, leaks: source.leaks?.digest, result: result), of: cell)
    try run.finish()
    return result
  }

  private func run(of cell: BenchmarkCell) -> TrainingRun {
    TrainingRun(
      recipe: cell.recipe, folder: plan.folder.appending(path: cell.path),
      observer: CellObserver(cell: cell, target: observer))
  }

  private func definition(of cell: BenchmarkCell, _ source: Source) throws -> CellRecord.Definition {
    CellRecord.Definition(
      recipe: try cell.recipe.yaml, data: source.digest, pretrainings: try digest(ofPretrainings: cell.needs),
      files: try digest(ofFilesNamedBy: cell.recipe))
  }

  func fail(_ cell: BenchmarkCell, _ error: any Error) {
    guard plan.isChosen(cell) else { return }
    let reason = Self.reason(error)
    let isNew = state.withLock { state in
      guard state.results[cell.path] == nil else { return false }
      return state.failures.updateValue(reason, forKey: cell.path) == nil
    }
    if isNew { observer.observe(.failed(cell, reason: reason)) }
  }

  static func reason(_ error: any Error) -> String {
    (error as? CocoaError)?.localizedDescription ?? String(describing: error)
  }

  // MARK: Files

  /// Whether an earlier call finished the cell, whose result then counts.
  private func isKept(_ cell: BenchmarkCell, _ source: Source) throws -> Bool {
    let folder = plan.folder.appending(path: cell.path)
    guard var record = record(of: cell), var result = record.result else { return false }
    do {
      guard try record.definition == definition(of: cell, source) else { return false }
    } catch {
      return false  // A file that its recipe names is gone, which its training says; others are left alone.
    }
    if result.scores[Split.test.rawValue] != nil {
      let scored = folder.appending(path: ScoredMemes.fileName)
      guard FileManager.default.fileExists(atPath: scored.path) else { return false }
      if record.leaks != source.leaks?.digest {
        // Of a version that did not ask, or of pictures that have changed: the answers are there, only the counting is not.
        do {
          try result.deduplicate(ScoreFiles(truth: scored, predictions: scored, kind: result.taskKind), source.leaks)
        } catch is ScoreFileError {
          return false  // as where the file is missing: the cell is trained anew, and the others are left alone
        }
        record.result = result
        record.leaks = source.leaks?.digest
        try write(record, of: cell)
      }
    }
    try run(of: cell).finish()  // where a kill came between the result and this
    state.withLock { state in
      state.results[cell.path] = result
      state.keptCount += 1
    }
    if plan.isChosen(cell) { observer.observe(.kept(result)) }
    return true
  }

  /// What stands beside a cell's run, under the names that the suite has now, which are no part of what a cell is; `nil` where
  /// nothing does, or something that this program did not write.
  private func record(of cell: BenchmarkCell) -> CellRecord? {
    guard let data = FileManager.default.contents(atPath: recordFile(of: cell).path),
      var record = try? JSONDecoder().decode(CellRecord.self, from: data)
    else { return nil }
    record.result?.place = cell.place
    record.result?.recipe = cell.recipeName
    return record
  }

  private func write(_ record: CellRecord, of cell: BenchmarkCell) throws {
    try writeAtomically(JSON.pretty(record), to: recordFile(of: cell))
  }

  private func recordFile(of cell: BenchmarkCell) -> URL { plan.folder.appending(path: "\(cell.path).json") }

  func writeResults() throws {
    let outcome = outcome
    try write(plan.rows(of: outcome.results, outcome.failures), as: "results")
    guard !plan.pretrainings.isEmpty else { return }
    try write(plan.rows(of: outcome.pretrainings, outcome.pretrainingFailures), as: "pretrainings")
  }

  private func write(_ rows: [ResultRow], as name: String) throws {
    try writeAtomically(ResultRow.jsonLines(rows), to: plan.folder.appending(path: "\(name).jsonl"))
    try writeAtomically(ResultRow.csv(rows), to: plan.folder.appending(path: "\(name).csv"))
  }

  /// Makes the folder, or refuses one that holds something else: cells that have changed are deleted in it.
  private func prepareFolder() throws {
    let files = FileManager.default
    let marker = plan.folder.appending(path: "suite.yaml")
    if files.fileExists(atPath: plan.folder.path), !files.fileExists(atPath: marker.path) {
      let contents = try files.contentsOfDirectory(atPath: plan.folder.path)
      guard contents.allSatisfy({ $0 == "suite.yaml.partial" }) else {
        throw TrainingError.invalid(
          "\(plan.folder.path) is not empty and holds no benchmark: give another --output, or empty it")
      }
    }
    try files.createDirectory(at: plan.folder, withIntermediateDirectories: true)
    try writeAtomically(Data(StrictYAML.text(of: plan.suite).utf8), to: marker)
  }
}

extension CellResult {
  /// Counts the answers of a finished cell without the test memes that leak, or drops such scores where none are asked.
  fileprivate mutating func deduplicate(_ scored: ScoreFiles, _ leaks: Set<String>?) throws {
    guard let leaks else {
      leakedTestMemes = nil
      scores[Part.deduplicated.rawValue] = nil
      return
    }
    let leaked = scored.ids.count(where: leaks.contains)
    setDeduplicated(leaked < scored.ids.count ? try scored.report(excluding: leaks) : nil, leaked: leaked)
  }
}

extension BenchmarkRun.State {
  fileprivate mutating func takeNext(of cells: [BenchmarkCell]) -> BenchmarkCell? {
    guard next < cells.count else { return nil }
    defer { next += 1 }
    return cells[next]
  }
}

/// What the features of a corpus depend on.
private struct CorpusKey: Hashable {
  var data: String?
  var splitFile: String?
  var readTexts: String?
  var encoder: String
  var device: Device
  var cleaning: TextCleaning
  var request: FeatureRequest
  /// Of cells that wait for pretrainings: those of the first seed are not to wait for those of the last.
  var seed: UInt64?

  init(_ cell: BenchmarkCell) {
    let recipe = cell.recipe
    data = recipe.data
    splitFile = recipe.splitFile
    readTexts = recipe.readTexts
    encoder = recipe.encoder
    device = recipe.device
    cleaning = recipe.textCleaning
    request = recipe.method.request
    seed = cell.needs.isEmpty ? nil : recipe.seed
  }
}

extension BenchmarkPlan {
  /// Cells that are trained on the same features, together; in the order of the plan.
  var cellsByCorpus: [[BenchmarkCell]] {
    var order: [CorpusKey] = []
    var groups: [CorpusKey: [BenchmarkCell]] = [:]
    for cell in cells {
      let key = CorpusKey(cell)
      if groups[key] == nil { order.append(key) }
      groups[key, default: []].append(cell)
    }
    return order.compactMap { groups[$0] }
  }
}

extension DemoCorpus {
  /// Draws the corpus where it is not there yet: the folder appears whole, so one that is there needs no drawing.
  public func writeUnlessThere(to folder: URL, observer: any ProgressObserver) throws {
    guard !FileManager.default.fileExists(atPath: folder.path) else { return }
    try FileManager.default.createDirectory(
      at: folder.deletingLastPathComponent(), withIntermediateDirectories: true)
    try write(to: folder, observer: observer)
  }

  /// Draws the corpus and tells how far it is.
  public func write(to folder: URL, observer: any ProgressObserver) throws {
    observer.observe(.phase("Drawing \(memeCount) memes"))
    let total = memeCount
    try write(to: folder) { observer.observe(.items(phase: "memes drawn", done: $0, total: total)) }
  }
}

/// The most memory that this process held since a moment, as Linux counts it.
struct PeakMemory {
  /// Starts counting; `nil` where the system does not let a process.
  init?() {
    // 5 sets the peak back to what is held now (proc_pid_clear_refs(5)).
    guard let file = FileHandle(forWritingAtPath: "/proc/self/clear_refs") else { return nil }
    defer { try? file.close() }
    do { try file.write(contentsOf: Data("5".utf8)) } catch { return nil }
  }

  /// In MB of 10⁶ bytes; `nil` where the system does not tell.
  var megabytes: Double? {
    guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
      let kibibytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Double($0) })
    else { return nil }
    return kibibytes * 1024 / 1e6
  }
}
