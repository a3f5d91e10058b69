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
      case .kept, .started, .training: break
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
    guard !state.progress.running.isEmpty, let table = state.progress.table(of: metric) else { return }
    erase(&state)
    state.lastDrawn = now
    let size = Self.terminalSize
    let lines = lines(table, state.progress, now).suffix(max(3, size.rows - 2))
    Console.tell(lines.map { String($0.prefix(size.columns - 1)) + "\n" }.joined())
    state.drawnLines = lines.count
  }

  private func lines(
    _ table: BenchmarkProgress.Table, _ progress: BenchmarkProgress, _ now: ContinuousClock.Instant
  ) -> [String] {
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
    let running = progress.running.map { entry in
      let place = entry.cell.place
      let stage = entry.stage.map {
        "\($0) \(Self.bar(entry.done, entry.total, width: 10)) \(entry.done)/\(entry.total)"
      }
      return "  now  \(place.method), \(place.labelText), seed \(place.seed)  \(stage ?? "")"
    }
    let failures = progress.failureCount > 0 ? ", \(progress.failureCount) failed" : ""
    let total =
      "\(Self.bar(progress.doneCount, progress.cells.count, width: 20)) "
      + "\(progress.doneCount)/\(progress.cells.count) cells\(failures)\(rest(progress, now))"
    return text.text.split(separator: "\n").map(String.init) + [""] + running + [total]
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

  private static var terminalSize: (rows: Int, columns: Int) {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return (24, 80) }
    return (Int(size.ws_row), Int(size.ws_col))
  }
}
