// SimCLIP: one shallow projection for image and text, and a head on how alike the two are.
//
// Paper: Huertas-García et al., "A CLIP-based siamese approach for meme classification", arXiv 2409.05772. Specification:
// reference file 05 (read from jahuerta92/meme-classification-simclip @ 9686911, class ClipNormModel).

import Encoders
import Torch
import TorchNN

/// SimCLIP, and with `siamese: false` its ablation with a projection for each modality.
///
/// Features are expected with length 1, as Hugging Face's CLIPModel gives them. Binary tasks have one output instead of
/// the published two, weighted alike.
public struct SimCLIP: Method {
  /// How projected vectors are scaled.
  public enum Normalization: String, Codable, Sendable, CaseIterable {
    /// To length 1, as the paper says.
    case euclidean
    /// Divided by `1 / Σ 1/|xⱼ|`, as the published code does by mistake (reference 05 §8).
    case inverse

    func callAsFunction(_ x: Tensor) -> Tensor {
      switch self {
      case .euclidean: return x.normalized()
      case .inverse:
        let norm = x.absolute().raised(to: -1).sum(along: 1, keepingRank: true).raised(to: -1)
        return x / norm.clamped(min: 1e-12)
      }
    }
  }

  /// Widths and rates of the network.
  public struct Configuration: Codable, Sendable, Equatable {
    /// Whether both modalities share the projection; their features must then be of one width.
    public var isSiamese = true
    /// Width of the projection; the head is four times as wide.
    public var projectionWidth = 128
    public var normalization = Normalization.euclidean
    public var dropoutRate = 0.1

    public init() {}

    enum CodingKeys: String, CodingKey {
      case isSiamese = "siamese"
      case projectionWidth = "projection_width"
      case normalization
      case dropoutRate = "dropout_rate"
    }
  }

  public static let name = "simclip"
  public static let summary = "image and text through one projection, a head on their likeness, labelled memes only"

  public var scaling = FeatureScaling.none
  public var network = Configuration()
  public var classWeights = ClassWeights.balanced
  public var training = AdamWTraining()

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
    let normalization: Normalization
    let head: Head
    let isExclusive: Bool
    let isSiamese: Bool

    var parameters: [Tensor] {
      (isSiamese ? [image] : [image, text]).flatMap { [$0.weight, $0.bias!] } + head.parameters
    }

    /// Logits [N, C]; `generator` is given while training.
    func logits(_ features: PreparedFeatures, using generator: Generator? = nil) -> Tensor {
      let i = normalization(image(features.image.gelu()).to(.float32))  // [N, P]
      let t = normalization(text(features.text.gelu()).to(.float32))
      return head(.concatenated([i, t, (i - t).absolute(), i * t], along: 1), using: generator)
    }

    public func probabilities(of features: FeatureTable) -> Tensor {
      withoutGrad { HeadLoss.crossEntropy.probabilities(logits(preparation(features)), isExclusive: isExclusive) }
    }
  }

  public func model(for shape: ProblemShape, in scope: Scope) -> Model {
    let isShared = network.isSiamese && shape.imageWidth == shape.textWidth
    let width = network.projectionWidth
    let image = Linear(
      inputs: shape.imageWidth, outputs: width, in: scope[isShared ? "projection" : "image_projection"])
    return Model(
      preparation: FeaturePreparation(scaling: scaling, shape: shape, in: scope["preparation"]), image: image,
      text: isShared ? image : Linear(inputs: shape.textWidth, outputs: width, in: scope["text_projection"]),
      normalization: network.normalization,
      head: Head(width: 4 * width, outputs: shape.outputCount, dropoutRate: network.dropoutRate, in: scope["head"]),
      isExclusive: shape.task.kind == .multiclass, isSiamese: isShared)
  }

  public var fault: String? {
    var check = SettingsCheck()
    check.require(network.projectionWidth, in: 1...16_384, "network.projection_width")
    check.require(network.dropoutRate, in: 0...0.99, "network.dropout_rate")
    check.require(training, "training")
    return check.fault
  }

  public func refusal(of problem: Problem) -> String? {
    let shape = problem.shape
    guard network.isSiamese, shape.imageWidth != shape.textWidth else { return nil }
    return
      "images have \(shape.imageWidth) features and texts \(shape.textWidth), so that no projection can serve both: "
      + "take an encoder that maps both to one space, or one for each (--set settings.network.siamese=false)"
  }

  public func fit(_ model: Model, to problem: Problem, trainer: any StageTrainer) throws {
    model.preparation.fit(problem.features)
    let features = model.preparation(problem.features).gathered(Tensor(problem.labelled))
    let loss = classWeights.loss(for: Targets(problem.labels, task: problem.task))
    try trainer.trainHead(of: model, model.parameters, on: problem, settings: training.stageSettings) {
      rows, generator in
      loss(model.logits(features.gathered(rows), using: generator), rows)
    }
  }
}

extension SimCLIP {
  /// Dropout, then twice norm, linear, GELU, dropout, then norm, linear, GELU, linear (reference 05 §1).
  struct Head {
    private let norms: [LayerNorm]
    private let layers: [Linear]
    private let output: Linear
    private let dropout: Dropout

    init(width: Int, outputs: Int, dropoutRate: Double, in scope: Scope) {
      norms = (0..<3).map { LayerNorm(width: width, in: scope["norms"][$0]) }
      layers = (0..<3).map { Linear(inputs: width, outputs: width, in: scope["layers"][$0]) }
      output = Linear(inputs: width, outputs: outputs, in: scope["output"])
      dropout = Dropout(rate: dropoutRate)
    }

    var parameters: [Tensor] {
      norms.flatMap { [$0.weight, $0.bias] } + (layers + [output]).flatMap { [$0.weight, $0.bias!] }
    }

    /// Logits [N, C] of joined features [N, 4P].
    func callAsFunction(_ x: Tensor, using generator: Generator?) -> Tensor {
      var hidden = dropout(x, using: generator)
      for (index, (norm, layer)) in zip(norms, layers).enumerated() {
        hidden = layer(norm(hidden)).gelu()
        if index < 2 { hidden = dropout(hidden, using: generator) }
      }
      return output(hidden).to(.float32)
    }
  }
}
