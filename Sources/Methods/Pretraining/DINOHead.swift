import Torch
import TorchNN

/// The projection that DINO's student and teacher are compared by: three layers, length 1, a weight-normalised layer.
///
/// Source: reference file 08 §1; key names are those of facebookresearch/dino.
public struct DINOHead {
  /// Widths of a head.
  public struct Configuration: Codable, Sendable, Equatable {
    public var hidden = 2048
    /// Width of the vectors of length 1.
    public var bottleneck = 256
    /// Numbers that the softmax is over.
    public var outputs = 65_536
    /// Whether the rows of the last layer keep length 1.
    public var fixesGain = true

    public init() {}

    enum CodingKeys: String, CodingKey {
      case hidden, bottleneck, outputs
      case fixesGain = "fixes_gain"
    }
  }

  private let layers: [Linear]
  /// Directions of the last layer's rows.
  let directions: Tensor  // [K, B]
  /// Lengths of the last layer's rows; `nil` where all are 1.
  let gains: Tensor?  // [K, 1]

  public init(inputs: Int, _ configuration: Configuration, in scope: Scope) {
    let widths = [inputs, configuration.hidden, configuration.hidden, configuration.bottleneck]
    // The published code's layers 1 and 3 are GELU and have no parameters.
    layers = (0..<3).map {
      .transformer(inputs: widths[$0], outputs: widths[$0 + 1], in: scope["mlp"][2 * $0])
    }
    let (outputs, width) = (configuration.outputs, configuration.bottleneck)
    directions = scope["last_layer"].parameter("weight_v", [outputs, width], .fanIn(width))
    gains = configuration.fixesGain ? nil : scope["last_layer"].parameter("weight_g", [outputs, 1], .constant(1))
  }

  /// The parameters of the last layer.
  var lastLayer: [Tensor] { [directions] + (gains.map { [$0] } ?? []) }

  /// Outputs [N, K] of features [N, D].
  public func callAsFunction(_ features: Tensor) -> Tensor {
    let hidden = layers[1](layers[0](features).gelu()).gelu()
    let projected = layers[2](hidden).to(.float32).normalized()
    let rows = directions.to(.float32).normalized()
    return projected.linear(weight: gains.map { rows * $0.to(.float32) } ?? rows, bias: nil).to(.float32)
  }
}
