import Checkpoints
import Foundation
import Torch

/// Where the regions of pictures come from.
public enum RegionSource: Sendable, Hashable {
  /// The cells of the image encoder's last map.
  case grid
  /// A safetensors file that a detector made: `keys` uint8 [n, 32], the SHA-256 of each picture's file; `features` float32
  /// or float16 [n, R, F]; `boxes` of the same type [n, R, 4], left, top, right and bottom as shares of width and height.
  case file(URL)
}

/// The regions of a list of memes' pictures. A row has the features of a region and then its box.
public struct RegionBlock {
  /// Numbers of a box.
  public static let boxWidth = 4

  private let rows: SequenceBlock

  init(rows: SequenceBlock) {
    precondition(rows.width > Self.boxWidth, "rows of \(rows.width) for regions with boxes")
    self.rows = rows
  }

  public var count: Int { rows.count }
  /// The features of one region.
  public var width: Int { rows.width - Self.boxWidth }
  /// Whether each meme's picture has regions.
  public var isPresent: [Bool] { rows.lengths.map { $0 > 0 } }

  /// The regions of the given memes, padded to the most.
  ///
  /// - Returns: features [N, R, F] and boxes [N, R, 4], zero where there is no region, and [N, R] 1 where there is one.
  public func gathered(_ indices: [Int]) -> (features: Tensor, boxes: Tensor, isPresent: Tensor) {
    let chosen = rows.gathered(indices)
    let most = max(1, chosen.lengths.max() ?? 0)
    let padded =
      chosen.lengths.allSatisfy { $0 == 0 }
      ? Tensor.zeros([indices.count, most, rows.width]) : chosen.padded
    let flags = chosen.lengths.flatMap { length in (0..<most).map { $0 < length ? Float(1) : 0 } }
    return (
      padded.sliced(0..<width, along: 2), padded.sliced(width..<rows.width, along: 2),
      Tensor(flags, shape: [indices.count, most])
    )
  }
}

extension RegionEncoder {
  /// Rows [R, F + 4] of each prepared picture: the cells of the grid with the rectangles they lie in.
  func regions(_ pixels: [Tensor]) -> [Tensor] {
    let cells = cells(pixels)  // [N, R, F]
    let boxes = gridBoxes(side: Int(Double(cells.shape[1]).squareRoot()))
    return (0..<cells.shape[0]).map { .concatenated([cells.selected($0), boxes], along: 1) }
  }
}

/// The rectangles [side², 4] of a grid's cells, row by row, as shares of the picture.
private func gridBoxes(side: Int) -> Tensor {
  let step = 1 / Float(side)
  let corners = (0..<side * side).flatMap { cell -> [Float] in
    let (x, y) = (Float(cell % side), Float(cell / side))
    return [x * step, y * step, (x + 1) * step, (y + 1) * step]
  }
  return Tensor(corners, shape: [side * side, RegionBlock.boxWidth])
}

/// The regions that a detector found, by what is in the pictures' files.
struct RegionFile: @unchecked Sendable {  // its tensors are never written
  private let rows: Tensor  // [n · R, F + 4]
  private let regionCount: Int
  private let places: [FeatureCache.Key: Int]

  /// - Throws: `CheckpointError` that says what the file lacks.
  init(_ file: URL) throws {
    let tensors = try Checkpoint(contentsOf: file, isMapped: true).tensors
    guard let keys = tensors["keys"], let features = tensors["features"], let boxes = tensors["boxes"],
      keys.dtype == .uint8, keys.rank == 2, keys.shape[1] == 32, features.rank == 3,
      features.shape[0] == keys.shape[0], features.shape[1] > 0, features.shape[2] > 0,
      boxes.shape == [features.shape[0], features.shape[1], RegionBlock.boxWidth],
      features.dtype.isFloatingPoint, boxes.dtype == features.dtype
    else {
      throw CheckpointError(
        .malformed, file,
        "no regions: expected 'keys' uint8 [n, 32], 'features' [n, R, F] and 'boxes' [n, R, 4] of one floating type")
    }
    regionCount = features.shape[1]
    let count = keys.shape[0] * regionCount
    rows = Tensor.concatenated(
      [features.reshaped(to: [count, features.shape[2]]), boxes.reshaped(to: [count, RegionBlock.boxWidth])], along: 1)
    places = keys.withBytes { bytes in
      Dictionary(
        (0..<keys.shape[0]).map { row in
          (FeatureCache.Key(bytes: UnsafeRawBufferPointer(rebasing: bytes[row * 32..<row * 32 + 32])), row)
        }, uniquingKeysWith: { first, _ in first })
    }
  }

  /// The regions of pictures by their files' contents; one that the file does not know has none.
  func block(_ keys: [FeatureCache.Key?]) -> RegionBlock {
    let spans = keys.map { key in
      key.flatMap { places[$0] }.map {
        SequenceBlock.Span(storage: 0, start: $0 * regionCount, count: regionCount)
      }
    }
    return RegionBlock(rows: SequenceBlock(storages: [rows], spans: spans, width: rows.shape[1]))
  }
}
