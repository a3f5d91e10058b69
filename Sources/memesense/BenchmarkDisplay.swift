import Foundation
import Metrics
import Report
import Synchronization
import Training

/// A benchmark on standard error: a table that fills on a terminal, a line a cell elsewhere.
final class BenchmarkDisplay: BenchmarkObserver {
  private struct State {
    var progress: BenchmarkProgress
    /// Lines of the table that stand on the terminal now.
    var drawnLines = 0
    var lastDrawn = ContinuousClock.now - .seconds(60)
  }

  private let state: Mutex<State>
  private let metric: Metric
  private let isQuiet: Bool
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let preparation: any ProgressObserver

  init(_ plan: BenchmarkPlan, jobs: Int, isQuiet: Bool, preparation: any ProgressObserver) {
    state = Mutex(State(progress: BenchmarkProgress(plan, jobs: jobs)))
    metric = plan.suite.metrics[0]
    self.isQuiet = isQuiet
    self.preparation = preparation
  }

  func observe(_ event: BenchmarkEvent) {
    state.withLock { state in
      let now = ContinuousClock.now
      state.progress.observe(event, at: now)
      switch event {
      case .preparation(let event):
        erase(&state)
        preparation.observe(event)
      case .warning(let cell, let message):
        erase(&state)
        Console.error("warning: \(cell.place): \(message)")
      case .failed(let cell, let reason):
        erase(&state)
        Console.error("failed: \(cell.place): \(reason)")
      case .finished(let cell, let result): tell(cell, result, state.progress, now)
      case .pretraining(let pretraining, .warning(let message)):
        erase(&state)
        Console.error("warning: \(pretraining): \(message)")
      case .pretraining(let pretraining, .failed(let reason)):
        erase(&state)
        Console.error("failed: \(pretraining): \(reason)")
      case .pretraining(let pretraining, .finished(let result)): tell(pretraining, result, state.progress, now)
      case .found, .kept, .waiting, .started, .training, .pretraining: break
      }
      draw(&state, now)
    }
  }

  /// Takes the table away, so that what is printed next stands by itself.
  func end() {
    state.withLock { erase(&$0) }
  }

  // MARK: Lines

  private func tell(
    _ cell: BenchmarkCell, _ result: CellResult, _ progress: BenchmarkProgress, _ now: ContinuousClock.Instant
  ) {
    guard !isQuiet, !isTerminal else { return }
    let score = (result.score(metric, .test) ?? result.score(metric, .validation)).map {
      "\(metric.rawValue) \(Score.defined($0).formatted(digits: 4))"
    }
    let time = result.seconds.map { String(format: "%.1f s", $0) }
    let facts = [score, time].compactMap(\.self).joined(separator: ", ")
    Console.error("\(progress.doneCount)/\(progress.cells.count)  \(cell.place): \(facts)\(rest(progress, now))")
  }

  private func tell(
    _ pretraining: BenchmarkPretraining, _ result: PretrainingResult, _ progress: BenchmarkProgress,
    _ now: ContinuousClock.Instant
  ) {
    guard !isQuiet, !isTerminal else { return }
    let facts = [result.seconds.map { String(format: "%.1f s", $0) }, "\(result.pictures) pictures"]
    let (done, all) = (progress.pretraining.doneCount, progress.pretraining.pretrainings.count)
    Console.error(
      "pretraining \(done)/\(all)  \(pretraining): \(facts.compactMap(\.self).joined(separator: ", "))"
        + rest(progress, now))
  }

  private func rest(_ progress: BenchmarkProgress, _ now: ContinuousClock.Instant) -> String {
    guard progress.doneCount < progress.cells.count, let seconds = progress.secondsLeft(at: now) else { return "" }
    return "; about \(Self.duration(seconds)) left"
  }

  /// `40 s`, `12 min`, `3 h 5 min`.
  static func duration(_ seconds: Double) -> String {
    let minutes = Int((seconds / 60).rounded(.up))
    if seconds < 90 { return "\(Int(seconds.rounded(.up))) s" }
    return minutes < 60 ? "\(minutes) min" : "\(minutes / 60) h \(minutes % 60) min"
  }

  // MARK: The table

  private func draw(_ state: inout State, _ now: ContinuousClock.Instant) {
    guard isTerminal, !isQuiet, now - state.lastDrawn >= .milliseconds(150) else { return }
    guard !state.progress.running.isEmpty || state.progress.pretraining.running != nil else { return }
    erase(&state)
    state.lastDrawn = now
    let table = state.progress.table(of: metric)
    let lines = lines(table, state.progress, now)
      .cut(to: max(3, Console.terminalSize.rows - 2), belowHeadOf: table == nil ? 0 : 2)
    Console.tell(lines.map { Console.fitted($0) + "\n" }.joined())
    state.drawnLines = lines.count
  }

  private func lines(
    _ table: BenchmarkProgress.Table?, _ progress: BenchmarkProgress, _ now: ContinuousClock.Instant
  ) -> [String] {
    let running = progress.running.map { entry in
      let place = entry.cell.place
      let method = progress.methodLabel(of: place)
      return Self.running(
        "\(method), \(place.labelText), seed \(place.seed)", entry.stage.map { ($0, entry.done, entry.total) })
    }
    let pretraining = progress.pretraining.running.map { entry in
      Self.running("\(entry.pretraining.name), seed \(entry.pretraining.seed)", entry.phase)
    }
    let failures = progress.failureCount > 0 ? ", \(progress.failureCount) failed" : ""
    let (pretrained, wanted) = (progress.pretraining.doneCount, progress.pretraining.pretrainings.count)
    let total =
      "\(Self.bar(progress.doneCount, progress.cells.count, width: 20)) "
      + "\(progress.doneCount)/\(progress.cells.count) cells\(failures)"
      + (pretrained < wanted ? ", \(pretrained)/\(wanted) pretrainings" : "") + rest(progress, now)
    return (table.map { lines(of: $0) + [""] } ?? []) + [pretraining].compactMap(\.self) + running + [total]
  }

  /// What is under way and how far it is.
  private static func running(_ what: String, _ phase: (name: String, done: Int, total: Int)?) -> String {
    let phase = phase.map { "\($0.name) \(bar($0.done, $0.total, width: 10)) \($0.done)/\($0.total)" }
    return "  now  \(what)  \(phase ?? "")"
  }

  private func lines(of table: BenchmarkProgress.Table) -> [String] {
    var text = TextTable(
      columns: [.init("\(table.name), \(metric.rawValue)")] + table.labels.map { .init($0, alignment: .right) })
    for row in table.rows {
      text.append(
        [row.method]
          + row.scores.map { score in
            let value = score.spread?.formatted() ?? (score.done > 0 ? "—" : "")
            return score.done < score.of ? "\(value) (\(score.done)/\(score.of))" : value
          })
    }
    return text.text.split(separator: "\n").map(String.init)
  }

  private static func bar(_ done: Int, _ total: Int, width: Int) -> String {
    let filled = total > 0 ? width * min(done, total) / total : 0
    return String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
  }

  private func erase(_ state: inout State) {
    guard state.drawnLines > 0 else { return }
    Console.tell("\u{1B}[\(state.drawnLines)A\r\u{1B}[J")
    state.drawnLines = 0
  }
}
