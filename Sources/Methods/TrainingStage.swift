import Torch
import TorchNN

/// A part of a training: some parameters, some examples, one loss.
public struct TrainingStage {
  /// Names the stage in logs and checkpoints.
  public var name: String
  /// What the stage trains, in a fixed order.
  public var parameters: [Tensor]
  public var exampleCount: Int
  public var settings: StageSettings
  /// The loss of one batch: `rows` are int64 numbers below `exampleCount`; `generator` feeds dropout.
  public var loss: (_ rows: Tensor, _ generator: Generator) -> Tensor

  public init(
    name: String, parameters: [Tensor], exampleCount: Int, settings: StageSettings,
    loss: @escaping (_ rows: Tensor, _ generator: Generator) -> Tensor
  ) {
    self.name = name
    self.parameters = parameters
    self.exampleCount = exampleCount
    self.settings = settings
    self.loss = loss
  }
}

/// How a stage is optimised: over shuffled batches, the last partial one kept. What recipes say of auto-encoders.
public struct StageSettings: Codable, Sendable, Equatable {
  public var epochs: Int
  public var batchSize: Int
  public var learningRate: Double
  /// The learning rate is multiplied by this after every epoch.
  public var learningRateDecay: Double
  /// L2 strength, added to the gradient as Adam does; with AdamW the share by which weights shrink.
  public var weightDecay: Double

  // What methods set and recipes of this type do not.
  public var rule = Optimizer.Rule.adam()
  /// The part of all steps during which the learning rate rises.
  public var warmUp = 0.0
  /// The largest norm of the gradient; 0 for any.
  public var gradientClip = 0.0

  public init(
    epochs: Int, batchSize: Int, learningRate: Double, learningRateDecay: Double, weightDecay: Double
  ) {
    self.epochs = epochs
    self.batchSize = batchSize
    self.learningRate = learningRate
    self.learningRateDecay = learningRateDecay
    self.weightDecay = weightDecay
  }

  enum CodingKeys: String, CodingKey {
    case epochs
    case batchSize = "batch_size"
    case learningRate = "learning_rate"
    case learningRateDecay = "learning_rate_decay"
    case weightDecay = "weight_decay"
  }
}

/// Runs stages: the loop, its checkpoints and what people see of it.
public protocol StageTrainer {
  /// Trains stages that do not depend on each other, at once where the machine has cores for it.
  func train(_ stages: [TrainingStage], seed: UInt64) throws
}
