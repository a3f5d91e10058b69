import Foundation
import Metrics

/// How far a benchmark is, as its events tell: what a display shows.
public struct BenchmarkProgress: Sendable {
  /// A cell under way.
  public struct Running: Sendable {
    public var cell: BenchmarkCell
    public var start: ContinuousClock.Instant
    /// The stage it is in and how far that is.
    public var stage: String?
    public var done = 0
    public var total = 0
  }

  /// Those that are trained unless they are finished.
  public let cells: [BenchmarkCell]
  public let jobs: Int
  public private(set) var pretraining: PretrainingProgress
  public private(set) var results: [CellResult] = []
  /// What earlier calls finished of cells that nobody has looked at yet; most of it will count.
  private var found: [BenchmarkCell.Place: CellResult] = [:]
  private var failed: Set<BenchmarkCell.Place> = []
  public private(set) var keptCount = 0
  /// In the order they were started.
  public private(set) var running: [Running] = []
  /// Seconds of finished cells, by what decides on them.
  private var secondsByPlace: [BenchmarkCell.Place: [Double]] = [:]
  /// What tables call the methods of places without a seed. Each takes a look at all places, too much for every redraw.
  private let methodLabels: [BenchmarkCell.Place: String]

  public init(_ plan: BenchmarkPlan, jobs: Int) {
    cells = plan.chosenCells
    self.jobs = jobs
    pretraining = PretrainingProgress(plan.chosenPretrainings)
    let places = Set(plan.cells.map(\.place.withoutSeed))
    methodLabels = Dictionary(uniqueKeysWithValues: places.map { ($0, places.methodLabel(of: $0)) })
  }

  /// What tables call the method of a cell of the plan.
  public func methodLabel(of place: BenchmarkCell.Place) -> String { methodLabels[place.withoutSeed]! }

  public var failureCount: Int { failed.count }

  public var doneCount: Int { results.count + found.count + failureCount }

  public mutating func observe(_ event: BenchmarkEvent, at now: ContinuousClock.Instant) {
    switch event {
    case .preparation, .warning: break
    case .found(let results): found = Dictionary(results.map { ($0.place, $0) }) { first, _ in first }
    case .waiting(let cell): found[cell.place] = nil
    case .kept(let result):
      found[result.place] = nil
      results.append(result)
      keptCount += 1
      if let seconds = result.seconds { secondsByPlace[result.place.withoutSeed, default: []].append(seconds) }
    case .started(let cell): running.append(Running(cell: cell, start: now))
    case .training(let cell, let stage, let done, let total):
      guard let index = running.firstIndex(where: { $0.cell.path == cell.path }) else { return }
      running[index].stage = stage
      running[index].done = done
      running[index].total = total
    case .finished(let cell, let result):
      if let start = end(cell) {
        secondsByPlace[result.place.withoutSeed, default: []].append((now - start) / .seconds(1))
      }
      results.append(result)
    case .failed(let cell, _):
      _ = end(cell)
      found[cell.place] = nil
      failed.insert(cell.place)
    case .pretraining(let which, let event): pretraining.observe(event, of: which, at: now)
    }
  }

  private mutating func end(_ cell: BenchmarkCell) -> ContinuousClock.Instant? {
    guard let index = running.firstIndex(where: { $0.cell.path == cell.path }) else { return nil }
    return running.remove(at: index).start
  }

  /// An estimate of the seconds until all is done, from what cells and pretrainings like them took; `nil` until something
  /// is known of both.
  public func secondsLeft(at now: ContinuousClock.Instant) -> Double? {
    guard let cells = secondsOfCells(at: now), let pretrainings = pretraining.secondsLeft(at: now) else { return nil }
    return cells + pretrainings
  }

  /// A cell is taken to last as long as those that differ in the seed only, else as those of the same method, else as
  /// any.
  private func secondsOfCells(at now: ContinuousClock.Instant) -> Double? {
    let byPlace = found.values.reduce(into: secondsByPlace) { seconds, result in
      if let taken = result.seconds { seconds[result.place.withoutSeed, default: []].append(taken) }
    }
    let all = byPlace.values.flatMap(\.self)
    guard !all.isEmpty else { return nil }
    let byMethod = Dictionary(grouping: byPlace) { $0.key.method }.mapValues { $0.flatMap(\.value) }
    func estimate(_ place: BenchmarkCell.Place) -> Double {
      let like = byPlace[place.withoutSeed] ?? byMethod[place.method] ?? all
      return like.reduce(0, +) / Double(like.count)
    }
    let begun = failed.union(results.map(\.place)).union(found.keys).union(running.map(\.cell.place))
    let waiting = cells.filter { !begun.contains($0.place) }
    let rest = running.map { max(0, estimate($0.cell.place) - (now - $0.start) / .seconds(1)) }
    let sum = waiting.reduce(0) { $0 + estimate($1.place) } + rest.reduce(0, +)
    return max(sum / Double(jobs), rest.max() ?? 0)
  }

  /// The scores so far of the task that is being worked on: one row a method, one column a number of labels.
  public struct Table: Sendable {
    public var name: String
    public var labels: [String]
    /// One cell a number of labels: the spread over the seeds that are done, of how many. [L]
    public var rows: [(method: String, scores: [(spread: Spread?, done: Int, of: Int)])]
  }

  public func table(of metric: Metric) -> Table? {
    guard let current = running.last?.cell.place ?? results.last?.place else { return nil }
    let own = cells.map(\.place).filter { $0.dataset == current.dataset && $0.task == current.task }
    var labels: [Double] = []
    var methods: [String] = []
    for place in own {
      if !labels.contains(place.labels) { labels.append(place.labels) }
      let method = methodLabel(of: place)
      if !methods.contains(method) { methods.append(method) }
    }
    let byMethod = Dictionary(grouping: own, by: methodLabel)
    let byPlace = Dictionary(grouping: results + found.values) { $0.place.withoutSeed }
    return Table(
      name: [current.dataset, current.task].compactMap(\.self).joined(separator: " · "),
      labels: labels.map(BenchmarkCell.Place.text(labels:)),
      rows: methods.map { method in
        (
          method,
          labels.map { labels in
            let places = byMethod[method]!.filter { $0.labels == labels }
            let done = byPlace[places[0].withoutSeed] ?? []
            let scores = done.compactMap { $0.score(metric, .test) ?? $0.score(metric, .validation) }
            return (Spread(ofSample: scores), done.count, places.count)
          }
        )
      })
  }
}
