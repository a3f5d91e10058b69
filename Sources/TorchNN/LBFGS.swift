import Torch

/// Minimises a smooth function of one vector by the limited-memory BFGS method with a backtracking line search.
///
/// Source: Nocedal and Wright, Numerical Optimization, 2nd edition, algorithms 7.4 and 3.1. Meant for small convex
/// problems, in double precision.
public struct LBFGS: Sendable {
  /// Pairs of past steps that shape the next one.
  public var historyCount = 10
  public var iterationLimit = 500
  /// The largest element of the gradient at which the search ends.
  public var tolerance = 1e-5

  public init() {}

  /// The minimiser found from `start` [D]. `evaluate` gives the value and the gradient [D] at a point.
  public func minimum(
    from start: Tensor, of evaluate: (_ point: Tensor) -> (value: Double, gradient: Tensor)
  ) -> Tensor {
    var point = start
    var (value, gradient) = evaluate(point)
    var history: [(step: Tensor, change: Tensor, curvature: Double)] = []
    for _ in 0..<iterationLimit {
      if gradient.largestMagnitude <= tolerance { break }
      let direction = descent(gradient, history)
      let slope = direction.dot(gradient)
      // Before any curvature is known, a full step along the gradient may be far too long.
      var length = history.isEmpty ? min(1, 1 / gradient.norm().item) : 1
      var next: (point: Tensor, value: Double, gradient: Tensor)?
      for _ in 0..<40 {
        let candidate = point + direction * length
        let (candidateValue, candidateGradient) = evaluate(candidate)
        if candidateValue <= value + 1e-4 * length * slope {
          next = (candidate, candidateValue, candidateGradient)
          break
        }
        length /= 2
      }
      // No shorter step lowers the value: the point is as good as the arithmetic can tell.
      guard let next else { break }
      let step = next.point - point
      let change = next.gradient - gradient
      let curvature = step.dot(change)
      if curvature > 1e-12 { history.append((step, change, curvature)) }
      if history.count > historyCount { history.removeFirst() }
      (point, value, gradient) = next
    }
    return point
  }

  /// The negative gradient times the inverse Hessian that the history tells of (two-loop recursion).
  private func descent(
    _ gradient: Tensor, _ history: [(step: Tensor, change: Tensor, curvature: Double)]
  ) -> Tensor {
    var direction = -gradient
    var weights: [Double] = []
    for pair in history.reversed() {
      let weight = pair.step.dot(direction) / pair.curvature
      direction = direction - pair.change * weight
      weights.append(weight)
    }
    if let last = history.last { direction = direction * (last.curvature / last.change.dot(last.change)) }
    for (pair, weight) in zip(history, weights.reversed()) {
      direction = direction + pair.step * (weight - pair.change.dot(direction) / pair.curvature)
    }
    return direction
  }
}

extension Tensor {
  fileprivate func dot(_ other: Tensor) -> Double { (self * other).sum().item }
  fileprivate var largestMagnitude: Double { doubles.reduce(0) { max($0, abs($1)) } }
}
