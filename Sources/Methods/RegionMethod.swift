import Encoders
import Foundation
import Networks
import Torch
import TorchNN

/// Where a method takes regions from, as recipes say it: `grid`, or a detector's file.
public struct RegionSetting: Codable, Sendable, Equatable {
  public var source: RegionSource

  public init(_ source: RegionSource = .grid) { self.source = source }

  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().filledText(expected: "grid, or a detector's file")
    source = text == "grid" ? .grid : .file(URL(filePath: text))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch source {
    case .grid: try container.encode("grid")
    case .file(let file): try container.encode(file.path)
    }
  }
}

/// The head that SemiMemes puts on VisualBERT and LXMERT: two layers with dropout and nothing else between.
public struct LinearHead {
  /// Width and rate of a head.
  public struct Configuration: Codable, Sendable, Equatable {
    public var hidden = 128
    public var dropoutRate = 0.3

    public init() {}

    enum CodingKeys: String, CodingKey {
      case hidden
      case dropoutRate = "dropout_rate"
    }
  }

  private let hidden: Linear
  private let output: Linear
  private let dropout: Dropout

  init(_ configuration: Configuration, inputs: Int, outputs: Int, in scope: Scope) {
    hidden = Linear(inputs: inputs, outputs: configuration.hidden, in: scope["hidden"])
    output = Linear(inputs: configuration.hidden, outputs: outputs, in: scope["output"])
    dropout = Dropout(rate: configuration.dropoutRate)
  }

  /// Logits [N, C], float32; `generator` is given while training.
  func callAsFunction(_ x: Tensor, using generator: Generator?) -> Tensor {
    output(dropout(hidden(x), using: generator)).to(.float32)
  }
}

/// A network over the tokens of a text and the regions of a picture. A value of it is the sizes: a recipe's `network`.
public protocol RegionNetwork: Codable, Sendable, Equatable {
  /// The name and the line of the method that trains it.
  static var methodName: String { get }
  static var summary: String { get }
  /// What stands before its keys in published models that have a head.
  static var keyPrefix: String { get }
  /// The weights [D, F] that a region's F features meet first, which a plain BERT has not.
  static var regionKey: String { get }

  /// The published sizes.
  init()

  /// Of the pooled vectors.
  var width: Int { get }
  /// Tokens of a text at most.
  var textLength: Int { get }
  /// What token ids lie below.
  var vocabularySize: Int { get }

  /// Refuses sizes that no network can be made of.
  func check(_ check: inout SettingsCheck)

  /// Where its layers lie.
  func layers(regionWidth: Int) -> any LayeredShape

  /// The network for regions of `regionWidth` features, its parameters taken from `scope`.
  ///
  /// - Parameter isRecomputed: Whether the backward pass computes layers once more.
  func network(regionWidth: Int, isRecomputed: Bool, in scope: Scope) -> RegionModel.Network
}

/// A published network with regions, fine-tuned whole with a head for any task, labelled memes only.
public struct RegionMethod<Network: RegionNetwork>: Method {
  public static var name: String { Network.methodName }
  public static var summary: String { Network.summary }

  public var network = Network()
  public var head = LinearHead.Configuration()
  public var regions = RegionSetting()
  /// A model of the hub to start from or a file of its weights, or `lite`, the default text encoder, for what a BERT has of
  /// it; or `random`.
  public var weights = InitialWeights.random
  public var classWeights = ClassWeights.none
  public var fineTuning = FineTuning()
  public var training = NetworkTraining(epochs: 5, batchSize: 64, learningRate: 2e-5)

  public init() {}

  enum CodingKeys: String, CodingKey {
    case network, head, regions, weights, training
    case classWeights = "class_weights"
    case fineTuning = "fine_tuning"
  }

  public var request: FeatureRequest {
    FeatureRequest(readsFeatures: false, readsTokens: true, regions: regions.source)
  }

  public var initialWeights: [InitialWeights] { [weights] }

