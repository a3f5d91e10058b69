// PDQ, the perceptual image hash of Facebook, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm"
// (2019), in the five steps of its description: luminance, blurring to 64 × 64, quality, cosine transform, median.
//
// H × W are the picture's sides, S = 64.

import Foundation
import MemeData

/// Computes perceptual hashes.
public enum PDQ {
  /// What PDQ says of one picture.
  public struct Result: Hashable, Sendable {
    public var hash: PDQHash
    /// 0 to 100: how much there is to see. The bits of a picture below ``leastQuality`` are mostly noise.
    public var quality: Int
  }

  /// Pictures below this quality are not to be compared, as PDQ's authors advise.
  public static let leastQuality = 50

  /// Hashes a picture at its full size.
  ///
  /// The published filter blurs twice with a running mean along both axes, over windows of ⌈side / 128⌉ samples cut
  /// off at the edges, and keeps every (side / 64)ᵗʰ sample. That is linear, and the same for all lines of an axis, so
  /// ``AxisFilter`` holds it as weights and only samples that are kept are computed: one pass over the pixels.
  public static func hash(_ image: RGBImage) -> Result {
    let small = blurred(image)
    return Result(hash: hash(of: small), quality: quality(of: small))
  }

  static let side = 64
  private static let frequencies = 16

  // MARK: Blurring

  /// The luminance of a picture, 0 to 255, blurred and sampled. [S, S]
  static func blurred(_ image: RGBImage) -> [Float] {
    let lineLength = image.width * 3
    let columns = AxisFilter(length: image.width)
    let rows = AxisFilter(length: image.height)
    var line = [Float](repeating: 0, count: lineLength)
    var luminance = [Float](repeating: 0, count: image.width)
    var small = [Float](repeating: 0, count: side * side)
    image.pixels.withUnsafeBufferPointer { pixels in
      for (row, taps) in rows.taps.enumerated() {
        line.withUnsafeMutableBufferPointer { line in
          line.update(repeating: 0)
          for (offset, weight) in taps.weights.enumerated() {
            let start = (taps.first + offset) * lineLength
            for x in 0..<lineLength { line[x] += weight * Float(pixels[start + x]) }
          }
        }
        for x in 0..<image.width {
          luminance[x] = 0.299 * line[3 * x] + 0.587 * line[3 * x + 1] + 0.114 * line[3 * x + 2]
        }
        for (column, taps) in columns.taps.enumerated() {
          var sum: Float = 0
          for (offset, weight) in taps.weights.enumerated() { sum += weight * luminance[taps.first + offset] }
          small[row * side + column] = sum
        }
      }
    }
    return small
  }

  /// Two running means and the sampling after them, along one axis, as the weights of each sample.
  struct AxisFilter {
    /// The samples of the axis that one result depends on, and how much.
    struct Taps {
      var first: Int
      var weights: [Float]
    }

    let taps: [Taps]  // [S]

    init(length: Int) {
      let window = (length + 2 * side - 1) / (2 * side)
      // An even window reaches one sample further on than back.
      let (back, ahead) = ((window - 1) / 2, window / 2)
      func reach(_ position: Int) -> ClosedRange<Int> { max(0, position - back)...min(length - 1, position + ahead) }
      taps = (0..<side).map { index in
        let centre = Int((Double(index) + 0.5) * Double(length) / Double(side))
        let outer = reach(centre)
        let first = reach(outer.lowerBound).lowerBound
        var weights = [Double](repeating: 0, count: reach(outer.upperBound).upperBound - first + 1)
        for middle in outer {
          let inner = reach(middle)
          for position in inner { weights[position - first] += 1 / Double(outer.count * inner.count) }
        }
        return Taps(first: first, weights: weights.map(Float.init))
      }
    }
  }

  // MARK: Quality

  /// The sum of the differences between neighbours, each cut to whole percent of the range, scaled to 0…100.
  private static func quality(of small: [Float]) -> Int {
    var sum = 0
    for y in 0..<side {
      for x in 0..<side {
        let here = small[y * side + x]
        if y + 1 < side { sum += abs(Int((here - small[(y + 1) * side + x]) * 100 / 255)) }
        if x + 1 < side { sum += abs(Int((here - small[y * side + x + 1]) * 100 / 255)) }
      }
    }
    return min(100, sum / 90)
  }

  // MARK: Bits

  /// Rows of the cosine transform of 64 samples, frequencies 1 to 16: the constant one says how bright a picture is.
  private static let cosines: [Float] = (0..<frequencies * side).map { index in
    let (frequency, position) = (index / side + 1, index % side)
    return Float((2 / Double(side)).squareRoot() * cos(.pi / Double(2 * side) * Double(frequency * (2 * position + 1))))
  }

  /// One bit for each low frequency: whether it is above the median of all, the lower of the two in the middle.
  private static func hash(of small: [Float]) -> PDQHash {
    var half = [Float](repeating: 0, count: frequencies * side)
    for i in 0..<frequencies {
      for k in 0..<side {
        let cosine = cosines[i * side + k]
        for x in 0..<side { half[i * side + x] += cosine * small[k * side + x] }
      }
    }
    var coefficients = [Float](repeating: 0, count: frequencies * frequencies)
    for i in 0..<frequencies {
      for j in 0..<frequencies {
        var sum: Float = 0
        for x in 0..<side { sum += half[i * side + x] * cosines[j * side + x] }
        coefficients[i * frequencies + j] = sum
      }
    }
    let median = coefficients.sorted()[coefficients.count / 2 - 1]
    var words = SIMD4<UInt64>.zero
    for (bit, value) in coefficients.enumerated() where value > median { words[bit / 64] |= 1 << UInt64(bit % 64) }
    return PDQHash(words: words)
  }
}
