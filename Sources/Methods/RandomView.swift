import Foundation
import Torch

/// A random part of each picture at the picture's size, half of them mirrored: what two views of a picture differ in.
///
/// Shares and shapes of parts are those of torchvision's `RandomResizedCrop`; a part that would be larger than the picture
/// is cut where that draws again.
enum RandomView {
  /// Parts of pictures [N, 3, S, S].
  static func of(_ pictures: Tensor, using generator: Generator) -> Tensor {
    let count = pictures.shape[0]
    let drawn = Tensor(empty: [5, count], device: pictures.device)
    drawn.fillUniform(from: 0, to: 1, using: generator)
    let area = drawn.selected(0) * 0.92 + 0.08
    let ratio = ((drawn.selected(1) * 2 - 1) * Foundation.log(4.0 / 3)).exp()
    let width = (area * ratio).squareRoot().clamped(min: nil, max: 1)
    let height = (area / ratio).squareRoot().clamped(min: nil, max: 1)
    let x = (drawn.selected(2) * 2 - 1) * (1 - width)
    let y = (drawn.selected(3) * 2 - 1) * (1 - height)
    let mirrored = (width * -1).selected(where: drawn.selected(4) .> 0.5, otherwise: width)
    let zero = Tensor.zeros([count], device: pictures.device)
    let maps = Tensor.stacked([mirrored, zero, x, zero, height, y], along: 1).reshaped(to: [count, 2, 3])
    return pictures.resampled(by: maps)
  }
}