  public func initialValues() throws -> [String: Tensor] {
    guard let model = weights.model else { return [:] }
    // Of deeper published weights the first layers are taken; how wide regions are does not matter to their number.
    let counts = network.layers(regionWidth: 0).layerCounts
    let found = try PretrainedWeights.bert(of: model, headPrefix: Network.keyPrefix).keepingLayers(counts)
    // What a plain BERT lacks starts at random, but for layers on texts; weights of the network itself are whole.
    if let regions = found[Network.regionKey] {
      try PretrainedWeights.requireFit(found, of: model) {
        _ = network.network(regionWidth: regions.shape.last ?? 0, isRecomputed: false, in: $0)
      }
    } else {
      let path = "encoder.layer."
      let wanted = counts[path] ?? 0
      let there = (0..<wanted).count { layer in found.keys.contains { $0.hasPrefix("\(path)\(layer).") } }
      guard there == wanted else {
        throw MethodError(
          "the weights of \(model) have \(there) layers for texts and the network has \(wanted): give it fewer, name other "
            + "weights, or take weights: random")
      }
    }
    return found.withPrefix("network.")
  }

  public func model(for shape: ProblemShape, in scope: Scope) -> RegionModel {
    let regionWidth = shape.regionWidth ?? 0
    let made = network.network(
      regionWidth: regionWidth, isRecomputed: fineTuning.recomputesLayers, in: scope["network"])
    let head = LinearHead(head, inputs: network.width, outputs: shape.outputCount, in: scope["head"])
    return RegionModel(
      network: made, head: head, textLength: network.textLength, vocabularySize: network.vocabularySize,
      device: scope.device, isExclusive: shape.task.kind == .multiclass,
      parameters: LayeredParameters(
        network: scope["network"], of: network.layers(regionWidth: regionWidth), head: scope["head"]))
  }

  public var fault: String? {
    var check = SettingsCheck()
    network.check(&check)
    check.require(network.textLength, in: 2...512, "network.text_length")
    check.require(head)
    check.require(training, "training")
    check.require(fineTuning)
    return check.fault
  }

  public func refusal(of problem: Problem) -> String? { problem.refusalOfTokens(for: weights) }

  public func fit(_ model: RegionModel, to problem: Problem, trainer: any StageTrainer) throws {
    try trainer.trainWhole(
      model, model.parameters, on: problem, weights: classWeights, settings: training.stageSettings, tuning: fineTuning
    ) { memes, _, generator in model.logits(problem.features, memes, using: generator) }
  }
}

/// A network on the tokens of a text and the regions of a picture with a head.
public struct RegionModel: Classifier {
  /// The pooled vectors of a batch; the generator is given while training.
  public typealias Network = (
    _ tokens: TokenBatch, _ features: Tensor, _ boxes: Tensor, _ hasRegions: Tensor, _ generator: Generator?
  ) -> Tensor

  let network: Network
  let head: LinearHead
  let textLength: Int
  let vocabularySize: Int
  let device: Device
  let isExclusive: Bool
  let parameters: LayeredParameters

  /// Logits [N, C] of the given memes; `generator` is given while training.
  func logits(_ features: FeatureTable, _ rows: [Int], using generator: Generator?) -> Tensor {
    let tokens = TokenBatch(
      rows.map { features.requestedIDs[$0] }, limit: textLength, vocabularySize: vocabularySize,
      device: device)
    let regions = features.requestedRegions.gathered(rows)
    let pooled = network(
      tokens, regions.features.to(device), regions.boxes.to(device), regions.isPresent.to(device), generator)
    return head(pooled, using: generator)
  }

  public func probabilities(of features: FeatureTable) -> Tensor {
    features.probabilities(isExclusive: isExclusive) { logits(features, $0, using: nil) }
  }
}

extension Problem {
  /// Why a network that knows BERT's words and starts from these weights cannot read the texts; `nil` where it can.
  func refusalOfTokens(for weights: InitialWeights) -> String? {
    var text = TextNetworkSettings()
    text.weights = weights
    return text.refusal(
      of: features, by: "the encoder's tokenizer", remedy: "an encoder with that tokenizer (--encoder lite)")
  }
}
