import MemeData
import Torch

extension RGBImage {
  /// The bytes [1, 3, H, W], whose memory goes channel by channel in every pixel.
  var tensor: Tensor {
    pixels.withUnsafeBytes { Tensor(copying: $0, dtype: .uint8, shape: [1, height, width, 3]) }
      .permuted(to: [0, 3, 1, 2])
  }

  /// The bytes [1, 3, side, side] of the whole picture by antialiased bicubic interpolation, which is Pillow's within 1.
  func squashed(to side: Int) -> Tensor { tensor.resizedBicubic(height: side, width: side) }
}
