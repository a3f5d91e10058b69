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

  /// The cross-entropy of independent labels from logits; `targets` are 0 or 1 in the logits' type and shape.
  public static func binaryCrossEntropy(logits: Tensor, targets: Tensor) -> Tensor {
    Op.binaryCrossEntropy(.tensor(logits), .tensor(targets))
  }

  /// The cross-entropy of exclusive classes from `logits` [N, C]; `classes` [N] are int64.
  public static func crossEntropy(logits: Tensor, classes: Tensor) -> Tensor {
    Op.crossEntropy(.tensor(logits), .tensor(classes))
  }
}
