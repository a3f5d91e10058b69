import Torch
import TorchNN

/// A network for pictures that pretraining and fine-tuning know by name.
public struct Backbone: Sendable, Equatable, CustomStringConvertible {
  private enum Architecture: Sendable, Equatable {
    case resNet(ResNetConfiguration)
    /// Its `side` is set where the network is made.
    case visionTransformer(VisionTransformerConfiguration)
  }

  public let name: String
  private let architecture: Architecture

  public var description: String { name }

  /// Those there are, the smallest of a kind first; `nano` are for tests and first tries.
  public static let all: [Backbone] = [
    Backbone(
      name: "resnet-nano",
      architecture: .resNet(.init(block: .basic, depths: [1, 1, 1, 1], channels: [8, 8, 16, 16]))),
    Backbone(name: "resnet18", architecture: .resNet(.resnet18)),
    Backbone(name: "resnet50", architecture: .resNet(.resnet50)),
    transformer("vit-nano16", width: 24, layerCount: 2, headCount: 3),
    transformer("vit-tiny16", width: 192, layerCount: 12, headCount: 3),
    transformer("vit-s16", width: 384, layerCount: 12, headCount: 6),
    transformer("vit-b16", width: 768, layerCount: 12, headCount: 12),
  ]

  private static func transformer(_ name: String, width: Int, layerCount: Int, headCount: Int) -> Backbone {
    Backbone(
      name: name,
      architecture: .visionTransformer(
        .init(side: 224, patch: 16, width: width, layerCount: layerCount, headCount: headCount)))
  }

  /// The network of that name; `nil` where there is none.
  public static func named(_ name: String) -> Backbone? { all.first { $0.name == name } }

  /// What a side of a picture must be a multiple of; `nil` for convolutions, which take any.
  public var patch: Int? {
    if case .visionTransformer(let configuration) = architecture { configuration.patch } else { nil }
  }

  /// Numbers of a vector.
  public var width: Int {
    switch architecture {
    case .resNet(let configuration): configuration.width
    case .visionTransformer(let configuration): configuration.width
    }
  }

  /// A parameter that the network has and others have not.
  public var tellingKey: String { patch == nil ? "conv1.weight" : Self.positionKey }

  private static let positionKey = "pos_embed"

  /// The network with its parameters from a scope.
  ///
  /// - Parameters:
  ///   - side: Rows and columns of the pictures that positions are made for; those of others are interpolated.
  ///   - dropPathRate: The largest rate at which blocks of a transformer are skipped while training.
  ///   - frozenLayers: Layers whose parameters are not trained: a ResNet's running statistics stay there too.
  public func network(
    side: Int, dropPathRate: Double = 0, frozenLayers: Int = 0, in scope: Scope
  ) -> any PictureNetwork {
    switch architecture {
    case .resNet(let configuration): return ResNet(configuration, frozenStages: frozenLayers, in: scope)
    case .visionTransformer(var configuration):
      configuration.side = side
      configuration.dropPathRate = dropPathRate
      return VisionTransformer(configuration, in: scope)
    }
  }

  /// Weights of the network with positions for pictures of another side interpolated, as timm does. What is no grid of
  /// positions of this network is left as it is: whoever checks the weights then names it.
  public func fitted(_ weights: [String: Tensor], side: Int) -> [String: Tensor] {
    guard let patch, let positions = weights[Self.positionKey], positions.rank == 3, positions.dtype.isFloatingPoint
    else { return weights }
    let (given, wanted) = (Int(Double(positions.shape[1]).squareRoot()), side / patch)
    guard given != wanted, positions.shape == [1, given * given + 1, width] else { return weights }
    var fitted = weights
    fitted[Self.positionKey] = positions.to(.float32).resizingGrid(side: given) {
      $0.resizedBicubic(height: wanted, width: wanted)
    }
    return fitted
  }
}

extension Backbone: LayeredShape {
  /// Blocks of a transformer, stages of a ResNet.
  public var depth: Int {
    switch architecture {
    case .resNet(let configuration): configuration.depths.count
    case .visionTransformer(let configuration): configuration.layerCount
    }
  }

  public var layerCounts: [String: Int] { patch == nil ? [:] : ["blocks.": depth] }

  public func depth(of key: String) -> Int {
    if patch == nil { return (1...depth).first { key.hasPrefix("layer\($0).") } ?? 0 }
    if key.hasPrefix("norm.") { return depth + 1 }
    return number(in: key, after: "blocks.").map { $0 + 1 } ?? 0
  }
}

extension Backbone: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let name = try container.decode(String.self)
    guard let found = Backbone.named(name) else {
      throw DecodingError.dataCorruptedError(
        in: container,
        debugDescription: "there is no backbone '\(name)'; there are "
          + Backbone.all.map(\.name).joined(separator: ", "))
    }
    self = found
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(name)
  }
}
