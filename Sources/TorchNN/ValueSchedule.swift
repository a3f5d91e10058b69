import Foundation

/// A value that changes from step to step: a linear rise, then half a cosine to its last value, as DINO's published code
/// has it for learning rate, weight decay and the teacher's momentum (reference 08 §4).
public struct ValueSchedule: Sendable, Equatable {
  /// The value at the first step of the rise.
  public var start: Double
  /// The value where the rise ends and the cosine begins.
  public var base: Double
  /// What the cosine goes to.
  public var end: Double
  public var warmUpSteps: Int
  /// All steps, those of the rise among them.
  public var stepCount: Int

  public init(start: Double = 0, base: Double, end: Double, warmUpSteps: Int = 0, stepCount: Int) {
    self.start = start
    self.base = base
    self.end = end
    self.warmUpSteps = min(warmUpSteps, stepCount)
    self.stepCount = stepCount
  }

  /// The value at a step, counted from 0; after the last one it stays.
  public func value(at step: Int) -> Double {
    guard step >= warmUpSteps else {
      return warmUpSteps == 1 ? start : start + (base - start) * Double(step) / Double(warmUpSteps - 1)
    }
    let length = stepCount - warmUpSteps
    guard step < stepCount, length > 0 else { return end }
    return end + (base - end) * (1 + cos(.pi * Double(step - warmUpSteps) / Double(length))) / 2
  }
}
