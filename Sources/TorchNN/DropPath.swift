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
    guard let generator, rate > 0 else { return branch }
    let shape = [branch.shape[0]] + [Int](repeating: 1, count: branch.rank - 1)
    let kept = Tensor(empty: shape, dtype: branch.dtype, device: branch.device)
    kept.fillBernoulli(probability: 1 - rate, using: generator)
    withoutGrad { kept.scale(by: 1 / (1 - rate)) }
    return branch * kept
  }
}
