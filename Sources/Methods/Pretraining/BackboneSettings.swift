import Encoders
import Networks
import Torch
import TorchNN

/// A network for pictures and what it starts from, as recipes say it.
public struct BackboneSettings: Codable, Sendable, Equatable {
  public var name: Backbone
  /// A model of the hub in timm's layout, a file of weights in that or torchvision's, the run of a pretraining, or `random`.
  public var weights: InitialWeights

  public init(_ name: String, weights: InitialWeights = .random) {
    guard let backbone = Backbone.named(name) else { preconditionFailure("there is no backbone '\(name)'") }
    self.name = backbone
    self.weights = weights
  }

  /// A ResNet's last stage sees a single pixel of a smaller picture; libtorch's gradient of its bfloat16 convolutions then
  /// has numbers that were never written.
  static let leastSide = 32

  /// What the network starts from for pictures of `side`, by its own paths; nothing for random weights.
  func initialValues(side: Int) throws -> [String: Tensor] {
    try weights.model.map { name.fitted(try PretrainedWeights.backbone(name, of: $0), side: side) } ?? [:]
  }

  /// The classifier of the weights by the names of a layer, where it has so many outputs: what published weights have on
  /// their backbone.
  func classifierValues(outputs: Int) throws -> [String: Tensor] {
    guard let model = weights.model else { return [:] }
    let all = try EncoderCatalog.weights(of: model, for: name)
    let found = ["fc.", "head."].map { all.below($0) }.first { $0["weight"]?.shape == [outputs, name.width] }
    return found ?? [:]
  }

  func check(_ check: inout SettingsCheck, sides: [(name: String, value: Int)]) {
    for side in sides {
      check.require(side.value, in: Self.leastSide...2048, side.name)
      check.require(
        name.patch.map { side.value.isMultiple(of: $0) } ?? true,
        "\(side.name) is \(side.value); for \(name) it must be a multiple of \(name.patch ?? 1)")
    }
  }
}
