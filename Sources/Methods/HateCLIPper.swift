// Hate-CLIPper: frozen CLIP features of image and text, projected to one space and multiplied there.
//
// Paper: Kumar, Nandakumar, "Hate-CLIPper: Multimodal Hateful Meme Classification based on Cross-modal Interaction of CLIP
// Features", NLP4PI at EMNLP 2022, arXiv 2210.05916. Specification: reference file 04 (read from gokulkarthik/hateclipper
// @ 86ad7f1 and the paper).

import Encoders
import Torch
import TorchNN

/// Hate-CLIPper with each of its fusions.
///
/// Binary and multi-label tasks take a sigmoid for each output with binary cross-entropy, exclusive classes the softmax.
public struct HateCLIPper: Method {
  /// How the two projected vectors of a meme become one.
  public enum Fusion: String, Codable, Sendable, CaseIterable {
    /// Their elementwise product: n features.
    case align
    /// Their outer product, the image's index first: n² features.
    case cross
    /// One beside the other: 2n features.
    case concat
    /// The product and both: 3n features.
    case alignConcat = "align_concat"

    func width(of n: Int) -> Int {
      switch self {
      case .align: n
      case .cross: n * n
      case .concat: 2 * n
      case .alignConcat: 3 * n
      }
    }
  }

  /// Widths, depths and rates of the network.
  public struct Configuration: Codable, Sendable, Equatable {
    public var fusion = Fusion.align
    /// Width n of the common space.
    public var mapWidth = 1024
    /// Layers of either projection.
    public var mapDepth = 1
    /// Width m of the layers after the fusion.
    public var preOutputWidth = 1024
    public var preOutputDepth = 1
    public var mapDropoutRate = 0.1
    public var fusionDropoutRate = 0.4
    public var preOutputDropoutRate = 0.2

    public init() {}

    enum CodingKeys: String, CodingKey {
      case fusion
      case mapWidth = "map_width"
      case mapDepth = "map_depth"
      case preOutputWidth = "pre_output_width"
      case preOutputDepth = "pre_output_depth"
      case mapDropoutRate = "map_dropout_rate"
      case fusionDropoutRate = "fusion_dropout_rate"
      case preOutputDropoutRate = "pre_output_dropout_rate"
    }
  }

  public static let name = "hate-clipper"
  public static let summary = "image and text projected to one space and multiplied there, labelled memes only"

  public var scaling = FeatureScaling.none
  public var network = Configuration()
  public var training = AdamWTraining()

  public init() {}

  /// The trained network.
  public struct Model: Classifier {
    let preparation: FeaturePreparation
    let image: Projection
    let text: Projection
    let head: FusionHead
    let isExclusive: Bool

    var parameters: [Tensor] { image.parameters + text.parameters + head.parameters }

    /// Logits [N, C]; `generator` is given while training.
    func logits(_ features: PreparedFeatures, using generator: Generator? = nil) -> Tensor {
      head(
        image: image(features.image, using: generator).normalized(),
        text: text(features.text, using: generator).normalized(), using: generator)
    }

    public func probabilities(of features: FeatureTable) -> Tensor {
      withoutGrad { HeadLoss.crossEntropy.probabilities(logits(preparation(features)), isExclusive: isExclusive) }
    }
  }

  public func model(for shape: ProblemShape, in scope: Scope) -> Model {
    Model(
      preparation: FeaturePreparation(scaling: scaling, shape: shape, in: scope["preparation"]),
      image: Projection(inputs: shape.imageWidth, configuration: network, in: scope["image"]),
      text: Projection(inputs: shape.textWidth, configuration: network, in: scope["text"]),
      head: FusionHead(outputs: shape.outputCount, configuration: network, in: scope["head"]),
      isExclusive: shape.task.kind == .multiclass)
  }

  public var fault: String? {
    var check = SettingsCheck()
    // The square of the widest still is a layer that a machine can hold.
    check.require(network.mapWidth, in: 1...4096, "network.map_width")
    check.require(network.mapDepth, in: 1...16, "network.map_depth")
    check.require(network.preOutputWidth, in: 1...4096, "network.pre_output_width")
    check.require(network.preOutputDepth, in: 1...16, "network.pre_output_depth")
    check.require(network.mapDropoutRate, in: 0...0.99, "network.map_dropout_rate")
    check.require(network.fusionDropoutRate, in: 0...0.99, "network.fusion_dropout_rate")
    check.require(network.preOutputDropoutRate, in: 0...0.99, "network.pre_output_dropout_rate")
    check.require(training, "training")
    return check.fault
  }

