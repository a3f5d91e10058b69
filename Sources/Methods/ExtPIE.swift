// Ext-PIE-Net: ResNet-18 and DistilBERT pretrained on memes without labels, then a classifier on their frozen vectors.
//
// Paper: Sharma, Siddiqui, Akhtar, Chakraborty, "Domain-aware Self-supervised Pre-training for Label-Efficient Meme
// Analysis", AACL 2022 (arXiv:2209.14667). Specification: reference file 11 (FPTU-Thesis-CSAI/SemiMemes and an
// independent copy of the authors' code).

import Encoders
import Foundation
import Networks
import Torch
import TorchNN

/// Ext-PIE-Net.
///
/// Pretraining sees every training meme of the dataset that has both modalities, labelled or not; the authors pretrain on
/// Hateful Memes and MMHS150K together (reference 11 §3). The classifier sees whole pictures, in training as in prediction; the
/// published code trains on random parts and predicts on others (reference 11 §4).
public struct ExtPIE: Method {
  /// The loss of pretraining (reference 11 §2) and how it is optimised.
  public struct Pretraining: Codable, Sendable, Equatable {
    /// Of the hinge between the embedding of both modalities and the image's.
    public var imageWeight = 0.2
    /// Of the hinge between the embedding of both modalities and the text's.
    public var textWeight = 0.2
    /// Of the contrast between the two views.
    public var viewWeight = 0.6
    /// What the two views of a picture differ in.
    public var augmentation = PictureAugmentation.crop
    public var margin = 0.0
    public var temperature = 0.07
    /// The learning rates of ResNet-18 and of the network for texts as parts of the heads' on them.
    public var imageRate = 1.0
    public var textRate = 1.0
    /// Epochs at one learning rate, before it takes to a cosine: see ``share(ofEpoch:batchCount:)``.
    public var constantEpochs = 10
    public var training = StageSettings(
      epochs: 100, batchSize: 32, learningRate: 1e-4, learningRateDecay: 1, weightDecay: 1e-4)

    /// What the hinge counts where a fused embedding is compared with others' and where others' are with it.
    static let hingeShares = (rows: 0.7, columns: 0.3)

    public init() {}

    enum CodingKeys: String, CodingKey {
      case augmentation, margin, temperature, training
      case imageWeight = "image_weight"
      case textWeight = "text_weight"
      case viewWeight = "view_weight"
      case imageRate = "image_rate"
      case textRate = "text_rate"
      case constantEpochs = "constant_epochs"
    }

