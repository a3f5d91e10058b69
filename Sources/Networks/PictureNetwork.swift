import Torch

/// A network that turns pictures into vectors and can be trained.
public protocol PictureNetwork {
  /// Numbers of one vector.
  var width: Int { get }
  /// Running statistics, which passes while training change; in a fixed order.
  var buffers: [Tensor] { get }

  /// Vectors [N, width] of pictures [N, 3, S, S], normalised as the network's weights want them.
  ///
  /// - Parameter generator: Given while training, for what is drawn at random; statistics are then the batch's.
  func callAsFunction(_ pictures: Tensor, using generator: Generator?) -> Tensor
}

extension PictureNetwork {
  public var buffers: [Tensor] { [] }
}
