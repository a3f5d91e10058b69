// BERT + ResNet-18: a path of its own for the frozen features of either modality, then layers on both.
//
// The seed's project page names the parts and gives no sizes; those of the default are reference file 06's.

import Encoders
import Torch
import TorchNN

/// The sentiment classifier on frozen features, of any pair of encoders.
public struct BertResNet18: Method {
  /// Widths and rates of the network.
  public struct Configuration: Codable, Sendable, Equatable {
    /// Of either path.
    public var pathWidth = 256
    /// Of the layer on both.
    public var fusedWidth = 128
    public var dropoutRate = 0.3

    public init() {}

    enum CodingKeys: String, CodingKey {
      case pathWidth = "path_width"
      case fusedWidth = "fused_width"
      case dropoutRate = "dropout_rate"
    }
  }

  public static let name = "bert-resnet18"
  public static let summary =
    "a path for image and text each and layers on both: the sentiment model, labelled memes only"

  public var scaling = FeatureScaling.none
  public var network = Configuration()
  /// The seed leaves classes as unequal as they are; its model then stays below the majority class.
  public var classWeights = ClassWeights.none
  public var training = StageSettings(
    epochs: 10, batchSize: 32, learningRate: 1e-3, learningRateDecay: 1, weightDecay: 0)

  public init() {}

  enum CodingKeys: String, CodingKey {
    case scaling, network, training
    case classWeights = "class_weights"
  }

  /// The trained network.
  public struct Model: Classifier {
    let preparation: FeaturePreparation
    let image: Linear
    let text: Linear
    let fused: Linear
    let output: Linear
    let dropout: Dropout
    let isExclusive: Bool

    var parameters: [Tensor] { [image, text, fused, output].flatMap { [$0.weight, $0.bias!] } }

    /// Logits [N, C]; `generator` is given while training.
    func logits(_ features: PreparedFeatures, using generator: Generator? = nil) -> Tensor {
      let i = dropout(image(features.image).relu(), using: generator)
      let t = dropout(text(features.text).relu(), using: generator)
      return output(fused(.concatenated([t, i], along: 1)).relu()).to(.float32)
    }

    public func probabilities(of features: FeatureTable) -> Tensor {
      withoutGrad { HeadLoss.crossEntropy.probabilities(logits(preparation(features)), isExclusive: isExclusive) }
    }
  }

  public func model(for shape: ProblemShape, in scope: Scope) -> Model {
    let width = network.pathWidth
    return Model(
      preparation: FeaturePreparation(scaling: scaling, shape: shape, in: scope["preparation"]),
      image: Linear(inputs: shape.imageWidth, outputs: width, in: scope["image"]),
      text: Linear(inputs: shape.textWidth, outputs: width, in: scope["text"]),
      fused: Linear(inputs: 2 * width, outputs: network.fusedWidth, in: scope["fused"]),
      output: Linear(inputs: network.fusedWidth, outputs: shape.outputCount, in: scope["output"]),
      dropout: Dropout(rate: network.dropoutRate), isExclusive: shape.task.kind == .multiclass)
  }

  public var fault: String? {
    var check = SettingsCheck()
    check.require(network.pathWidth, in: 1...16_384, "network.path_width")
    check.require(network.fusedWidth, in: 1...16_384, "network.fused_width")
    check.require(network.dropoutRate, in: 0...0.99, "network.dropout_rate")
    check.require(training, "training")
    return check.fault
  }

  public func fit(_ model: Model, to problem: Problem, trainer: any StageTrainer) throws {
    model.preparation.fit(problem.features)
    let features = model.preparation(problem.features).gathered(Tensor(problem.labelled))
    let loss = classWeights.loss(for: problem.targets)
    try trainer.trainHead(of: model, model.parameters, on: problem, settings: training) { rows, generator in
      loss(model.logits(features.gathered(rows), using: generator), rows)
    }
  }
}
