import Torch

/// The arithmetic of matrix products.
public enum Precision: String, Codable, Sendable, CaseIterable {
  case float32
  /// bfloat16 products over float32 weights; faster where the processor has it.
  case bfloat16

  /// Runs `body` in this precision.
  func callAsFunction<Result>(_ body: () throws -> Result) rethrows -> Result {
    switch self {
    case .float32: try body()
    case .bfloat16: try withAutocast(to: .bfloat16, body)
    }
  }
}