    public init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: CodingKeys.self)
      imageWeight = try values.decode(Double.self, forKey: .imageWeight)
      textWeight = try values.decode(Double.self, forKey: .textWeight)
      viewWeight = try values.decode(Double.self, forKey: .viewWeight)
      augmentation = try values.decode(PictureAugmentation.self, forKey: .augmentation)
      margin = try values.decode(Double.self, forKey: .margin)
      temperature = try values.decode(Double.self, forKey: .temperature)
      training = try values.decode(StageSettings.self, forKey: .training)
      // Recipes from before there were these train all of it at one rate.
      imageRate = try values.decodeIfPresent(Double.self, forKey: .imageRate) ?? 1
      textRate = try values.decodeIfPresent(Double.self, forKey: .textRate) ?? 1
      constantEpochs = try values.decodeIfPresent(Int.self, forKey: .constantEpochs) ?? training.epochs
    }

    /// What of the learning rate an epoch has, counted from 0.
    ///
    /// The published code moves its cosine once an epoch, and makes half of it as many steps long as an epoch has batches
    /// (reference 11 §3): of hundreds of batches the rate hardly falls, of a few it comes to 0 and rises again.
    func share(ofEpoch epoch: Int, batchCount: Int) -> Double {
      (1 + cos(.pi * Double(max(0, epoch - constantEpochs)) / Double(batchCount))) / 2
    }

    func loss(_ found: ExtPIEHeads.Embeddings) -> Tensor {
      func hinge(_ other: Tensor) -> Tensor {
        let (rows, columns) = ContrastiveLoss.hinge(found.fused, other, margin: margin)
        return rows * Self.hingeShares.rows + columns * Self.hingeShares.columns
      }
      let views = ContrastiveLoss.normalizedTemperature(
        found.fusedViews.0, found.fusedViews.1, temperature: temperature)
      return hinge(found.image) * imageWeight + hinge(found.text) * textWeight + views * viewWeight
    }
  }

  /// How the classifier brings both vectors together.
  public enum Fusion: String, Codable, Sendable, CaseIterable {
    /// Side by side, each weighed by what the other makes of it.
    case selfAttention = "self_attention"
    /// ``PairFusion``, as SemiMemes has it.
    case pie
  }

  /// How the learning rate of the classifier changes.
  public enum TrainingSchedule: String, Codable, Sendable, CaseIterable {
    case constant
    /// The published code's: PyTorch's cycle of as many steps as the training has batches, moved by one an epoch.
    case oneCycle = "one_cycle"

    /// What of the learning rate, which the cycle begins at, an epoch has, counted from 0.
    ///
    /// The published code moves its cycle after every epoch from that of number 3 on (reference 11 §4), so that the rate goes
    /// no further than a hundred steps lead: of many batches hardly up at all, of five to 18 times what it was.
    static func cycleFactor(ofEpoch epoch: Int, of epochs: Int, batchCount: Int) -> Double {
      Schedule.oneCycle(length: epochs * batchCount).factor(at: max(0, epoch - 3))
    }
  }

  public static let name = "ext-pie"
  public static let summary =
    "ResNet-18 and DistilBERT pretrained on all memes without labels, then a classifier on their frozen vectors"

  /// Rows and columns of pictures.
  public var pictureSide = 224
  /// A model of the hub with ResNet-18's weights (`timm/resnet18.a1_in1k`) or a file of them to start from, or `random`.
  public var imageWeights = InitialWeights.random
  public var text = TextNetworkSettings()
  /// Of what pretraining compares.
  public var embeddingWidth = 512
  public var pretraining = Pretraining()
  public var fusion = Fusion.selfAttention
  public var classWeights = ClassWeights.none
  public var training = StageSettings(
    epochs: 100, batchSize: 32, learningRate: 4e-5, learningRateDecay: 1, weightDecay: 1e-4)
  public var trainingSchedule = TrainingSchedule.constant

  public init() {}

  enum CodingKeys: String, CodingKey {
    case text, pretraining, fusion, training
    case pictureSide = "picture_side"
    case imageWeights = "image_weights"
    case embeddingWidth = "embedding_width"
    case classWeights = "class_weights"
    case trainingSchedule = "training_schedule"
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    pictureSide = try values.decode(Int.self, forKey: .pictureSide)
    imageWeights = try values.decode(InitialWeights.self, forKey: .imageWeights)
    text = try values.decode(TextNetworkSettings.self, forKey: .text)
    embeddingWidth = try values.decode(Int.self, forKey: .embeddingWidth)
    pretraining = try values.decode(Pretraining.self, forKey: .pretraining)
    fusion = try values.decode(Fusion.self, forKey: .fusion)
    classWeights = try values.decode(ClassWeights.self, forKey: .classWeights)
    training = try values.decode(StageSettings.self, forKey: .training)
    // Recipes from before there was this train at one rate.
    trainingSchedule = try values.decodeIfPresent(TrainingSchedule.self, forKey: .trainingSchedule) ?? .constant
  }

  /// The trained networks.
  public struct Model: Classifier {
    let images: ResNet
    let texts: any TextNetwork
    let heads: ExtPIEHeads
    let classifier: PairClassifier
    let input: PictureInput
    let text: TextNetworkSettings
    let isExclusive: Bool
    /// What pretraining trains: all but the classifier.
    let pretrained: TrainedParameters

    /// What pretraining compares of memes that have both modalities; `views` are two of each picture [2 · N, 3, S, S].
    func embeddings(
      _ features: FeatureTable, _ rows: [Int], views: Tensor, using generator: Generator
    ) -> ExtPIEHeads.Embeddings {
      let seen = images(input(views), using: generator)
      return heads.embeddings(
        views: (seen.sliced(0..<rows.count), seen.sliced(rows.count..<2 * rows.count)),
        text: text.firstStates(texts, features, rows, using: generator))
    }

    /// What the classifier reads; the vector of a missing modality is zero.
    func vectors(_ features: FeatureTable, _ rows: [Int]) -> PreparedFeatures {
      let image = heads.vectors(images: images(input(features.requestedPictures, rows), using: nil))
      let text = heads.vectors(texts: self.text.firstStates(texts, features, rows, using: nil))
      let hasImage = features.requestedPictures.presence(rows).expanded(at: 1).to(image.device)
      return PreparedFeatures(
        image: image.to(.float32) * hasImage,
        text: text.to(.float32) * features.textPresence(rows, on: text.device))
    }

    public func probabilities(of features: FeatureTable) -> Tensor {
      features.probabilities(isExclusive: isExclusive) { classifier(vectors(features, $0)) }
    }
  }

  public var request: FeatureRequest {
    FeatureRequest(readsFeatures: false, readsTokens: true, pictureSide: pictureSide)
  }

  public var initialWeights: [InitialWeights] { [imageWeights, text.weights] }

  public func initialValues() throws -> [String: Tensor] {
    let images = try imageWeights.model.map { try PretrainedWeights.resNet18(of: $0).withPrefix("images.") } ?? [:]
    return images.merging(try text.initialValues().withPrefix("texts.")) { first, _ in first }
  }

  public func model(for shape: ProblemShape, in scope: Scope) -> Model {
    // A trunk that is not trained keeps its running statistics too.
    let images = ResNet(
      .resnet18, frozenStages: pretraining.imageRate == 0 ? ResNetConfiguration.resnet18.depths.count : 0,
      in: scope["images"])
    let texts = text.architecture.network(in: scope["texts"])
    let heads = ExtPIEHeads(
      imageWidth: images.width, textWidth: texts.width, embeddingWidth: embeddingWidth, in: scope["heads"])
    var pretrained = TrainedParameters()
    for (part, rate) in [("images", pretraining.imageRate), ("texts", pretraining.textRate), ("heads", 1.0)] {
      let parameters = scope[part].parameters
      pretrained.values += parameters
      pretrained.scales += parameters.map { _ in Optimizer.Scale(rate: rate) }
    }
    return Model(
      images: images, texts: texts, heads: heads,
      classifier: PairClassifier(
        imageWidth: images.width, textWidth: texts.width, fusion: fusion, outputs: shape.outputCount,
        in: scope["classifier"]),
      input: .imageNet(on: scope.device), text: text, isExclusive: shape.task.kind == .multiclass,
      pretrained: pretrained)
  }

  public var fault: String? {
    var check = SettingsCheck()
    check.require(pictureSide, in: 32...1024, "picture_side")
    text.check(&check, "text")
    check.require(embeddingWidth, in: 1...16_384, "embedding_width")
    check.require(pretraining.imageWeight, in: 0...1e6, "pretraining.image_weight")
    check.require(pretraining.textWeight, in: 0...1e6, "pretraining.text_weight")
    check.require(pretraining.viewWeight, in: 0...1e6, "pretraining.view_weight")
    check.require(
      ![.none, .flip].contains(pretraining.augmentation),
      "pretraining.augmentation is \(pretraining.augmentation.rawValue); two views of a picture must differ: crop, as "
        + "published, or simclr")
    check.require(pretraining.margin, in: 0...2, "pretraining.margin")
    check.require(pretraining.temperature, in: 1e-3...1e3, "pretraining.temperature")
    check.require(pretraining.imageRate, in: 0...1e3, "pretraining.image_rate")
    check.require(pretraining.textRate, in: 0...1e3, "pretraining.text_rate")
    check.require(pretraining.constantEpochs, in: 0...100_000, "pretraining.constant_epochs")
    check.require(pretraining.training, "pretraining.training")
    check.require(training, "training")
    return check.fault
  }

  public func refusal(of problem: Problem) -> String? {
    if let reason = problem.refusalOfTokens(for: text.weights) { return reason }
    let count = problem.pairs.count
    return count >= 2
      ? nil
      : "it compares memes that have both image and text; \(count) of the training memes has both, 2 are needed"
  }

  public func fit(_ model: Model, to problem: Problem, trainer: any StageTrainer) throws {
    let pairs = problem.pairs
    guard let views = pretraining.augmentation.views(of: problem, stage: "pretraining") else {
      preconditionFailure("two views of a picture that are the same")  // which `fault` refuses
    }
    var stage = TrainingStage(
      name: "pretraining", parameters: model.pretrained.values, buffers: model.images.buffers,
      exampleCount: pairs.count, settings: pretraining.training,
      batchLoss: { batch in
        let chosen: [Int] = batch.rows.values()
        return pretraining.loss(
          model.embeddings(
            problem.features, chosen.map { pairs[$0] }, views: batch.inputs[0], using: batch.generator))
      })
    stage.scales = model.pretrained.scales
    stage.scaleRate(by: pretraining.share(ofEpoch:batchCount:))
    stage.preparation = { rows, epoch in [views(rows.map { pairs[$0] }, epoch: epoch, views: 0..<2)] }
    try trainer.train([stage], seed: problem.seed)
    // The networks are frozen now, so their vectors are made once.
    let vectors = withoutGrad { model.vectorsInParts(problem.features, problem.labelled) }
    let loss = classWeights.loss(for: problem.targets)
    var head = TrainingStage(
      name: "head", parameters: model.classifier.parameters, exampleCount: problem.labelled.count, settings: training,
      classifier: model, loss: { rows, _ in loss(model.classifier(vectors.gathered(rows)), rows) })
    if trainingSchedule == .oneCycle {
      head.scaleRate { [epochs = training.epochs] epoch, batchCount in
        TrainingSchedule.cycleFactor(ofEpoch: epoch, of: epochs, batchCount: batchCount)
      }
    }
    try trainer.train([head], seed: problem.seed)
  }
}

