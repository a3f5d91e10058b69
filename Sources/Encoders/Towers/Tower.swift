// Shapes: N images or texts, T tokens of all texts, D width, S side of an image.
import Torch

/// A network that sees pictures, in two steps: what a picture's features are before and after the last projection.
protocol ImageTower: Sendable {
  var pooledWidth: Int { get }
  var embeddingWidth: Int { get }
  /// How many pictures are encoded in one call on the CPU.
  var batchSize: Int { get }
  var computation: Computation { get }

  /// Features [N, pooledWidth], float32, of normalised pixels [N, 3, S, S], float32.
  func pooled(_ pixels: Tensor) -> Tensor
  /// Features [N, embeddingWidth] in the space that pictures and texts share.
  func projected(_ pooled: Tensor) -> Tensor
}

/// A network that reads texts, in two steps: what a text's features are before and after the last projection.
protocol TextTower: Sendable {
  var pooledWidth: Int { get }
  var embeddingWidth: Int { get }
  var computation: Computation { get }

  /// Features [N, pooledWidth], float32, of N texts in the order given.
  func pooled(_ texts: [[Int32]]) -> Tensor
  /// Features [N, embeddingWidth] in the space that pictures and texts share.
  func projected(_ pooled: Tensor) -> Tensor
  /// The states [T, D], float32, of every token after the last normalisation, one text after the other.
  func states(_ texts: [[Int32]]) -> Tensor
}
