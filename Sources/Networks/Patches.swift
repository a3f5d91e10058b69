// What transformers over the patches of pictures share.
//
// Shapes: N pictures, D width, G rows and columns of a grid of patches.
import Torch

extension Tensor {
  /// The tokens [N, 1 + H · W, D] of a map [N, D, H, W] of patches, the class token [1, 1, D] before them.
  func patchTokens(after classToken: Tensor) -> Tensor {
    let (count, width) = (shape[0], shape[1])
    let tokens = reshaped(to: [count, width, shape[2] * shape[3]]).transposed(1, 2)
    return .concatenated([classToken.broadcast(to: [count, 1, width]), tokens], along: 1)
  }

  /// Positions [1, 1 + G², D], the first of which stays, with the grid [1, D, G, G] of the others resized.
  func resizingGrid(side: Int, _ resized: (Tensor) -> Tensor) -> Tensor {
    let width = shape[2]
    let grid = resized(
      sliced(1..<side * side + 1, along: 1).reshaped(to: [1, side, side, width]).permuted(to: [0, 3, 1, 2]))
    let rows = grid.permuted(to: [0, 2, 3, 1]).reshaped(to: [1, grid.shape[2] * grid.shape[3], width])
    return .concatenated([sliced(0..<1, along: 1), rows], along: 1)
  }
}