extension ExtPIE.Model {
  /// The same some memes at a time: pictures of many need not be in memory together.
  fileprivate func vectorsInParts(_ features: FeatureTable, _ rows: [Int]) -> PreparedFeatures {
    let parts = stride(from: 0, to: rows.count, by: 32).map {
      vectors(features, Array(rows[$0..<min($0 + 32, rows.count)]))
    }
    return PreparedFeatures(
      image: .concatenated(parts.map(\.image), along: 0), text: .concatenated(parts.map(\.text), along: 0))
  }
}

extension Problem {
  /// The memes, labelled or not, that have both modalities.
  fileprivate var pairs: [Int] {
    (0..<features.count).filter { features.image.isPresent[$0] && features.text.isPresent[$0] }
  }
}

/// Ext-PIE-Net's classifier on the vectors of both modalities (reference 11 §4).
///
/// N memes, I and X widths of an image's and a text's vector.
public struct PairClassifier {
  /// How both vectors become one.
  private enum Join {
    /// Side by side, either times the share that the product of its query with the other's key has.
    case crossed(query: Linear, key: Linear)
    case fused(PairFusion)

    init(_ fusion: ExtPIE.Fusion, width: Int, in scope: Scope) {
      switch fusion {
      case .selfAttention:
        func layer(_ name: String) -> Linear { .glorot(inputs: width, outputs: max(1, width / 2), in: scope[name]) }
        self = .crossed(query: layer("query"), key: layer("key"))
      case .pie: self = .fused(PairFusion(width: width, in: scope["fusion"]))
      }
    }

