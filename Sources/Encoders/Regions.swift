import Checkpoints
import Foundation
import Torch

/// Where the regions of pictures come from.
public enum RegionSource: Sendable, Hashable {
  /// The cells of the image encoder's last map.
  case grid
  /// A safetensors file that a detector made: `keys` uint8 [n, 32], the SHA-256 of each picture's file; `features` float32
  /// or float16 [n, R, F]; `boxes` of the same type [n, R, 4], left, top, right and bottom as shares of width and height, from 0
  /// to 1.
  case file(URL)
}

/// The regions of a list of memes' pictures: their features, and beside them their boxes.
public struct RegionBlock {
  /// Numbers of a box.
  public static let boxWidth = 4

  private let features: SequenceBlock
  private let boxes: SequenceBlock

  init(features: SequenceBlock, boxes: SequenceBlock) {
    precondition(boxes.width == Self.boxWidth && boxes.lengths == features.lengths, "one box for each region")
    self.features = features
    self.boxes = boxes
  }

  /// The cells of square grids, row by row, with the rectangles that they lie in.
  init(cells: SequenceBlock) {
    let count = cells.lengths.max() ?? 0
    let spans = cells.lengths.map { $0 == 0 ? nil : SequenceBlock.Span(storage: 0, start: 0, count: $0) }
    let boxes = gridBoxes(side: Int(Double(count).squareRoot()))
    self.init(features: cells, boxes: SequenceBlock(storages: [boxes], spans: spans, width: Self.boxWidth))
  }

  public var count: Int { features.count }
  /// The features of one region.
  public var width: Int { features.width }
  /// Whether each meme's picture has regions.
  public var isPresent: [Bool] { features.lengths.map { $0 > 0 } }

  /// As many memes, none of which has regions.
  var emptied: RegionBlock { RegionBlock(features: features.emptied, boxes: boxes.emptied) }

  /// The regions of the given memes, padded to the most.
  ///
  /// - Returns: features [N, R, F] and boxes [N, R, 4], zero where there is no region, and [N, R] 1 where there is one.
  public func gathered(_ indices: [Int]) -> (features: Tensor, boxes: Tensor, isPresent: Tensor) {
    let chosen = features.gathered(indices)
    let lengths = chosen.lengths
    let most = max(1, lengths.max() ?? 0)
    func padded(_ block: SequenceBlock) -> Tensor {
      lengths.allSatisfy { $0 == 0 } ? Tensor.zeros([indices.count, most, block.width]) : block.padded
    }
    let flags = lengths.flatMap { length in (0..<most).map { $0 < length ? Float(1) : 0 } }
    return (padded(chosen), padded(boxes.gathered(indices)), Tensor(flags, shape: [indices.count, most]))
  }
}

extension Tensor {
  /// The cells [N, S², C] of maps [N, C, S, S], row by row.
  var cells: Tensor { reshaped(to: [shape[0], shape[1], -1]).transposed(1, 2).contiguous() }
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
  private let features: Tensor  // [n · R, F], in the mapped file
  private let boxes: Tensor  // [n · R, 4], likewise
  private let regionCount: Int
  private let places: [FeatureCache.Key: Int]
  private let file: URL
  private let stamp: Stamp

  /// What of a file changes when it is written anew.
  private struct Stamp: Equatable {
    let number: Int?
    let size: Int?
    let date: Date?

    init(_ file: URL) {
      let attributes = try? FileManager.default.attributesOfItem(atPath: file.path)
      number = attributes?[.systemFileNumber] as? Int
      size = attributes?[.size] as? Int
      date = attributes?[.modificationDate] as? Date
    }
  }

  /// How far a box may reach beyond its picture, for detectors that round.
  private static let slack: Float = 0.01

  /// - Throws: `CheckpointError` that says what the file lacks.
  init(_ file: URL) throws {
    self.file = file
    stamp = Stamp(file)
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
    if let (row, box) = Self.strayBox(in: boxes) {
      throw CheckpointError(
        .malformed, file, at: "picture \(row) of 'boxes'",
        "a box is \(box); expected left, top, right and bottom from 0 to 1: divide pixels by the picture's width and height"
      )
    }
    regionCount = features.shape[1]
    let count = keys.shape[0] * regionCount
    self.features = features.reshaped(to: [count, features.shape[2]])
    self.boxes = boxes.reshaped(to: [count, RegionBlock.boxWidth])
    places = keys.withBytes { bytes in
      Dictionary(
        (0..<keys.shape[0]).map { row in
          (FeatureCache.Key(bytes: UnsafeRawBufferPointer(rebasing: bytes[row * 32..<row * 32 + 32])), row)
        }, uniquingKeysWith: { first, _ in first })
    }
  }

  /// The first box that does not lie within its picture, which no network was made for, and the picture's row.
  private static func strayBox(in boxes: Tensor) -> (row: Int, box: [Float])? {
    let (count, rowCount) = (boxes.shape[0], 4096)
    for start in stride(from: 0, to: count, by: rowCount) {
      let numbers = boxes.sliced(start..<min(start + rowCount, count)).floats
      // What is not a number lies nowhere.
      guard let place = numbers.firstIndex(where: { !(-slack...1 + slack).contains($0) }) else { continue }
      let first = place - place % RegionBlock.boxWidth
      let row = start + place / (boxes.shape[1] * RegionBlock.boxWidth)
      return (row, Array(numbers[first..<first + RegionBlock.boxWidth]))
    }
    return nil
  }

  /// Whether the file is still the one that was read: what is left of one that was written over must not be touched.
  var isCurrent: Bool { Stamp(file) == stamp }

  /// Whether the file has the regions of the picture with these contents.
  func contains(_ key: FeatureCache.Key) -> Bool { places[key] != nil }

  /// Refuses features that are no numbers, of which no network can learn.
  ///
  /// - Throws: `CheckpointError` that names the picture by its row.
  func requireFinite(_ keys: some Sequence<FeatureCache.Key>) throws(CheckpointError) {
    for key in keys {
      guard let place = places[key] else { continue }
      let rows = features.sliced(place * regionCount..<(place + 1) * regionCount)
      guard rows.isFinite else {
        throw CheckpointError(
          .malformed, file, at: "picture \(place) of 'features'",
          "a feature is infinite or not a number: leave the picture out, or have the detector look at it again")
      }
    }
  }

  /// The same as ``block(_:)``, of a few pictures, in memory of its own.
  func copy(_ keys: [FeatureCache.Key?]) throws(CheckpointError) -> RegionBlock {
    try requireFinite(keys.compactMap(\.self))
    let known = keys.map { $0.flatMap { places[$0] } }
    let rows = Tensor(known.compactMap(\.self).flatMap { Array($0 * regionCount..<($0 + 1) * regionCount) })
    func block(_ numbers: Tensor) -> SequenceBlock {
      SequenceBlock(states: numbers.gathered(rows), lengths: known.map { $0 == nil ? 0 : regionCount })
    }
    return RegionBlock(features: block(features), boxes: block(boxes))
  }

  /// The regions of pictures by their files' contents, which stay in the mapped file; one that the file does not know has none.
  func block(_ keys: [FeatureCache.Key?]) -> RegionBlock {
    let spans = keys.map { key in
      key.flatMap { places[$0] }.map {
        SequenceBlock.Span(storage: 0, start: $0 * regionCount, count: regionCount)
      }
    }
    func block(_ rows: Tensor) -> SequenceBlock { SequenceBlock(storages: [rows], spans: spans, width: rows.shape[1]) }
    return RegionBlock(features: block(features), boxes: block(boxes))
  }
}
