import Foundation
import Metrics

extension Double {
  /// The number with a fixed count of decimals and a point, whatever the locale: `0.731`.
  func fixed(_ digits: Int) -> String { String(format: "%.\(digits)f", self) }

  /// The number with up to six significant digits: `5`, `0.05`.
  var brief: String { String(format: "%.6g", self) }
}

extension Score {
  /// The number with `digits` decimals, or `—` where the score is undefined.
  public func formatted(digits: Int = 3) -> String {
    value.map { $0.fixed(digits) } ?? "—"
  }
}

extension Spread {
  /// `0.761 ± 0.041`, or the mean alone for a single measurement.
  public func formatted(digits: Int = 3) -> String {
    count > 1 ? "\(mean.fixed(digits)) ± \(deviation.fixed(digits))" : mean.fixed(digits)
  }
}
