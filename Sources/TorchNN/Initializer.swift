import Torch

/// How a new parameter gets its values.
public enum Initializer: Sendable {
  case constant(Double)
  case uniform(Double)
  case normal(mean: Double, deviation: Double)

  /// PyTorch's default for `Linear` and convolutions: uniform within ±1/√fanIn, for weights and biases alike.
  public static func fanIn(_ count: Int) -> Initializer { .uniform(1 / Double(count).squareRoot()) }

  func fill(_ tensor: Tensor, using generator: Generator) {
    switch self {
    case .constant(let value): tensor.fill(with: value)
    case .uniform(let bound): tensor.fillUniform(from: -bound, to: bound, using: generator)
    case .normal(let mean, let deviation): tensor.fillNormal(mean: mean, deviation: deviation, using: generator)
    }
  }
}
