import Encoders
import Torch

/// The arithmetic of matrix products; bfloat16 is over float32 weights, and faster where the processor has it.
public typealias Precision = Computation.Precision

extension Precision {
  /// Runs `body` with products of `device` in this precision.
  public func callAsFunction<Result>(on device: Device = .cpu, _ body: () throws -> Result) rethrows -> Result {
    switch self {
    case .float32: try body()
    case .bfloat16: try withAutocast(to: .bfloat16, on: device, body)
    }
  }
}
