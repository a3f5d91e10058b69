import Torch

/// The exponential moving average of tensors, such as a teacher's parameters or weights for evaluation.
public struct MovingAverage {
  /// The averages, in the order of the tensors given at the start.
  public let values: [Tensor]

  /// Takes the values that `tensors` have as averages, and changes those, such as a teacher's own parameters.
  public init(changing tensors: [Tensor]) { values = tensors }

  /// Moves every average to `decay · average + (1 − decay) · tensor`.
  public func update(from tensors: [Tensor], decay: Double) {
    precondition(tensors.count == values.count, "\(tensors.count) tensors for \(values.count) averages")
    withoutGrad {
      for (average, tensor) in zip(values, tensors) {
        average.scale(by: decay)
        average.add(tensor, scaledBy: 1 - decay)
      }
    }
  }
}
