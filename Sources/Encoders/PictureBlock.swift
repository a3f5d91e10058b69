import MemeData
import Torch

/// The pictures of a list of memes, squashed to squares of bytes; they stay in the mapped files of a cache until a batch is
/// asked for.
///
/// N pictures, S rows and columns.
public struct PictureBlock {
  private let rows: SequenceBlock
  /// Rows and columns.
  public let side: Int
  /// Whether each meme has a picture.
  public let isPresent: [Bool]

  init(rows: SequenceBlock, side: Int) {
    precondition(rows.width == 3 * side * side, "rows of \(rows.width) for pictures of \(side) × \(side)")
    self.rows = rows
    self.side = side
    isPresent = rows.lengths.map { $0 > 0 }
  }

  /// What ``pixels(of:side:)`` made of pictures at hand; `nil` stands for a missing one.
  init(_ pictures: [Tensor?], side: Int) {
    let pixels = pictures.compactMap { $0?.reshaped(to: [1, 3 * side * side]) }
    let bytes = pixels.isEmpty ? Tensor.zeros([0, 3 * side * side], dtype: .uint8) : .concatenated(pixels, along: 0)
    self.init(rows: SequenceBlock(states: bytes, lengths: pictures.map { $0 == nil ? 0 : 1 }), side: side)
  }

  public var count: Int { isPresent.count }

  /// As many memes, none of which has a picture.
  var emptied: PictureBlock { PictureBlock(rows: rows.emptied, side: side) }

  /// The given pictures, uint8 [N, 3, S, S]; those of memes without one are black.
  public func gathered(_ indices: [Int]) -> Tensor {
    rows.gathered(indices).aligned.reshaped(to: [indices.count, 3, side, side])
  }

  /// 1 for each of the given memes that has a picture and 0 for the others, float32 [N].
  public func presence(_ indices: [Int]) -> Tensor {
    Tensor(indices.map { isPresent[$0] ? Float(1) : 0 }, shape: [indices.count])
  }

  /// The bytes [1, 3, S, S] of one picture, in row-major memory.
  static func pixels(of image: RGBImage, side: Int) -> Tensor {
    withInferenceMode { image.squashed(to: side).contiguous() }
  }
}
