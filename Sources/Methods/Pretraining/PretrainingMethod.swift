import Encoders
import MemeData
import Networks
import Torch
import TorchNN

/// A way to train networks on memes without labels.
public protocol PretrainingMethod: ConfiguredMethod {
  /// The networks for pictures that it trains, in a fixed order.
  var backbones: [BackboneSettings] { get set }
  /// What its networks start from, those for texts too.
  var initialWeights: [InitialWeights] { get }
  /// The networks that it leaves, one for each of ``backbones``.
  var descriptions: [PretrainedDescription.Network] { get }
  /// How they are optimised.
  var training: PretrainingSchedule { get set }
  /// What it reads of memes.
  var request: FeatureRequest { get }

  /// Lets its networks for texts, where it trains such, start from those of a run where that has one of the same sizes beside
  /// each of ``backbones``. What lies on either network begins anew.
  mutating func startTexts(from networks: [PretrainedDescription.Network], of run: InitialWeights)

  /// Values that parameters start from instead of random ones, by their paths: those of ``initialWeights``. They stay in the
  /// mapped files, so that asking for them tells before any long work whether the names stand for something that fits.
  func initialValues() throws -> [String: Tensor]

  /// Makes the networks and says how they are trained.
  ///
  /// - Parameters:
  ///   - memes: Rows of the features to learn from; all have what the method reads.
  ///   - probe: What is looked at after each epoch.
  ///   - device: Where the networks are trained.
  func prepared(
    for memes: [Int], of features: FeatureTable, probe: PretrainingProbe, seed: UInt64, device: Device
  ) throws -> PreparedPretraining
}

extension PretrainingMethod {
  public var initialWeights: [InitialWeights] { backbones.map(\.weights) }

  public mutating func startTexts(from networks: [PretrainedDescription.Network], of run: InitialWeights) {}

  /// Lets the networks for pictures start from weights: one for each of ``backbones``, or the same for all.
  ///
  /// - Throws: ``MethodError`` for another number of them.
  public mutating func start(from weights: [InitialWeights]) throws {
    guard weights.count == backbones.count || weights.count == 1 else {
      let trained = backbones.count == 1 ? "one network" : "\(backbones.count) networks"
      let wanted = backbones.count == 1 ? "one" : "one for all or \(backbones.count)"
      throw MethodError(
        "\(Self.name) trains \(trained), and \(weights.count) starting points are named; name \(wanted)")
    }
    for index in backbones.indices { backbones[index].weights = weights[min(index, weights.count - 1)] }
  }
}

/// A pretraining that can begin.
public struct PreparedPretraining {
  public var stage: TrainingStage
  /// The networks that it leaves.
  public var networks: [Network]
  /// What is measured of them before the first step.
  public var before: StageObservation

  public struct Network {
    public var description: PretrainedDescription.Network
    /// Parameters and running statistics by their paths in the backbone.
    public var values: [String: Tensor]
    /// The same of the network for texts, where there is one.
    public var textValues: [String: Tensor]?
  }
}

/// Every pretraining that a recipe can name.
public enum PretrainingCatalog {
  public static let all: [any PretrainingMethod.Type] = [DINO.self, CASS.self, CLIPPretraining.self, CASSMM.self]

  /// The method of that name; `nil` where there is none.
  public static func method(named name: String) -> (any PretrainingMethod.Type)? { all.first { $0.name == name } }
}

/// How a pretraining is optimised: everything changes from step to step, and the last partial batch is left out.
public struct PretrainingSchedule: Codable, Sendable, Equatable {
  public enum Rule: String, Codable, Sendable, CaseIterable {
    case adam
    case adamW = "adamw"
    /// With momentum 0.9.
    case sgd
  }

  public var rule = Rule.adamW
  /// 0 for networks that stay as they begin but for their batch statistics, which become those of the pictures: a control.
  public var epochs = 100
  public var batchSize = 64
  /// After the rise; from there it falls to ``finalLearningRate`` along half a cosine.
  public var learningRate = 5e-4
  public var finalLearningRate = 1e-6
  /// Epochs during which the learning rate rises from 0.
  public var warmUpEpochs = 10
  /// Changes to ``finalWeightDecay`` along half a cosine; matrices alone decay.
  public var weightDecay = 0.04
  public var finalWeightDecay = 0.4
  /// The largest norm of each tensor's gradient; 0 for any.
  public var gradientClip = 3.0

  public init() {}

