import Encoders
import Torch

/// The arithmetic of matrix products; bfloat16 is over float32 weights, and faster where the processor has it.
public typealias Precision = Computation.Precision

extension Precision {
  /// Runs `body` in this precision.
  public func callAsFunction<Result>(_ body: () throws -> Result) rethrows -> Result {
    switch self {
    case .float32: try body()
    case .bfloat16: try withAutocast(to: .bfloat16, body)
    }
  }
}
