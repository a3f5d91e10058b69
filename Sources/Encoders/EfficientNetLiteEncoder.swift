import Foundation
import MemeData
import Torch
import TorchNN

/// Features of pictures from EfficientNet-Lite0 trained on ImageNet.
///
/// A picture is squashed to 224 × 224 by antialiased bicubic interpolation of its bytes, which is Pillow's within 1.
public final class EfficientNetLiteEncoder: RegionEncoder {
  public let width: Int
  /// The fastest measured: activations of more pictures leave the processor's cache.
  public let preferredBatchSize: Int
  private let network: EfficientNetLite

  /// - Parameter checkpoint: A state dict of efficientnet-lite-pytorch, with or without its classifier.
  /// - Throws: `CheckpointError` or `ParameterMismatch`.
  public convenience init(checkpoint: URL, computation: Computation = Computation()) throws {
    let weights = try Checkpoint(contentsOf: checkpoint, isMapped: true)
    try self.init(.lite0, weights: weights.tensors, computation: computation)
    weights.releasePages()
  }

  init(
    _ configuration: EfficientNetLiteConfiguration, weights: [String: Tensor], computation: Computation
  ) throws {
    preferredBatchSize = computation.device == .cpu ? 8 : 64
    let store = ParameterStore(loading: weights.filter { !$0.key.hasPrefix("_fc.") })
    network = EfficientNetLite(
      configuration, computation: computation, batchSize: preferredBatchSize, in: store.root)
    try store.validate()
    width = configuration.width
  }

  public var inputSide: Int { network.configuration.side }

  public func pixels(of image: RGBImage) -> Tensor { withInferenceMode { image.squashed(to: inputSide) } }

  public var regionWidth: Int { width }

  public func cells(_ pixels: [Tensor]) -> Tensor {
    withInferenceMode { network.map(Tensor.concatenated(pixels, along: 0)).to(.cpu).cells }
  }

  public func encode(_ pixels: [Tensor]) -> Tensor {
    withInferenceMode { network(Tensor.concatenated(pixels, along: 0)).to(.cpu) }
  }
}
