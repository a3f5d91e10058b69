import ArgumentParser
import Foundation
import Report
import Synchronization
import Training

/// The two streams: results go to standard output, all else to standard error.
enum Console {
  static func print(_ text: String) throws {
    try write(Data((text + "\n").utf8))
  }

  /// Writes a result as it is. A stream that is closed or full is an error, not a crash.
  static func write(_ data: Data) throws {
    try FileHandle.standardOutput.write(contentsOf: data)
  }

  static func error(_ text: String) { tell(text + "\n") }

  /// Writes to standard error; where nobody can read it there is nobody to tell.
  static func tell(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }

  /// Of the terminal that standard error is.
  static var terminalSize: (rows: Int, columns: Int) {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return (24, 80) }
    return (Int(size.ws_row), Int(size.ws_col))
  }

  /// A line that stays one on the terminal: what is erased is a line, and one that goes over its end is two.
  static func fitted(_ line: String) -> String { line.truncated(toCells: terminalSize.columns - 1) }

  /// Prints a value as one JSON object, for programs.
  static func printJSON(_ value: some Encodable) throws {
    try write(JSON.line(value))
  }
}

/// What every command that takes a while understands.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Print one JSON object on standard output instead of tables for people.")
  var json = false

  @Flag(name: .shortAndLong, help: "Say nothing of progress; errors and results remain.")
  var quiet = false

  /// Who is told of progress.
  var observer: any ProgressObserver { quiet ? WarningObserver() : ProgressDisplay() }
}

/// Shows warnings and nothing else.
struct WarningObserver: ProgressObserver {
  func observe(_ event: ProgressEvent) {
    if case .warning(let message) = event { Console.error("warning: \(message)") }
  }
}

/// Progress on standard error: a bar that moves on a terminal, a line now and then elsewhere.
final class ProgressDisplay: ProgressObserver {
  private struct State {
    /// Stages under way and how far they are.
    var stages: [String: (done: Int, total: Int, loss: Double?)] = [:]
    var order: [String] = []
    var lastDrawn = ContinuousClock.now - .seconds(60)
    var hasBar = false
  }

  private let state = Mutex(State())
  private let isTerminal = isatty(STDERR_FILENO) == 1
  /// Between two drawings, so that a fast stage does not flood the terminal or a log.
  private var interval: Duration { isTerminal ? .milliseconds(80) : .seconds(10) }

  func observe(_ event: ProgressEvent) {
    state.withLock { state in
      switch event {
      case .phase(let name):
        clear(&state)
        Console.error(name)
      case .warning(let message):
        clear(&state)
        Console.error("warning: \(message)")
      case .items(let phase, let done, let total): update(phase, done, total, loss: nil, &state)
      case .epoch(let stage, let done, let total, let loss): update(stage, done, total, loss: loss, &state)
      }
    }
  }

  private func update(_ name: String, _ done: Int, _ total: Int, loss: Double?, _ state: inout State) {
    if state.stages[name] == nil { state.order.append(name) }
    state.stages[name] = (done, total, loss)
    let isDone = done >= total
    let now = ContinuousClock.now
    guard isDone || now - state.lastDrawn >= interval else { return }
    state.lastDrawn = now
    if isDone {
      clear(&state)
      Console.error("  \(line(name, done, total, loss))")
      state.stages[name] = nil
      state.order.removeAll { $0 == name }
    }
    let lines = state.order.compactMap { name in
      state.stages[name].map { line(name, $0.done, $0.total, $0.loss) }
    }
    guard !lines.isEmpty else { return }
    if isTerminal {
      Console.tell("\r\u{1B}[2K" + Console.fitted("  " + lines.joined(separator: "   ")))
      state.hasBar = true
    } else if !isDone {
      Console.error("  " + lines.joined(separator: "   "))
    }
  }

  private func line(_ name: String, _ done: Int, _ total: Int, _ loss: Double?) -> String {
    let filled = total == 0 ? 0 : 16 * min(done, total) / total
    let bar =
      isTerminal
      ? String(repeating: "█", count: filled) + String(repeating: "░", count: 16 - filled) + " " : ""
    let suffix = loss.map { String(format: "  loss %.4f", $0) } ?? ""
    return "\(name) \(bar)\(done)/\(total)\(suffix)"
  }

  private func clear(_ state: inout State) {
    if state.hasBar { Console.tell("\r\u{1B}[2K") }
    state.hasBar = false
  }

}
