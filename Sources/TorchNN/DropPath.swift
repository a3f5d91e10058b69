import Torch

/// Skips a residual branch for whole examples at random while training (stochastic depth, arXiv:1603.09382).
public struct DropPath: Sendable {
  public let rate: Double

  public init(rate: Double) {
    precondition((0..<1).contains(rate), "a rate lies in 0..<1, not \(rate)")
    self.rate = rate
  }

  /// The branch [N, ...] with examples zeroed by numbers from `generator` and the others scaled up.
  public func callAsFunction(_ branch: Tensor, using generator: Generator?) -> Tensor {
    let shape = [branch.shape[0]] + [Int](repeating: 1, count: branch.rank - 1)
    return branch.dropping(rate, shape: shape, using: generator)
  }
}
