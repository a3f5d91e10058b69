import Torch
import TorchNN

/// A part of a training: some parameters, some examples, one loss.
public struct TrainingStage {
  /// Names the stage in logs and checkpoints.
  public var name: String
  /// What the stage trains, in a fixed order.
  public var parameters: [Tensor]
  /// How learning rate and weight decay of each differ from those of ``settings``; none where all are alike.
  public var scales: [Optimizer.Scale] = []
  /// What a step changes beside them and a checkpoint must hold, such as running statistics, in a fixed order.
  public var buffers: [Tensor]
  public var exampleCount: Int
  /// A second pool of examples of which every batch holds some, such as unlabelled memes.
  public var companions: Companions?
  /// Batches between two decays of the learning rate; `nil` where it decays after every epoch.
  public var decayInterval: Int?
  public var settings: StageSettings
  /// Learning rate and weight decay of each step, counted from 0; `nil` where ``settings`` say them.
  public var schedule: ((_ step: Int) -> Optimizer.Rates)?
  /// Whether an epoch leaves out what fills no batch, for losses that compare the examples of one.
  public var dropsPartialBatch = false
  /// Examples whose gradient is computed at once, the gradients of a batch being added up; 0 for the whole batch. Only
  /// where the loss is a mean over examples that do not depend on each other: batch statistics, contrasts within a batch
  /// and companions forbid it.
  public var microBatch = 0
  /// What each example counts in the mean that ``loss`` is [N]; `nil` where all count alike.
  public var exampleWeights: Tensor?
  /// Makes what the loss reads of examples, such as augmented pictures, on another thread while earlier batches train; what
  /// it gives may depend on the seed, the rows and the epoch alone. `nil` where the loss needs nothing.
  public var preparation: ((_ rows: [Int], _ epoch: Int) throws -> [Tensor])?
  /// What stands trained when the stage ends: whoever chooses among its epochs scores this after each. `nil` for a stage
  /// whose last epoch is kept in any case.
  public var classifier: (any Classifier)?
  /// The loss of one batch.
  public var loss: (TrainingBatch) -> Tensor
  /// Changes gradients before a step, counted from 0, such as to leave some parameters as they are for a while.
  public var beforeStep: ((_ step: Int, _ optimizer: Optimizer) -> Void)?
  /// Changes buffers after a step, such as a teacher's moving average: it is given how many steps the stage has taken and
  /// the parameters as the optimizer holds them, float32 also where products are in bfloat16.
  public var afterStep: ((_ steps: Int, _ parameters: [Tensor]) -> Void)?
  /// Measures after each epoch what its loss does not tell; `nil` where that says enough.
  public var observation: (() throws -> StageObservation)?

  /// Examples that stand beside others in every batch.
  public struct Companions: Sendable, Equatable {
    public var exampleCount: Int
    /// How many of them are in a batch, beside the stage's own batch size.
    public var batchSize: Int

    public init(exampleCount: Int, batchSize: Int) {
      self.exampleCount = exampleCount
      self.batchSize = batchSize
    }
  }

  public init(
    name: String, parameters: [Tensor], buffers: [Tensor] = [], exampleCount: Int, companions: Companions? = nil,
    decayInterval: Int? = nil, settings: StageSettings, classifier: (any Classifier)? = nil,
    loss: @escaping (_ rows: Tensor, _ generator: Generator) -> Tensor
  ) {
    self.init(
      name: name, parameters: parameters, buffers: buffers, exampleCount: exampleCount, companions: companions,
      decayInterval: decayInterval, settings: settings, classifier: classifier,
      batchLoss: { loss($0.rows, $0.generator) })
  }

  /// A stage whose loss reads more of a batch than its rows.
  public init(
    name: String, parameters: [Tensor], buffers: [Tensor] = [], exampleCount: Int, companions: Companions? = nil,
    decayInterval: Int? = nil, settings: StageSettings, classifier: (any Classifier)? = nil,
    batchLoss: @escaping (TrainingBatch) -> Tensor
  ) {
    self.name = name
    self.parameters = parameters
    self.buffers = buffers
    self.exampleCount = exampleCount
    self.companions = companions
    self.decayInterval = decayInterval
    self.settings = settings
    self.classifier = classifier
    self.loss = batchLoss
  }

  /// The batches of an epoch. With companions an epoch ends with the pool that runs out first, partial batches dropped.
  public var batchCount: Int {
    guard let companions else {
      return (exampleCount + (dropsPartialBatch ? 0 : settings.batchSize - 1)) / settings.batchSize
    }
    return min(exampleCount / settings.batchSize, companions.exampleCount / companions.batchSize)
  }

  /// Learning rate and weight decay of a step, counted from 0 over all epochs.
  public func rates(at step: Int) -> Optimizer.Rates {
    if let schedule { return schedule(step) }
    let decay = Schedule.step(factor: settings.learningRateDecay, interval: decayInterval ?? batchCount)
    let stepCount = settings.epochs * batchCount
    let rise = Int(settings.warmUp * Double(stepCount))
    let rest = settings.fallsToZero ? Schedule.linear(length: stepCount - rise) : .constant
    let warmUp = Schedule.warmUp(length: rise, then: rest)
    return Optimizer.Rates(
      learning: settings.learningRate * decay.factor(at: step) * warmUp.factor(at: step),
      weightDecay: settings.weightDecay)
  }

  /// Gives every epoch, counted from 0, a part of the learning rate that ``settings`` say.
  mutating func scaleRate(by share: @escaping (_ epoch: Int, _ batchCount: Int) -> Double) {
    let plain = self
    schedule = { step in
      var rates = plain.rates(at: step)
      rates.learning *= share(step / plain.batchCount, plain.batchCount)
      return rates
    }
  }

