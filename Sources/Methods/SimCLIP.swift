// SimCLIP: one shallow projection for image and text, and a head on how alike the two are.
//
// Paper: Huertas-García et al., "A CLIP-based siamese approach for meme classification", arXiv 2409.05772. Specification:
// reference file 05 (read from jahuerta92/meme-classification-simclip @ 9686911, class ClipNormModel).

import Encoders
import MemeData
import Torch
import TorchNN

/// SimCLIP, and with `siamese: false` its ablation with a projection for each modality.
///
/// Features are expected with length 1, as Hugging Face's CLIPModel gives them. Binary tasks have one output instead of
/// the published two, weighted alike. Several tasks share the projection and have a head each, whose losses are averaged.
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

  public static let learnsSeveralTasks = true

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
    /// One for each task.
    let heads: [Head]
    let tasks: [LabelTask]
    let isSiamese: Bool

    var parameters: [Tensor] {
      (isSiamese ? [image] : [image, text]).flatMap { [$0.weight, $0.bias!] } + heads.flatMap(\.parameters)
    }

    /// Logits [N, C] for each task; `generator` is given while training.
    func logits(_ features: PreparedFeatures, using generator: Generator? = nil) -> [Tensor] {
      let i = normalization(image(features.image.gelu()).to(.float32))  // [N, P]
      let t = normalization(text(features.text.gelu()).to(.float32))
      let joined = Tensor.concatenated([i, t, (i - t).absolute(), i * t], along: 1)
      return heads.map { $0(joined, using: generator) }
    }

    public func probabilities(of features: FeatureTable) -> Tensor {
      withoutGrad {
        let each = zip(tasks, logits(preparation(features))).map { task, logits in
          HeadLoss.crossEntropy.probabilities(logits, isExclusive: task.kind == .multiclass)
        }
        return .concatenated(each, along: 1)
      }
    }
  }

  public func model(for shape: ProblemShape, in scope: Scope) -> Model {
    let isShared = network.isSiamese && shape.imageWidth == shape.textWidth
    let width = network.projectionWidth
    let image = Linear(
      inputs: shape.imageWidth, outputs: width, in: scope[isShared ? "projection" : "image_projection"])
    let text = isShared ? image : Linear(inputs: shape.textWidth, outputs: width, in: scope["text_projection"])
    let heads = shape.tasks.enumerated().map { index, task in
      Head(
        width: 4 * width, outputs: task.outputCount, dropoutRate: network.dropoutRate,
        in: index == 0 ? scope["head"] : scope["further_heads"][index - 1])
    }
    return Model(
      preparation: FeaturePreparation(scaling: scaling, shape: shape, in: scope["preparation"]), image: image,
      text: text, normalization: network.normalization, heads: heads, tasks: shape.tasks, isSiamese: isShared)
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
    let loss = loss(of: problem)
    try trainer.trainHead(of: model, model.parameters, on: problem, settings: training.stageSettings) {
      rows, generator in
      loss(model.logits(features.gathered(rows), using: generator), rows)
    }
  }

  /// The mean of the tasks' losses on a batch (reference 05 §2), each over the memes that are labelled for it; a task that
  /// no meme of the batch is labelled for is left out. Rows are those of ``Problem/labelled``.
  func loss(of problem: Problem) -> (_ logits: [Tensor], _ rows: Tensor) -> Tensor {
    let main = classWeights.loss(for: problem.targets)
    let further = problem.further.map { entry in
      let known = entry.labels.indices.filter { entry.labels[$0] != nil }
      // Where the label of a row stands among those there are.
      let places = Dictionary(uniqueKeysWithValues: known.enumerated().map { ($1, $0) })
      return (
        places,
        classWeights.loss(for: Targets(known.map { entry.labels[$0]! }, task: entry.task, device: problem.device))
      )
    }
    return { logits, rows in
      let batch: [Int] = further.isEmpty ? [] : rows.values()
      let losses = zip(further, logits.dropFirst()).compactMap { entry, logits -> Tensor? in
        let (places, loss) = entry
        let known = batch.indices.filter { places[batch[$0]] != nil }
        guard !known.isEmpty else { return nil }
        return loss(logits.gathered(Tensor(known)), Tensor(known.map { places[batch[$0]]! }))
      }
      return losses.reduce(main(logits[0], rows), +) / Double(losses.count + 1)
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
