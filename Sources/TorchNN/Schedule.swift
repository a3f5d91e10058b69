import Foundation

/// How the learning rate changes over a training; the value is a factor of the initial rate.
public enum Schedule: Sendable, Equatable {
  case constant
  /// Times `factor` after every `interval` epochs.
  case step(factor: Double, interval: Int = 1)
  /// Falls linearly over `length` and is 0 from there on.
  case linear(length: Int)
  /// PyTorch's `OneCycleLR` of `length` steps with its defaults: half a cosine up to 25 times the initial rate, which takes
  /// three tenths of them, then another one down to a ten-thousandth of it.
  case oneCycle(length: Int)
  /// Rises linearly over `length`, then follows another schedule that begins there.
  indirect case warmUp(length: Int, then: Schedule)

  /// The factor at `position`, counted in epochs or steps as the schedule's lengths are.
  public func factor(at position: Int) -> Double {
    switch self {
    case .constant: return 1
    case .step(let factor, let interval): return pow(factor, Double(position / interval))
    case .linear(let length): return max(0, 1 - Double(position) / Double(max(1, length)))
    case .oneCycle(let length):
      let (highest, lowest) = (25.0, 1e-4)
      let (place, rise) = (Double(position), 0.3 * Double(length) - 1)
      func cosine(from start: Double, to end: Double, _ share: Double) -> Double {
        end + (start - end) * (1 + cos(.pi * share)) / 2
      }
      guard place > rise else { return cosine(from: 1, to: highest, place / rise) }
      return cosine(from: highest, to: lowest, min(1, (place - rise) / (Double(length - 1) - rise)))
    case .warmUp(let length, let next):
      return position < length ? Double(position + 1) / Double(length + 1) : next.factor(at: position - length)
    }
  }
}
