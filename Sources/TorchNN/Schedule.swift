import Foundation

/// How the learning rate changes over a training; the value is a factor of the initial rate.
public enum Schedule: Sendable, Equatable {
  case constant
  /// Times `factor` after every `interval` epochs.
  case step(factor: Double, interval: Int = 1)
  /// Half a cosine from 1 to `floor` over `length`.
  case cosine(length: Int, floor: Double = 0)
  /// Rises linearly over `length`, then follows another schedule that begins there.
  indirect case warmUp(length: Int, then: Schedule)

  /// The factor at `position`, counted in epochs or steps as the schedule's lengths are.
  public func factor(at position: Int) -> Double {
    switch self {
    case .constant: return 1
    case .step(let factor, let interval): return pow(factor, Double(position / interval))
    case .cosine(let length, let floor):
      let progress = min(1, Double(position) / Double(max(1, length)))
      return floor + (1 - floor) * (1 + cos(.pi * progress)) / 2
    case .warmUp(let length, let next):
      return position < length ? Double(position + 1) / Double(length + 1) : next.factor(at: position - length)
    }
  }
}

/// Lowers the learning rate when a score has stopped to improve, as PyTorch's `ReduceLROnPlateau` (relative threshold).
public struct PlateauSchedule: Sendable, Equatable {
  public let factor: Double
  public let patience: Int
  public let threshold: Double
  public private(set) var current = 1.0
  private var best = Double.infinity
  private var badEpochs = 0

  public init(factor: Double = 0.1, patience: Int = 10, threshold: Double = 1e-4) {
    self.factor = factor
    self.patience = patience
    self.threshold = threshold
  }

  /// Takes note of an epoch's loss and returns the factor for the next epoch.
  public mutating func observe(_ loss: Double) -> Double {
    if loss < best * (1 - threshold) {
      best = loss
      badEpochs = 0
    } else {
      badEpochs += 1
    }
    if badEpochs > patience {
      current *= factor
      badEpochs = 0
    }
    return current
  }
}
