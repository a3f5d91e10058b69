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
    Backbone(
      name: "vit-nano/16",
      architecture: .visionTransformer(.init(side: 224, patch: 16, width: 24, layerCount: 2, headCount: 3))),
    Backbone(name: "vit-tiny/16", architecture: .visionTransformer(.tiny16())),
    Backbone(
      name: "vit-s/16",
      architecture: .visionTransformer(.init(side: 224, patch: 16, width: 384, layerCount: 12, headCount: 6))),
    Backbone(name: "vit-b/16", architecture: .visionTransformer(.base16())),
  ]

  /// The network of that name, `vit-b-16` being `vit-b/16`; `nil` where there is none.
  public static func named(_ name: String) -> Backbone? {
    let name = name.hasSuffix("-16") ? name.dropLast(3) + "/16" : name
    return all.first { $0.name == name }
  }

  /// What a side of a picture must be a multiple of.
  public var patch: Int? {
    if case .visionTransformer(let configuration) = architecture { configuration.patch } else { nil }
  }

  /// Whether whole examples pass it while others stay out of their statistics.
  public var hasBatchStatistics: Bool { patch == nil }

  /// Numbers of a vector.
  public var width: Int {
    switch architecture {
    case .resNet(let configuration): configuration.width
    case .visionTransformer(let configuration): configuration.width
    }
  }

  /// The network with its parameters from a scope.
  ///
  /// - Parameters:
  ///   - side: Rows and columns of the pictures that positions are made for; others are interpolated.
  ///   - dropPathRate: The largest rate at which blocks of a transformer are skipped while training.
  public func network(side: Int, dropPathRate: Double = 0, in scope: Scope) -> any PictureNetwork {
    switch architecture {
    case .resNet(let configuration): return ResNet(configuration, in: scope)
    case .visionTransformer(var configuration):
      configuration.side = side
      configuration.dropPathRate = dropPathRate
      return VisionTransformer(configuration, in: scope)
    }
  }

  /// The side that positions among weights were made for; `nil` where they have none.
  public func side(of positionCount: Int) -> Int? {
    guard let patch else { return nil }
    let side = Int(Double(positionCount - 1).squareRoot().rounded())
    return side > 0 && side * side + 1 == positionCount ? side * patch : nil
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
