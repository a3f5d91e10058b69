// TIB-VA: the states of a text's tokens through an LSTM, the image beside them, and a head for each label.
//
// Paper: Hakimov, Cheema, Ewerth, "TIB-VA at SemEval-2022 Task 5: A Multimodal Architecture for the Detection and
// Classification of Misogynous Memes", arXiv 2204.06299. Specification: reference file 03 (read from
// TIBHannover/multimodal-misogyny-detection-mami-2022 @ 85ebb1a).

import Encoders
import Torch
import TorchNN

/// TIB-VA on frozen features: labelled memes only.
///
/// The published task has five labels, each with a head of its own: with several labels there is one head for each, and
/// the losses are added. A binary task has one head. Exclusive classes, which were not published, take the softmax over
/// their heads.
public struct TIBVA: Method {
  /// Widths and rates of the network.
  public struct Configuration: Codable, Sendable, Equatable {
    /// Width of the image layer, of the LSTM's state and of the layer that joins them.
    public var hidden = 256
    public var dropoutRate = 0.2
    /// Whether the LSTM reads the padding behind a text too, as published: it ends at the same place for all of them.
    public var readsPadding = true

    public init() {}

    enum CodingKeys: String, CodingKey {
      case hidden
      case dropoutRate = "dropout_rate"
      case readsPadding = "reads_padding"
    }
  }

  /// How all of it is optimised: Adam with weight decay in the gradient, the rate falling by steps.
  public struct Training: Codable, Sendable, Equatable {
    public var epochs = 20
    public var batchSize = 64
    public var learningRate = 1e-4
    public var weightDecay = 1e-4
    /// Adam's constants.
    public var beta1 = 0.99
    public var beta2 = 0.98
    /// The learning rate is multiplied by this after every ``decayEpochs`` epochs.
    public var learningRateDecay = 0.5
    public var decayEpochs = 5
    /// The largest norm of the gradient; 0 for any.
    public var gradientClip = 1.0

    public init() {}

    enum CodingKeys: String, CodingKey {
      case epochs
      case batchSize = "batch_size"
      case learningRate = "learning_rate"
      case weightDecay = "weight_decay"
      case beta1 = "beta_1"
      case beta2 = "beta_2"
      case learningRateDecay = "learning_rate_decay"
      case decayEpochs = "decay_epochs"
      case gradientClip = "gradient_clip"
    }

    var stageSettings: StageSettings {
      var settings = StageSettings(
        epochs: epochs, batchSize: batchSize, learningRate: learningRate, learningRateDecay: learningRateDecay,
        weightDecay: weightDecay)
      settings.rule = .adam(beta1: beta1, beta2: beta2)
      settings.gradientClip = gradientClip
      return settings
    }
  }

  public static let name = "tib-va"
  public static let summary = "the text's tokens through an LSTM, the image beside them, labelled memes only"

  public var scaling = FeatureScaling.none
  public var network = Configuration()
  public var training = Training()

  public init() {}

  public var request: FeatureRequest { FeatureRequest(tokenStates: network.readsPadding ? .padded : .content) }

  /// The trained network.
  ///
  /// N memes, L tokens of the longest text, I and T features of an image and a token, H hidden width, C outputs.
  public struct Model: Classifier {
    let image: BlockPreparation
    let tokens: BlockPreparation
    let visual: Linear
    let lstm: LSTM
    let joint: Linear
    /// The published heads, one in each row.
    let heads: Linear
    let dropout: Dropout
    let isExclusive: Bool

    var parameters: [Tensor] {
      [lstm.inputWeights, lstm.stateWeights] + [visual, joint, heads].flatMap { [$0.weight, $0.bias!] }
    }

    /// Logits [N, C] of prepared images [N, I] and states [N, L, T]; `generator` is given while training.
    func logits(
      image: Tensor, tokens: (states: Tensor, lengths: [Int]), using generator: Generator? = nil
    ) -> Tensor {
      let seen = dropout(visual(image).relu(), using: generator)  // [N, H]
      let read = dropout(lstm.lastState(tokens.states, lengths: tokens.lengths), using: generator)
      return heads(joint(.concatenated([seen.to(read.dtype), read], along: 1)).relu()).to(.float32)
    }

    public func probabilities(of features: FeatureTable) -> Tensor {
      guard let block = features.tokens else { preconditionFailure("TIB-VA needs the states of tokens") }
      return withoutGrad {
        let images = image(features.image)
        let parts = block.chunks.map { rows in
          logits(image: images.gathered(Tensor(rows)), tokens: tokens(block.gathered(rows)))
        }
        return HeadLoss.crossEntropy.probabilities(.concatenated(parts, along: 0), isExclusive: isExclusive)
      }
    }
  }

  public func model(for shape: ProblemShape, in scope: Scope) -> Model {
    let (hidden, preparation) = (network.hidden, scope["preparation"])
    return Model(
      image: BlockPreparation(scaling: scaling, width: shape.imageWidth, in: preparation["image"]),
      tokens: BlockPreparation(scaling: scaling, width: shape.textWidth, in: preparation["tokens"]),
      visual: Linear(inputs: shape.imageWidth, outputs: hidden, in: scope["visual"]),
      lstm: LSTM(inputs: shape.textWidth, hidden: hidden, in: scope["lstm"]),
      joint: Linear(inputs: 2 * hidden, outputs: hidden, in: scope["joint"]),
      heads: Linear(inputs: hidden, outputs: shape.outputCount, in: scope["heads"]),
      dropout: Dropout(rate: network.dropoutRate), isExclusive: shape.task.kind == .multiclass)
  }

  public var fault: String? {
    var check = SettingsCheck()
    check.require(network.hidden, in: 1...16_384, "network.hidden")
    check.require(network.dropoutRate, in: 0...0.99, "network.dropout_rate")
    check.require(training.stageSettings, "training")
    check.require(training.beta1, in: 0...0.999_999, "training.beta_1")
    check.require(training.beta2, in: 0...0.999_999, "training.beta_2")
    check.require(training.decayEpochs, in: 1...100_000, "training.decay_epochs")
    check.require(training.gradientClip, in: 0...1e6, "training.gradient_clip")
    return check.fault
  }

  public func refusal(of problem: Problem) -> String? {
    problem.features.tokens == nil ? "it reads the states of a text's tokens, and the features have none" : nil
  }

  public func fit(_ model: Model, to problem: Problem, trainer: any StageTrainer) throws {
    let features = problem.features
    guard let tokens = features.tokens else { preconditionFailure("TIB-VA needs the states of tokens") }
    model.image.fit(features.image)
    model.tokens.fit(tokens)
    let images = model.image(features.image).gathered(Tensor(problem.labelled))
    let texts = tokens.gathered(problem.labelled)
    let loss = loss(problem.targets)
    try trainer.trainHead(
      of: model, model.parameters, on: problem, settings: training.stageSettings, decayEpochs: training.decayEpochs
    ) { rows, generator in
      loss(
        model.logits(
          image: images.gathered(rows), tokens: model.tokens(texts.gathered(rows.values())), using: generator), rows)
    }
  }

  /// The loss of logits and the rows of `targets` they belong to: that of each head is a mean, and all are added.
  func loss(_ targets: Targets) -> (_ logits: Tensor, _ rows: Tensor) -> Tensor {
    let mean = targets.crossEntropy
    guard targets.classes == nil else { return mean }
    return { mean($0, $1) * Double($0.shape[1]) }
  }
}
