/// How Hate-CLIPper, SimCLIP and fine-tuned networks are optimised: AdamW at a constant rate after a warm-up, the gradient's
/// norm limited.
public struct AdamWTraining: Codable, Sendable, Equatable {
  public var epochs = 20
  public var batchSize = 64
  public var learningRate = 1e-4
  /// The share of each weight that a step at learning rate 1 would take away.
  public var weightDecay = 1e-4
  /// The part of all steps during which the learning rate rises.
  public var warmUp = 0.0
  /// The largest norm of the gradient; 0 for any.
  public var gradientClip = 0.0

  public init() {}

  enum CodingKeys: String, CodingKey {
    case epochs
    case batchSize = "batch_size"
    case learningRate = "learning_rate"
    case weightDecay = "weight_decay"
    case warmUp = "warm_up"
    case gradientClip = "gradient_clip"
  }

  var stageSettings: StageSettings {
    var settings = StageSettings(
      epochs: epochs, batchSize: batchSize, learningRate: learningRate, learningRateDecay: 1, weightDecay: weightDecay)
    settings.rule = .adam(decoupled: true)
    settings.warmUp = warmUp
    settings.gradientClip = gradientClip
    return settings
  }
}