  public func fit(_ model: Model, to problem: Problem, trainer: any StageTrainer) throws {
    model.preparation.fit(problem.features)
    let features = model.preparation(problem.features).gathered(Tensor(problem.labelled))
    let loss = problem.targets.crossEntropy
    try trainer.trainHead(of: model, model.parameters, on: problem, settings: training.stageSettings) {
      rows, generator in
      loss(model.logits(features.gathered(rows), using: generator), rows)
    }
  }
}

extension HateCLIPper {
  /// Maps one modality to the common space: Linear and dropout, further layers behind a rectifier (reference 04 §2).
  struct Projection {
    private let layers: [Linear]
    private let dropout: Dropout

    init(inputs: Int, configuration: Configuration, in scope: Scope) {
      let width = configuration.mapWidth
      layers = (0..<configuration.mapDepth).map { index in
        Linear(inputs: index == 0 ? inputs : width, outputs: width, in: scope[index])
      }
      dropout = Dropout(rate: configuration.mapDropoutRate)
    }

    var parameters: [Tensor] { layers.flatMap { [$0.weight, $0.bias!] } }

    func callAsFunction(_ x: Tensor, using generator: Generator?) -> Tensor {
      layers.dropFirst().reduce(dropout(layers[0](x), using: generator)) { mapped, layer in
        dropout(layer(mapped.relu()), using: generator)
      }
    }
  }

  /// Fuses two vectors of the common space and maps them to logits (reference 04 §2).
  struct FusionHead {
    /// Columns of the outer product that stand in memory at once. n² of them never do: 1024² for a batch of 64 would
    /// take a quarter of a gigabyte.
    private static let columnLimit = 1 << 16

    private let fusion: Fusion
    private let layers: [Linear]
    private let output: Linear
    private let fusionDropout: Dropout
    private let dropout: Dropout

    init(outputs: Int, configuration: Configuration, in scope: Scope) {
      let width = configuration.preOutputWidth
      fusion = configuration.fusion
      layers = (0..<configuration.preOutputDepth).map { index in
        Linear(
          inputs: index == 0 ? configuration.fusion.width(of: configuration.mapWidth) : width, outputs: width,
          in: scope["pre_output"][index])
      }
      output = Linear(inputs: width, outputs: outputs, in: scope["output"])
      fusionDropout = Dropout(rate: configuration.fusionDropoutRate)
      dropout = Dropout(rate: configuration.preOutputDropoutRate)
    }

    var parameters: [Tensor] { (layers + [output]).flatMap { [$0.weight, $0.bias!] } }

    /// Logits [N, C] of vectors [N, n].
    func callAsFunction(image: Tensor, text: Tensor, using generator: Generator?) -> Tensor {
      let first = dropout(fused(image, text, using: generator).relu(), using: generator)
      let hidden = layers.dropFirst().reduce(first) { dropout($1($0).relu(), using: generator) }
      return output(hidden).to(.float32)
    }

    /// The first layer's result on the fused vectors: [N, m].
    private func fused(_ image: Tensor, _ text: Tensor, using generator: Generator?) -> Tensor {
      switch fusion {
      case .align: layers[0](fusionDropout(image * text, using: generator))
      case .cross: crossed(image, text, using: generator)
      case .concat: layers[0](fusionDropout(.concatenated([image, text], along: 1), using: generator))
      case .alignConcat:
        layers[0](fusionDropout(.concatenated([image * text, image, text], along: 1), using: generator))
      }
    }

    /// `W · vec(image textᵀ) + b`, some rows of the outer product after the other.
    private func crossed(_ image: Tensor, _ text: Tensor, using generator: Generator?) -> Tensor {
      let (count, n) = (image.shape[0], image.shape[1])
      let rows = max(1, Self.columnLimit / n)
      let parts = stride(from: 0, to: n, by: rows).map { start in
        let end = min(start + rows, n)
        let product = image.sliced(start..<end, along: 1).expanded(at: 2) * text.expanded(at: 1)
        return fusionDropout(product.reshaped(to: [count, (end - start) * n]), using: generator)
          .linear(
            weight: layers[0].weight.sliced(start * n..<end * n, along: 1), bias: start == 0 ? layers[0].bias : nil)
      }
      return parts.dropFirst().reduce(parts[0], +)
    }
  }
}
