import Networks
import Torch
import TorchNN

/// How the parts of a network that is trained whole are trained unlike each other, and in how much memory.
public struct FineTuning: Codable, Sendable, Equatable {
  /// Layers that stay as they are, counted from the embeddings, which then stay too; 0 for none.
  public var frozenLayers = 0
  /// The network's learning rate as a part of the head's.
  public var networkRate = 1.0
  /// The learning rate of a layer as a part of the next one's (ELECTRA, arXiv:2003.10555; BEiT, arXiv:2106.08254).
  public var layerDecay = 1.0
  /// Examples whose gradient is computed at once; a batch's gradients are added up. 0 for the whole batch.
  public var microBatch = 0
  /// Whether the backward pass computes layers once more, so that less must be kept of each.
  public var recomputesLayers = false

  public init() {}

  enum CodingKeys: String, CodingKey {
    case frozenLayers = "frozen_layers"
    case networkRate = "network_rate"
    case layerDecay = "layer_decay"
    case microBatch = "micro_batch"
    case recomputesLayers = "recomputes_layers"
  }

  /// What is trained of a network and its head. What is not asks for no gradient from here on.
  func trained(_ parameters: LayeredParameters) -> TrainedParameters {
    var trained = TrainedParameters()
    for (value, depth) in parameters.network {
      guard frozenLayers == 0 || depth > frozenLayers else {
        value.requiringGrad(false)
        continue
      }
      let layersAbove = parameters.depth + 1 - depth
      let rate = (0..<layersAbove).reduce(networkRate) { rate, _ in rate * layerDecay }
      trained.values.append(value)
      trained.scales.append(Optimizer.Scale(rate: rate))
    }
    trained.values += parameters.head
    trained.scales += parameters.head.map { _ in Optimizer.Scale() }
    return trained
  }
}

/// What an optimizer steps, and how each differs from the others.
struct TrainedParameters {
  var values: [Tensor] = []
  var scales: [Optimizer.Scale] = []

  /// Lets nothing but matrices decay: neither biases nor the gains of norms.
  mutating func restrictDecayToMatrices() {
    for (index, value) in values.enumerated() where value.rank < 2 { scales[index].decay = 0 }
  }
}

/// The parameters of a network, each with the depth of its layer, and those of the head on it.
struct LayeredParameters {
  let network: [(value: Tensor, depth: Int)]
  let head: [Tensor]
  /// Layers of the network.
  let depth: Int

  /// - Parameters:
  ///   - network: Where all of the network's parameters have been taken from.
  ///   - further: Networks beside it, whose parameters all lie as deep as what follows its layers.
  ///   - head: The same of the head.
  init(network: Scope, of shape: some LayeredShape, beside further: Scope? = nil, head: Scope) {
    self.network =
      network.namedParameters.map { ($0.value, shape.depth(of: $0.name)) }
      + (further?.parameters ?? []).map { ($0, shape.depth + 1) }
    self.head = head.parameters
    depth = shape.depth
  }
}
