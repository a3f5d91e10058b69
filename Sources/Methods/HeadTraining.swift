import Torch

/// How a head is optimised. The published decay of the learning rate depends on how many labels there are.
public struct HeadTraining: Codable, Sendable, Equatable {
  /// A decay for one label ratio.
  public struct Decay: Codable, Sendable, Equatable {
    public var labels: Double
    public var factor: Double

    public init(labels: Double, factor: Double) {
      self.labels = labels
      self.factor = factor
    }
  }

  public var epochs = 50
  public var batchSize = 40
  public var learningRate = 1e-4
  public var weightDecay = 0.0
  /// Factors of the learning rate after every epoch; the entry nearest to the run's label ratio counts.
  public var learningRateDecay = [
    Decay(labels: 0.05, factor: 0.93), Decay(labels: 0.1, factor: 0.90), Decay(labels: 0.3, factor: 0.85),
  ]

  public init() {}

  enum CodingKeys: String, CodingKey {
    case epochs
    case batchSize = "batch_size"
    case learningRate = "learning_rate"
    case weightDecay = "weight_decay"
    case learningRateDecay = "learning_rate_decay"
  }

  /// The settings of a stage at one label ratio; there must be a decay, which a method's `fault` makes sure of.
  func stageSettings(labelRatio: Double) -> StageSettings {
    let nearest = learningRateDecay.min { abs($0.labels - labelRatio) < abs($1.labels - labelRatio) }!
    return StageSettings(
      epochs: epochs, batchSize: batchSize, learningRate: learningRate, learningRateDecay: nearest.factor,
      weightDecay: weightDecay)
  }
}