    /// [N, I] or [N, 2 I] of vectors [N, I].
    func callAsFunction(_ image: Tensor, _ text: Tensor) -> Tensor {
      switch self {
      case .fused(let fusion): return fusion(image: image, text: text)
      case .crossed(let query, let key):
        func product(_ x: Tensor, _ y: Tensor) -> Tensor {
          (query(x).relu() * key(y).relu()).to(.float32).sum(along: 1, keepingRank: true)
        }
        let shares = Tensor.concatenated([product(image, text), product(text, image)], along: 1).softmax()  // [N, 2]
        return .concatenated(
          [image * shares.sliced(0..<1, along: 1), text * shares.sliced(1..<2, along: 1)], along: 1)
      }
    }
  }

  private let text: Linear
  private let join: Join
  private let layers: [Linear]
  /// What training changes.
  let parameters: [Tensor]

  /// - Parameter hidden: Widths of both hidden layers.
  init(
    imageWidth: Int, textWidth: Int, fusion: ExtPIE.Fusion, hidden: (Int, Int) = (512, 256), outputs: Int,
    in scope: Scope
  ) {
    text = .glorot(inputs: textWidth, outputs: imageWidth, in: scope["text"])
    join = Join(fusion, width: imageWidth, in: scope)
    let widths = [fusion == .pie ? imageWidth : 2 * imageWidth, hidden.0, hidden.1, outputs]
    layers = (0..<3).map { .glorot(inputs: widths[$0], outputs: widths[$0 + 1], in: scope["layers"][$0]) }
    parameters = scope.parameters
  }

  /// Logits [N, C] of vectors [N, I] and [N, X].
  func callAsFunction(_ vectors: PreparedFeatures) -> Tensor {
    let joined = join(vectors.image, text(vectors.text).tanh())
    return layers[2](layers[1](layers[0](joined).tanh()).tanh()).to(.float32)
  }
}
