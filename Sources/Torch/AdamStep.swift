import CTorch

/// One step of Adam or AdamW for a parameter on the CPU, in one pass over memory.
///
/// libtorch's fused kernel wants gradients of the parameter's own type. Where products are in bfloat16, this one saves
/// the passes that widen gradients and narrow weights: it reads a bfloat16 gradient, steps the float32 parameter, and
/// writes the bfloat16 copy that the next products read.
public struct AdamStep {
  public var learningRate: Double
  public var beta1: Double
  public var beta2: Double
  public var epsilon: Double
  public var weightDecay: Double
  /// Whether the decay shrinks the weight (AdamW) or is added to the gradient (L2).
  public var isDecoupled: Bool

  public init(
    learningRate: Double, beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double, isDecoupled: Bool
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.isDecoupled = isDecoupled
  }

  /// Takes step `number`, counted from 1, of a float32 parameter and its moments, which lie in memory as it does.
  ///
  /// - Parameter working: the bfloat16 copy of the parameter; the gradient is then bfloat16, else float32.
  public func callAsFunction(
    _ parameter: Tensor, working: Tensor? = nil, gradient: Tensor, firstMoment: Tensor, secondMoment: Tensor,
    number: Int
  ) {
    var tensors = ct_adam_tensors(
      parameter: parameter.pointer, working: working?.pointer, gradient: gradient.pointer,
      first_moment: firstMoment.pointer, second_moment: secondMoment.pointer)
    var rule = ct_adam_rule(
      step: Double(number), learning_rate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon,
      weight_decay: weightDecay, is_decoupled: isDecoupled)
    withExtendedLifetime((parameter, working, gradient, firstMoment, secondMoment)) {
      check(ct_adam_step(&tensors, &rule), "a step of Adam for \(parameter) along \(gradient)")
    }
  }
}
