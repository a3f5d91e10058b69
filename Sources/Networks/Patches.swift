// What transformers over the patches of pictures share.
//
// Shapes: N pictures, D width, G rows and columns of a grid of patches.
import Torch
import TorchNN

/// Maps squares of pictures to tokens: a convolution whose stride is its kernel, computed as the one product that it is.
struct PatchEmbedding {
  private let projection: Convolution
  private let side: Int

  /// - Parameter initializer: Of the weights; PyTorch's default where `nil`.
  init(side: Int, width: Int, initializer: Initializer? = nil, in scope: Scope) {
    self.side = side
    projection = Convolution(inputs: 3, outputs: width, kernel: side, stride: side, initializer: initializer, in: scope)
  }

  /// The tokens [N, 1 + H · W, D] of pictures [N, 3, S, S], the class token [1, 1, D] before them, and the rows and columns
  /// H and W of patches; what is left of a picture at the end is dropped.
  func callAsFunction(_ pictures: Tensor, after classToken: Tensor) -> (tokens: Tensor, height: Int, width: Int) {
    let (count, height, width) = (pictures.shape[0], pictures.shape[2] / side, pictures.shape[3] / side)
    let whole = pictures.sliced(0..<height * side, along: 2).sliced(0..<width * side, along: 3)
    // Weights lie with channels innermost, so that this order of a patch needs no copy of theirs.
    let patches = whole.to(projection.weight.dtype)
      .reshaped(to: [count, 3, height, side, width, side]).permuted(to: [0, 2, 4, 3, 5, 1])
      .reshaped(to: [count, height * width, -1])
    let matrix = projection.weight.permuted(to: [0, 2, 3, 1]).reshaped(to: [projection.weight.shape[0], -1])
    let mapped = patches.linear(weight: matrix, bias: projection.bias)
    let first = classToken.broadcast(to: [count, 1, mapped.shape[2]])
    return (.concatenated([first, mapped], along: 1), height, width)
  }
}

extension Tensor {
  /// Positions [1, 1 + G², D], the first of which stays, with the grid [1, D, G, G] of the others resized.
  func resizingGrid(side: Int, _ resized: (Tensor) -> Tensor) -> Tensor {
    let width = shape[2]
    let grid = resized(
      sliced(1..<side * side + 1, along: 1).reshaped(to: [1, side, side, width]).permuted(to: [0, 3, 1, 2]))
    let rows = grid.permuted(to: [0, 2, 3, 1]).reshaped(to: [1, grid.shape[2] * grid.shape[3], width])
    return .concatenated([sliced(0..<1, along: 1), rows], along: 1)
  }
}
