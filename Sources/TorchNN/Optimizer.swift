import Torch

private enum Op {
  static let adam = Operator("aten::_fused_adam_")
  static let adamW = Operator("aten::_fused_adamw_")
  static let sgd = Operator("aten::_fused_sgd_")
}

/// Changes parameters along their gradients, by fused kernels: libtorch's, and on the CPU for Adam ``AdamStep``.
///
/// The update rules and defaults are PyTorch's. State is exposed as named tensors, so that a checkpoint can hold it.
///
/// With mixed precision, matrices among the parameters are bfloat16 while they are trained, so that products need not
/// convert them, and the optimizer steps float32 masters; ``restoreMasters()`` ends that.
public final class Optimizer {
  /// An update rule with its constants.
  public enum Rule: Sendable, Equatable {
    /// Adam; weight decay is added to the gradient (L2), or with `decoupled` shrinks the weights (AdamW).
    case adam(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, decoupled: Bool = false)
    case sgd(momentum: Double = 0, nesterov: Bool = false)
  }

  /// How a parameter's learning rate and weight decay differ from the optimizer's.
  public struct Scale: Sendable, Hashable {
    /// Factors.
    public var rate: Double
    public var decay: Double

    public init(rate: Double = 1, decay: Double = 1) {
      self.rate = rate
      self.decay = decay
    }
  }

  /// What a step takes beside the gradients; it may change from step to step.
  public struct Rates: Sendable, Equatable {
    public var learning: Double
    public var weightDecay: Double

    public init(learning: Double, weightDecay: Double) {
      self.learning = learning
      self.weightDecay = weightDecay
    }
  }

  public let rule: Rule
  public var rates: Rates
  public let parameters: [Tensor]
  private let scales: [Scale]
  /// What a checkpoint of the weights must hold: the parameters themselves, float32 masters of those in bfloat16.
  public let masters: [Tensor]
  private var steps: [Tensor] = []
  private var firstMoments: [Tensor] = []
  private var secondMoments: [Tensor] = []
  private var hasStepped = false

  /// - Parameters:
  ///   - scales: One for each parameter; none where all are alike.
  ///   - isMixed: Whether matrices are bfloat16 while they are trained; float32 parameters of the CPU and Adam only,
  ///     elsewhere nothing is gained and they stay as they are.
  public init(
    _ parameters: [Tensor], scales: [Scale] = [], rule: Rule = .adam(), learningRate: Double, weightDecay: Double = 0,
    isMixed: Bool = false
  ) {
    precondition(
      scales.isEmpty || scales.count == parameters.count, "\(scales.count) scales for \(parameters.count) parameters")
    self.parameters = parameters
    self.scales = scales.isEmpty ? parameters.map { _ in Scale() } : scales
    masters = parameters.map { parameter in
      guard isMixed, case .adam = rule, parameter.rank > 1, Self.steppedInOnePass(parameter) else { return parameter }
      let master = parameter.detached().copied()
      parameter.adopt(master.to(.bfloat16))
      return master
    }
    self.rule = rule
    rates = Rates(learning: learningRate, weightDecay: weightDecay)
    let zeros = { [masters] in masters.map(\.zerosAlike) }
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
    withoutGrad {
      switch rule {
      case .adam(let beta1, let beta2, let epsilon, let isDecoupled):
        let one = Tensor(1).to(steps[trained[0]].device)
        for index in trained { steps[index].add(one) }
        for (scale, group) in groups(of: trained) {
          let step = AdamStep(
            learningRate: rates.learning * scale.rate, beta1: beta1, beta2: beta2, epsilon: epsilon,
            weightDecay: rates.weightDecay * scale.decay, isDecoupled: isDecoupled)
          for index in group where Self.steppedInOnePass(masters[index]) { stepInOnePass(index, step) }
          stepByLibtorch(group.filter { !Self.steppedInOnePass(masters[$0]) }, step)
        }
      case .sgd(let momentum, let nesterov):
        for (scale, group) in groups(of: trained) {
          Op.sgd.run(
            .tensors(group.map { parameters[$0] }), .tensors(group.map { parameters[$0].grad! }),
            .tensors(momentum == 0 ? [] : group.map { firstMoments[$0] }), .double(rates.weightDecay * scale.decay),
            .double(momentum), .double(rates.learning * scale.rate), 0.0, .bool(nesterov), false, .bool(!hasStepped))
        }
      }
    }
    hasStepped = true
    clearGradients()
  }

  /// Parameters of one scale are stepped together.
  private func groups(of indices: [Int]) -> [(scale: Scale, indices: [Int])] {
    Dictionary(grouping: indices) { scales[$0] }.map { ($0, $1) }.sorted { $0.indices[0] < $1.indices[0] }
  }

  private static func steppedInOnePass(_ parameter: Tensor) -> Bool {
    parameter.device == .cpu && parameter.dtype == .float32 && parameter.isDense
  }

  private func stepInOnePass(_ index: Int, _ step: AdamStep) {
    let (parameter, master) = (parameters[index], masters[index])
    step(
      master, working: parameter.dtype == master.dtype ? nil : parameter, gradient: parameter.grad!,
      firstMoment: firstMoments[index], secondMoment: secondMoments[index], number: Int(steps[index].item))
  }

  private func stepByLibtorch(_ indices: [Int], _ step: AdamStep) {
    guard !indices.isEmpty else { return }
    (step.isDecoupled ? Op.adamW : Op.adam).run(
      .tensors(indices.map { parameters[$0] }), .tensors(indices.map { parameters[$0].grad! }),
      .tensors(indices.map { firstMoments[$0] }), .tensors(indices.map { secondMoments[$0] }), .tensors([]),
      .tensors(indices.map { steps[$0] }), .double(step.learningRate), .double(step.beta1), .double(step.beta2),
      .double(step.weightDecay), .double(step.epsilon), false, false)
  }

  /// Gives parameters that were bfloat16 their float32 masters as they are now; call it after the last step.
  public func restoreMasters() {
    for (parameter, master) in zip(parameters, masters) where parameter.dtype != master.dtype {
      parameter.setGrad(nil)
      parameter.adopt(master)
    }
  }

  /// Takes up weights of a checkpoint, in the order of ``masters``.
  public func restoreWeights(_ saved: [Tensor]) {
    withoutGrad {
      for (index, value) in saved.enumerated() {
        masters[index].copy(from: value)
        if parameters[index].dtype != masters[index].dtype { parameters[index].copy(from: value) }
      }
    }
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

  /// Scales each gradient down that is longer than `limit`, whatever the others are (as facebookresearch/dino does).
  public func clipEachGradient(toNorm limit: Double) {
    for gradient in parameters.compactMap(\.grad) {
      let norm = gradient.to(.float32).norm().item
      if norm > limit { gradient.scale(by: limit / (norm + 1e-6)) }
    }
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
