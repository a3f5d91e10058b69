import Foundation

/// How the learning rate changes over a training; the value is a factor of the initial rate.
public enum Schedule: Sendable, Equatable {
  case constant
  /// Times `factor` after every `interval` epochs.
  case step(factor: Double, interval: Int = 1)
  /// Falls linearly over `length` and is 0 from there on.
  case linear(length: Int)
  /// Rises linearly over `length`, then follows another schedule that begins there.
  indirect case warmUp(length: Int, then: Schedule)

  /// The factor at `position`, counted in epochs or steps as the schedule's lengths are.
  public func factor(at position: Int) -> Double {
    switch self {
    case .constant: return 1
    case .step(let factor, let interval): return pow(factor, Double(position / interval))
    case .linear(let length): return max(0, 1 - Double(position) / Double(max(1, length)))
    case .warmUp(let length, let next):
      return position < length ? Double(position + 1) / Double(length + 1) : next.factor(at: position - length)
    }
  }
}
