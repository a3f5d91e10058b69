/// How far the pretrainings of a benchmark are.
public struct PretrainingProgress: Sendable {
  /// The one under way.
  public struct Running: Sendable {
    public var pretraining: BenchmarkPretraining
    public var start: ContinuousClock.Instant
    /// The phase it is in and how far that is; `nil` before the first.
    public var phase: (name: String, done: Int, total: Int)?
    var epochsDone = 0
  }

  public let pretrainings: [BenchmarkPretraining]
  public private(set) var running: Running?
  /// Paths of those that have ended, well or not.
  private var ended: Set<String> = []
  /// Finished ones by their name: seconds, and epochs.
  private var finished: [String: [(seconds: Double, epochs: Int)]] = [:]

  init(_ pretrainings: [BenchmarkPretraining]) { self.pretrainings = pretrainings }

  public var doneCount: Int { ended.count }

  mutating func observe(
    _ event: PretrainingEvent, of pretraining: BenchmarkPretraining, at now: ContinuousClock.Instant
  ) {
    func took(_ seconds: Double) {
      finished[pretraining.name, default: []].append((seconds, pretraining.recipe.method.training.epochs))
    }
    switch event {
    case .warning: break
    case .started: running = Running(pretraining: pretraining, start: now)
    case .items(let phase, let done, let total): running?.phase = (phase, done, total)
    case .epoch(let done, let total):
      running?.phase = ("epochs", done, total)
      running?.epochsDone = done
    case .kept(let result):
      ended.insert(pretraining.path)
      if let seconds = result.seconds { took(seconds) }
    case .finished:
      ended.insert(pretraining.path)
      if let start = running?.start { took((now - start) / .seconds(1)) }
      running = nil
    case .failed:
      ended.insert(pretraining.path)
      running = nil
    }
  }

  /// An estimate of the seconds until all have ended; `nil` while nothing is known of any.
  ///
  /// One is taken to last as long as those of its name, else for each of its epochs as long as any did.
  func secondsLeft(at now: ContinuousClock.Instant) -> Double? {
    let waiting = pretrainings.filter { !ended.contains($0.path) && $0.path != running?.pretraining.path }
    guard running != nil || !waiting.isEmpty else { return 0 }
    let elapsed = running.map { (now - $0.start) / .seconds(1) } ?? 0
    let all = finished.values.flatMap(\.self)
    let epochs = all.reduce(running?.epochsDone ?? 0) { $0 + $1.epochs }
    let spent = all.reduce((running?.epochsDone ?? 0) > 0 ? elapsed : 0) { $0 + $1.seconds }
    guard epochs > 0 else { return nil }
    func estimate(_ pretraining: BenchmarkPretraining) -> Double {
      if let like = finished[pretraining.name] { return like.reduce(0) { $0 + $1.seconds } / Double(like.count) }
      return spent / Double(epochs) * Double(max(1, pretraining.recipe.method.training.epochs))
    }
    let rest = running.map { max(0, estimate($0.pretraining) - elapsed) } ?? 0
    return waiting.reduce(rest) { $0 + estimate($1) }
  }
}
