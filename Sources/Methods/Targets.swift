import MemeData
import Torch

/// Labels as tensors.
public struct Targets {
  /// 0 or 1 for each output, float32; exclusive classes are one-hot.
  public let indicators: Tensor  // [N, C]
  /// Class numbers (int64) of a multi-class task.
  public let classes: Tensor?  // [N]

  public init(_ labels: [Label], task: LabelTask) {
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
    indicators = Tensor(flags, shape: [labels.count, width])
    classes = task.kind == .multiclass ? Tensor(numbers) : nil
  }

  /// Examples in which each output is positive.
  public var positiveCounts: [Double] { indicators.sum(along: 0).doubles }
}