  enum CodingKeys: String, CodingKey {
    case rule, epochs
    case batchSize = "batch_size"
    case learningRate = "learning_rate"
    case finalLearningRate = "final_learning_rate"
    case warmUpEpochs = "warm_up_epochs"
    case weightDecay = "weight_decay"
    case finalWeightDecay = "final_weight_decay"
    case gradientClip = "gradient_clip"
  }

  func check(_ check: inout SettingsCheck) {
    check.require(epochs, in: 0...100_000, "training.epochs")
    check.require(batchSize, in: 2...1_000_000, "training.batch_size")
    check.require(learningRate, in: 1e-12...1e3, "training.learning_rate")
    check.require(finalLearningRate, in: 0...1e3, "training.final_learning_rate")
    check.require(warmUpEpochs, in: 0...100_000, "training.warm_up_epochs")
    check.require(weightDecay, in: 0...1e3, "training.weight_decay")
    check.require(finalWeightDecay, in: 0...1e3, "training.final_weight_decay")
    check.require(gradientClip, in: 0...1e6, "training.gradient_clip")
  }

  /// What to do about too few examples: one of them is never a batch.
  private static func remedy(_ exampleCount: Int, readsTexts: Bool) -> String {
    let more = "give more data (--data may be repeated)"
    if exampleCount > 1 { return "\(more), or --set settings.training.batch_size=\(max(2, exampleCount / 2))" }
    return readsTexts ? "\(more), or take a method that reads no texts, \(DINO.name) or \(CASS.name)" : more
  }

  /// Refuses fewer examples than a batch has.
  ///
  /// - Parameters:
  ///   - name: Of the method.
  ///   - request: What each example has.
  ///   - isRead: Whether pictures that cannot be read are known by now, and left out.
  /// - Throws: ``MethodError``
  public func requireBatch(of exampleCount: Int, for name: String, request: FeatureRequest, isRead: Bool) throws {
    guard exampleCount < batchSize else { return }
    let parts = "a picture" + (isRead ? " that can be read" : "") + (request.readsTokens ? " and a text" : "")
    throw MethodError(
      "\(name): \(exampleCount) of the training memes have \(parts), expected at least the \(batchSize) of a batch; "
        + Self.remedy(exampleCount, readsTexts: request.readsTokens))
  }

  /// A stage that is trained so.
  ///
  /// - Parameter request: What each example has.
  /// - Throws: ``MethodError`` where there are fewer examples than a batch has.
  func stage(
    named name: String, parameters: [Tensor], buffers: [Tensor], exampleCount: Int, request: FeatureRequest,
    loss: @escaping (TrainingBatch) -> Tensor
  ) throws -> TrainingStage {
    try requireBatch(of: exampleCount, for: name, request: request, isRead: true)
    var settings = StageSettings(
      epochs: epochs, batchSize: batchSize, learningRate: learningRate, learningRateDecay: 1, weightDecay: weightDecay)
    settings.rule =
      switch rule {
      case .adam: .adam()
      case .adamW: .adam(decoupled: true)
      case .sgd: .sgd(momentum: 0.9)
      }
    var stage = TrainingStage(
      name: name, parameters: parameters, buffers: buffers, exampleCount: exampleCount, settings: settings,
      batchLoss: loss)
    stage.dropsPartialBatch = true
    stage.scales = parameters.map { Optimizer.Scale(decay: $0.rank > 1 ? 1 : 0) }
    let perEpoch = stage.batchCount
    let rate = ValueSchedule(
      base: learningRate, end: finalLearningRate, warmUpSteps: warmUpEpochs * perEpoch, stepCount: epochs * perEpoch)
    let decay = ValueSchedule(base: weightDecay, end: finalWeightDecay, stepCount: epochs * perEpoch)
    stage.schedule = { Optimizer.Rates(learning: rate.value(at: $0), weightDecay: decay.value(at: $0)) }
    if gradientClip > 0 { stage.beforeStep = { [gradientClip] in $1.clipEachGradient(toNorm: gradientClip) } }
    return stage
  }
}

extension PictureViews {
  /// Several views of each of the given memes, uint8 [V · N, 3, S, S], view by view.
  ///
  /// - Parameter views: Their numbers.
  func callAsFunction(_ memes: [Int], epoch: Int, views: Range<Int>) -> Tensor {
    .concatenated(views.map { self(memes, epoch: epoch, view: $0) }, along: 0)
  }
}
