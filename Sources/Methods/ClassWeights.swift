import Torch
import TorchNN

/// How much examples of a class weigh in cross-entropy.
public enum ClassWeights: String, Codable, Sendable, CaseIterable {
  case none
  /// scikit-learn's "balanced": examples over classes times the examples of the class.
  case balanced

  /// The loss of logits and the rows of `targets` they belong to (reference 05 §2).
  func loss(for targets: Targets) -> (_ logits: Tensor, _ rows: Tensor) -> Tensor {
    guard self == .balanced else { return targets.crossEntropy }
    let count = Double(targets.indicators.shape[0])
    let positives = targets.positiveCounts
    if let classes = targets.classes {
      let weights = Self.balanced(positives, total: count, on: targets.device)
      return { Loss.crossEntropy(logits: $0, classes: classes.gathered($1), weights: weights) }
    }
    // One label has a class for yes and one for no; several labels are classes that share the positives.
    let (yes, no): (Tensor, Tensor)
    if positives.count == 1 {
      let weights = Self.balanced([positives[0], count - positives[0]], total: count, on: targets.device)
      (yes, no) = (weights.selected(0), weights.selected(1))
    } else {
      yes = Self.balanced(positives, total: positives.reduce(0, +), on: targets.device)
      no = yes
    }
    let weights = yes * targets.indicators + no * (1 - targets.indicators)
    return { logits, rows in
      let batch = weights.gathered(rows)
      let loss = Loss.binaryCrossEntropy(logits: logits, targets: targets.indicators.gathered(rows), weights: batch)
      // Of the cross-entropy of two classes, which one label stands for, the mean is a weighted one.
      return positives.count == 1 ? loss / batch.mean().clamped(min: 1e-12) : loss
    }
  }

  /// What each example counts in the mean that the loss is [N]; `nil` where all count alike.
  func exampleWeights(for targets: Targets) -> Tensor? {
    guard self == .balanced else { return nil }
    let positives = targets.positiveCounts
    let count = Double(targets.indicators.shape[0])
    if let classes = targets.classes {
      return Self.balanced(positives, total: count, on: targets.device).gathered(classes)
    }
    guard positives.count == 1 else { return nil }
    let weights = Self.balanced([positives[0], count - positives[0]], total: count, on: targets.device)
    return (targets.indicators * weights.selected(0) + (1 - targets.indicators) * weights.selected(1))
      .reshaped(to: [-1])
  }

  /// Weights of classes; one without examples weighs nothing, for there is nothing to weigh.
  private static func balanced(_ counts: [Double], total: Double, on device: Device) -> Tensor {
    Tensor(counts.map { $0 > 0 ? total / (Double(counts.count) * $0) : 0 }, device: device).to(.float32)
  }
}
