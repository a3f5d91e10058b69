import Torch

private enum Op {
  static let adam = Operator("aten::_fused_adam_")
  static let adamW = Operator("aten::_fused_adamw_")
  static let sgd = Operator("aten::_fused_sgd_")
}

/// Changes parameters along their gradients, by libtorch's fused kernels.
///
/// The update rules and defaults are PyTorch's. State is exposed as named tensors, so that a checkpoint can hold it.
public final class Optimizer {
  /// An update rule with its constants.
  public enum Rule: Sendable, Equatable {
    /// Adam; weight decay is added to the gradient (L2), or with `decoupled` shrinks the weights (AdamW).
    case adam(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, decoupled: Bool = false)
    case sgd(momentum: Double = 0, nesterov: Bool = false)
  }

  public let rule: Rule
  public let weightDecay: Double
  public var learningRate: Double
  public let parameters: [Tensor]
  private var steps: [Tensor] = []
  private var firstMoments: [Tensor] = []
  private var secondMoments: [Tensor] = []
  private var hasStepped = false

  public init(_ parameters: [Tensor], rule: Rule = .adam(), learningRate: Double, weightDecay: Double = 0) {
    self.parameters = parameters
    self.rule = rule
    self.learningRate = learningRate
    self.weightDecay = weightDecay
    let zeros = { parameters.map { Tensor.zeros($0.shape, dtype: $0.dtype, device: $0.device) } }
    switch rule {
    case .adam:
      steps = parameters.map { Tensor.zeros([], device: $0.device) }
      firstMoments = zeros()
      secondMoments = zeros()
    case .sgd(let momentum, _):
      if momentum != 0 { firstMoments = zeros() }
    }
  }

  /// Takes one step along the gradients and drops them. Parameters without a gradient stay.
  public func step() {
    let trained = parameters.indices.filter { parameters[$0].grad != nil }
    guard !trained.isEmpty else { return }
    let gradients = trained.map { parameters[$0].grad! }
    withoutGrad {
      switch rule {
      case .adam(let beta1, let beta2, let epsilon, let decoupled):
        for index in trained { steps[index].add(Tensor(1).to(steps[index].device)) }
        (decoupled ? Op.adamW : Op.adam).run(
          .tensors(trained.map { parameters[$0] }), .tensors(gradients), .tensors(trained.map { firstMoments[$0] }),
          .tensors(trained.map { secondMoments[$0] }), .tensors([]), .tensors(trained.map { steps[$0] }),
          .double(learningRate), .double(beta1), .double(beta2), .double(weightDecay), .double(epsilon),
          false, false)
      case .sgd(let momentum, let nesterov):
        Op.sgd.run(
          .tensors(trained.map { parameters[$0] }), .tensors(gradients),
          .tensors(momentum == 0 ? [] : trained.map { firstMoments[$0] }), .double(weightDecay), .double(momentum),
          .double(learningRate), 0.0, .bool(nesterov), false, .bool(!hasStepped))
      }
    }
    hasStepped = true
    clearGradients()
  }

  /// Drops every gradient.
  public func clearGradients() {
    for parameter in parameters { parameter.setGrad(nil) }
  }

  /// Scales all gradients down so that their common Euclidean norm is at most `limit`; returns the norm before.
  @discardableResult
  public func clipGradients(toNorm limit: Double) -> Double {
    let gradients = parameters.compactMap(\.grad)
    guard !gradients.isEmpty else { return 0 }
    let norm = Tensor.stacked(gradients.map { $0.to(.float32).norm() }).norm().item
    if norm > limit {
      for gradient in gradients { gradient.scale(by: limit / (norm + 1e-6)) }
    }
    return norm
  }

  /// What a checkpoint must hold to go on from here.
  public var state: [String: Tensor] {
    var state: [String: Tensor] = [:]
    for (name, tensors) in [("step", steps), ("first_moment", firstMoments), ("second_moment", secondMoments)] {
      for (index, tensor) in tensors.enumerated() { state["\(name).\(index)"] = tensor }
    }
    if case .sgd = rule { state["has_stepped"] = Tensor(hasStepped ? 1 : 0) }
    return state
  }

  /// Takes up saved state. Throws when it is not of these parameters.
  public func restore(_ saved: [String: Tensor]) throws(ParameterMismatch) {
    let own = state
    let misshaped = own.compactMap { name, tensor in
      saved[name].flatMap { $0.shape == tensor.shape ? nil : "\(name): \($0.shape) instead of \(tensor.shape)" }
    }
    let missing = own.keys.filter { saved[$0] == nil }
    let unused = saved.keys.filter { own[$0] == nil }
    guard missing.isEmpty, unused.isEmpty, misshaped.isEmpty else {
      throw ParameterMismatch(missing: missing.sorted(), unused: unused.sorted(), misshaped: misshaped.sorted())
    }
    for (name, tensor) in own { tensor.copy(from: saved[name]!) }
    if case .sgd = rule { hasStepped = saved["has_stepped"]!.item != 0 }
  }
}
