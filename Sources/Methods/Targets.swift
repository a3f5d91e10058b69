import MemeData
import Torch
import TorchNN

/// Labels as tensors.
public struct Targets {
  /// 0 or 1 for each output, float32; exclusive classes are one-hot.
  public let indicators: Tensor  // [N, C]
  /// Class numbers (int64) of a multi-class task.
  public let classes: Tensor?  // [N]

  public init(_ labels: [Label], task: LabelTask, device: Device = .cpu) {
    let width = task.kind == .binary ? 1 : task.labels.count
    var flags = [Float](repeating: 0, count: labels.count * width)
    var numbers: [Int] = []
    for (row, label) in labels.enumerated() {
      switch label {
      case .binary(let value): flags[row] = value ? 1 : 0
      case .multiclass(let index):
        flags[row * width + index] = 1
        numbers.append(index)
      case .multilabel(let values):
        for (column, value) in values.enumerated() where value { flags[row * width + column] = 1 }
      }
    }
    positiveCounts = (0..<width).map { column in
      stride(from: column, to: flags.count, by: width).reduce(0) { $0 + Double(flags[$1]) }
    }
    indicators = Tensor(flags, shape: [labels.count, width], device: device)
    classes = task.kind == .multiclass ? Tensor(numbers, device: device) : nil
  }

  /// Where they lie.
  var device: Device { indicators.device }

  /// Examples in which each output is positive.
  public let positiveCounts: [Double]

  /// Binary cross-entropy, or the softmax cross-entropy of exclusive classes, of logits and the rows they belong to.
  var crossEntropy: (_ logits: Tensor, _ rows: Tensor) -> Tensor {
    if let classes { return { Loss.crossEntropy(logits: $0, classes: classes.gathered($1)) } }
    return { [indicators] in Loss.binaryCrossEntropy(logits: $0, targets: indicators.gathered($1)) }
  }
}

extension Problem {
  /// The labels where networks are trained on them.
  var targets: Targets { Targets(labels, task: task, device: device) }
}
