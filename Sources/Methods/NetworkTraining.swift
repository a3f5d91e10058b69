import TorchNN

/// How networks on words and pictures are optimised: by Adam at a constant rate, as SemiMemes trains them, or, as their
/// authors fine-tune them, by AdamW at a rate that rises and falls to zero (reference 12 §4, 13 §2 and 14 §2).
public struct NetworkTraining: Codable, Sendable, Equatable {
  public enum Rule: String, Codable, Sendable, CaseIterable {
    /// Weight decay is added to the gradient of every parameter.
    case adam
    /// Weight decay shrinks matrices alone: neither biases nor the gains of norms.
    case adamW = "adamw"
  }

  public var epochs: Int
  public var batchSize: Int
  public var learningRate: Double
  /// The learning rate is multiplied by this after every epoch.
  public var learningRateDecay = 1.0
  public var weightDecay = 0.0
  public var rule = Rule.adam
  /// The share of the mean square of gradients that a step keeps.
  public var beta2 = 0.999
  /// The part of all steps during which the learning rate rises.
  public var warmUp = 0.0
  /// Whether it then falls linearly, to be 0 after the last step.
  public var fallsToZero = false
  /// The largest norm of the gradient; 0 for any.
  public var gradientClip = 0.0

  public init(epochs: Int, batchSize: Int, learningRate: Double) {
    self.epochs = epochs
    self.batchSize = batchSize
    self.learningRate = learningRate
  }

  enum CodingKeys: String, CodingKey {
    case epochs, rule, beta2
    case batchSize = "batch_size"
    case learningRate = "learning_rate"
    case learningRateDecay = "learning_rate_decay"
    case weightDecay = "weight_decay"
    case warmUp = "warm_up"
    case fallsToZero = "falls_to_zero"
    case gradientClip = "gradient_clip"
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      epochs: try values.decode(Int.self, forKey: .epochs), batchSize: try values.decode(Int.self, forKey: .batchSize),
      learningRate: try values.decode(Double.self, forKey: .learningRate))
    learningRateDecay = try values.decode(Double.self, forKey: .learningRateDecay)
    weightDecay = try values.decode(Double.self, forKey: .weightDecay)
    // Recipes from before there were these have none of them.
    rule = try values.decodeIfPresent(Rule.self, forKey: .rule) ?? rule
    beta2 = try values.decodeIfPresent(Double.self, forKey: .beta2) ?? beta2
    warmUp = try values.decodeIfPresent(Double.self, forKey: .warmUp) ?? warmUp
    fallsToZero = try values.decodeIfPresent(Bool.self, forKey: .fallsToZero) ?? fallsToZero
    gradientClip = try values.decodeIfPresent(Double.self, forKey: .gradientClip) ?? gradientClip
  }

  var stageSettings: StageSettings {
    var settings = StageSettings(
      epochs: epochs, batchSize: batchSize, learningRate: learningRate, learningRateDecay: learningRateDecay,
      weightDecay: weightDecay)
    settings.rule = .adam(beta2: beta2, decoupled: rule == .adamW)
    settings.decaysMatricesAlone = rule == .adamW
    settings.warmUp = warmUp
    settings.fallsToZero = fallsToZero
    settings.gradientClip = gradientClip
    return settings
  }
}
