import Foundation

/// How far a download is, on standard error: a bar with bytes and rate on a terminal, a line now and then elsewhere.
struct TransferDisplay {
  private let isQuiet: Bool
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private var lastDrawn = ContinuousClock.now - .seconds(60)
  /// Where this download began; what an earlier one left does not count for the rate.
  private var start: (time: ContinuousClock.Instant, byteCount: Int)?
  /// The bytes at whose end it was told that all are there; more may follow once what they are is known.
  private var toldTotal: Int?

  init(isQuiet: Bool) { self.isQuiet = isQuiet }

  mutating func show(_ name: String, byteCount: Int, totalByteCount: Int) {
    guard !isQuiet, toldTotal != totalByteCount else { return }
    let now = ContinuousClock.now
    let start = start ?? (now, byteCount)
    self.start = start
    let hasEnded = byteCount >= totalByteCount
    if hasEnded { toldTotal = totalByteCount }
    guard hasEnded || now - lastDrawn >= (isTerminal ? .milliseconds(80) : .seconds(10)) else { return }
    lastDrawn = now
    let seconds = (now - start.time) / .seconds(1)
    let rate = seconds > 0.5 ? String(format: ", %.1f MB/s", Double(byteCount - start.byteCount) / seconds / 1e6) : ""
    let amount = String(format: "%.1f of %.1f MB", Double(byteCount) / 1e6, Double(totalByteCount) / 1e6)
    let filled = totalByteCount > 0 ? 16 * byteCount / totalByteCount : 16
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 16 - filled)
    Console.tell(
      isTerminal
        ? "\r\u{1B}[2K" + Console.fitted("  \(name) \(bar) \(amount)\(rate)") + (hasEnded ? "\n" : "")
        : "  \(name) \(amount)\(rate)\n")
  }
}
