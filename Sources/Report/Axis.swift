import Foundation

/// A linear scale with round tick marks.
struct Axis {
  let label: String
  let lower: Double
  let upper: Double
  let ticks: [Double]
  private let step: Double

  /// Beyond this a value is treated like infinity: nothing can be drawn, and differences could overflow.
  private static let largest = 1e100
  private static let smallest = 1e-100

  static func isDrawable(_ value: Double) -> Bool { abs(value) <= largest }

  /// An axis over the drawable ones of `values`, rounded outward to ticks.
  init(_ label: String, covering values: some Sequence<Double>) {
    let drawable = values.filter(Self.isDrawable)
    var lower = drawable.min() ?? 0
    var upper = drawable.max() ?? 1
    // Without an extent there is no scale: open one around the value.
    if upper - lower <= max(1e-9 * max(abs(lower), abs(upper)), Self.smallest) {
      let margin = abs(lower) <= Self.smallest ? 1 : abs(lower) / 2
      (lower, upper) = (lower - margin, upper + margin)
    }
    let raw = (upper - lower) / 4
    let magnitude = pow(10, log10(raw).rounded(.down))
    step = ([1, 2, 2.5, 5].first { $0 * magnitude >= raw } ?? 10) * magnitude
    let first = (lower / step).rounded(.down)
    // At most six: the extent is between four and five steps, and rounding outward adds one.
    let tickCount = Int(min((upper / step).rounded(.up) - first, 6)) + 1
    self.label = label
    self.ticks = (0..<tickCount).map { [step] in (first + Double($0)) * step }
    self.lower = ticks[0]
    self.upper = ticks[ticks.count - 1]
  }

  /// Where `value` lies, 0 at the lower end and 1 at the upper.
  func position(_ value: Double) -> Double { (value - lower) / (upper - lower) }

  /// A tick's number, with as many decimals as the step between ticks needs.
  func text(_ tick: Double) -> String {
    guard step >= 1e-4, abs(tick) < 1e6 else { return String(format: "%.3g", tick) }
    let decimals = (0...5).first { digits in
      let scaled = step * pow(10, Double(digits))
      return abs(scaled - scaled.rounded()) < 1e-6
    }
    return tick.fixed(decimals ?? 5)
  }
}
