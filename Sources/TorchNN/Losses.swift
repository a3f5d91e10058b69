import Torch

private enum Op {
  static let meanSquaredError = Operator("aten::mse_loss")
  static let binaryCrossEntropy = Operator("aten::binary_cross_entropy_with_logits")
  static let crossEntropy = Operator("aten::cross_entropy_loss")
}

/// Losses of general use; each is the mean over all elements, a scalar.
public enum Loss {
  public static func meanSquaredError(_ prediction: Tensor, _ target: Tensor) -> Tensor {
    Op.meanSquaredError(.tensor(prediction), .tensor(target))
  }

  /// The cross-entropy of independent labels from logits; `targets` are 0 or 1 in the logits' type and shape, `weights`
  /// multiply the elements' losses before the mean.
  public static func binaryCrossEntropy(logits: Tensor, targets: Tensor, weights: Tensor? = nil) -> Tensor {
    Op.binaryCrossEntropy(.tensor(logits), .tensor(targets), .optional(weights))
  }

  /// The cross-entropy of exclusive classes from `logits` [N, C]; `classes` [N] are int64. With `weights` [C] it is the
  /// weighted mean over examples.
  public static func crossEntropy(logits: Tensor, classes: Tensor, weights: Tensor? = nil) -> Tensor {
    Op.crossEntropy(.tensor(logits), .tensor(classes), .optional(weights))
  }
}