  /// The rows of every batch of an epoch, both pools shuffled.
  public func batches(using generator: Generator) -> [Tensor] {
    precondition(batchCount > 0, "the stage '\(name)' has too few examples for one batch")
    let order = Tensor.permutation(of: exampleCount, using: generator)
    let own = (0..<batchCount).map { index in
      order.sliced(index * settings.batchSize..<min((index + 1) * settings.batchSize, exampleCount))
    }
    guard let companions else { return own }
    let others = Tensor.permutation(of: companions.exampleCount, using: generator) + Tensor([exampleCount])
    return own.enumerated().map { index, rows in
      let range = index * companions.batchSize..<(index + 1) * companions.batchSize
      return .concatenated([rows, others.sliced(range)], along: 0)
    }
  }

  /// The parts of a batch whose gradients are computed one after the other, and what each counts in the whole.
  public func parts(of rows: Tensor) -> [(rows: Tensor, share: Double)] {
    let count = rows.shape[0]
    guard microBatch > 0, microBatch < count else { return [(rows, 1)] }
    precondition(companions == nil, "the stage '\(name)' has companions, so that its batches cannot be split")
    let parts = stride(from: 0, to: count, by: microBatch).map { rows.sliced($0..<min($0 + microBatch, count)) }
    let weights = parts.map { exampleWeights?.gathered($0).sum().item ?? Double($0.shape[0]) }
    let total = weights.reduce(0, +)
    return zip(parts, weights).map { ($0, $1 / total) }
  }
}

/// What was measured of a stage beside its loss.
public struct StageObservation: Sendable, Equatable {
  /// By name.
  public var measures: [String: Double]
  /// What a person should know, with what to do about it.
  public var warnings: [String]

  public init(measures: [String: Double], warnings: [String] = []) {
    self.measures = measures
    self.warnings = warnings
  }
}

/// A batch as the loss of a stage sees it.
public struct TrainingBatch {
  /// int64 numbers below ``TrainingStage/exampleCount``, then those of companions, which are counted on from there.
  public var rows: Tensor
  /// What ``TrainingStage/preparation`` made of the rows.
  public var inputs: [Tensor]
  /// The epoch it is part of, counted from 0.
  public var epoch: Int
  /// Feeds dropout, with numbers of this batch alone.
  public var generator: Generator

  public init(rows: Tensor, inputs: [Tensor] = [], epoch: Int, generator: Generator) {
    self.rows = rows
    self.inputs = inputs
    self.epoch = epoch
    self.generator = generator
  }
}

/// How a stage is optimised: over shuffled batches, the last partial one kept. What recipes say of auto-encoders.
public struct StageSettings: Codable, Sendable, Equatable {
  public var epochs: Int
  public var batchSize: Int
  public var learningRate: Double
  /// The learning rate is multiplied by this after every epoch, or every ``TrainingStage/decayInterval`` batches.
  public var learningRateDecay: Double
  /// L2 strength, added to the gradient as Adam does; with AdamW the share by which weights shrink.
  public var weightDecay: Double

  // What methods set and recipes of this type do not.
  public var rule = Optimizer.Rule.adam()
  /// The part of all steps during which the learning rate rises.
  public var warmUp = 0.0
  /// Whether it then falls linearly, to be 0 after the last step.
  public var fallsToZero = false
  /// Whether ``weightDecay`` spares biases and the gains of norms.
  public var decaysMatricesAlone = false
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

extension StageTrainer {
  /// Trains the stage "head" of `model` on the labelled memes; `loss` sees rows of ``Problem/labelled``.
  ///
  /// - Parameter decayEpochs: Epochs between two decays of the learning rate.
  func trainHead(
    of model: any Classifier, _ parameters: [Tensor], on problem: Problem, settings: StageSettings,
    decayEpochs: Int = 1,
    loss: @escaping (_ rows: Tensor, _ generator: Generator) -> Tensor
  ) throws {
    var stage = TrainingStage(
      name: "head", parameters: parameters, exampleCount: problem.labelled.count, settings: settings,
      classifier: model, loss: loss)
    stage.decayInterval = decayEpochs * stage.batchCount
    try train([stage], seed: problem.seed)
  }

  /// Trains a network and its head on the labelled memes with cross-entropy.
  ///
  /// - Parameters:
  ///   - buffers: Running statistics of the network.
  ///   - views: Makes the pictures of a batch; `nil` where there are none, or the network reads them as they are.
  ///   - logits: Of memes by their rows in the problem's features, and of their views.
  func trainWhole(
    _ model: any Classifier, _ parameters: LayeredParameters, buffers: [Tensor] = [], on problem: Problem,
    weights: ClassWeights, settings: StageSettings, tuning: FineTuning, views: PictureViews? = nil,
    logits: @escaping (_ memes: [Int], _ views: Tensor?, _ generator: Generator) -> Tensor
  ) throws {
    let targets = problem.targets
    let loss = weights.loss(for: targets)
    var trained = tuning.trained(parameters)
    if settings.decaysMatricesAlone { trained.restrictDecayToMatrices() }
    var stage = TrainingStage(
      name: "head", parameters: trained.values, buffers: buffers, exampleCount: problem.labelled.count,
      settings: settings, classifier: model,
      batchLoss: { batch in
        let chosen: [Int] = batch.rows.values()
        return loss(logits(chosen.map { problem.labelled[$0] }, batch.inputs.first, batch.generator), batch.rows)
      })
    stage.scales = trained.scales
    stage.microBatch = tuning.microBatch
    stage.exampleWeights = weights.exampleWeights(for: targets)
    if let views {
      stage.preparation = { rows, epoch in [views(rows.map { problem.labelled[$0] }, epoch: epoch)] }
    }
    try train([stage], seed: problem.seed)
  }
}
