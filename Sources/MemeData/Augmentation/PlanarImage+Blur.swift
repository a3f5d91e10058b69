import Foundation

extension PlanarImage {
  /// Blurs by a Gaussian of the given deviation in pixels, which three boxes stand for: Pillow's, which DINO uses.
  public mutating func blur(deviation: Double) {
    let box = Self.boxRadius(deviation: Float(deviation))
    guard box > 0 else { return }
    for _ in 0..<3 { blurRows(by: box) }
    self = transposed
    for _ in 0..<3 { blurRows(by: box) }
    self = transposed
  }

  /// The radius of the box that a Gaussian is when run three times (Gwosdek, Grewenig, Bruhn and Weickert, "Theoretical
  /// foundations of Gaussian convolution by extended box filtering", SSVM 2011).
  private static func boxRadius(deviation: Float) -> Float {
    let variance = deviation * deviation / 3
    let length = Float((12 * Double(variance) + 1).squareRoot())
    let whole = Float(((Double(length) - 1) / 2).rounded(.down))
    var part = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance)
    part /= 6 * (variance - (whole + 1) * (whole + 1))
    return whole + part
  }

  /// Means of boxes of `2 · radius + 1` samples, those at either end in part; beyond the border lies its last sample.
  private mutating func blurRows(by radius: Float) {
    let (whole, width, rows) = (Int(radius), width, 3 * height)
    let share = UInt32(Float(1 << 24) / (radius * 2 + 1))
    let endShare = ((1 << 24) - UInt32(whole * 2 + 1) * share) / 2
    let source = samples
    samples.withUnsafeMutableBufferPointer { target in
      source.withUnsafeBufferPointer { source in
        for row in 0..<rows {
          let (line, out) = (source.baseAddress! + row * width, target.baseAddress! + row * width)
          func sample(_ place: Int) -> UInt32 { UInt32(line[min(max(place, 0), width - 1)]) }
          var sum = UInt32(0)
          for place in -whole - 1..<whole { sum &+= sample(place) }
          for place in 0..<width {
            sum = sum &+ sample(place + whole) &- sample(place - whole - 1)
            let ends = sample(place - whole - 1) &+ sample(place + whole + 1)
            out[place] = UInt8(truncatingIfNeeded: (sum &* share &+ ends &* endShare &+ 1 << 23) >> 24)
          }
        }
      }
    }
  }

  /// Rows become columns.
  private var transposed: PlanarImage {
    let (width, height) = (width, height)
    let result = [UInt8](unsafeUninitializedCapacity: samples.count) { target, count in
      samples.withUnsafeBufferPointer { source in
        for colour in 0..<3 {
          let (from, to) = (
            source.baseAddress! + colour * width * height, target.baseAddress! + colour * width * height
          )
          for column in 0..<width {
            for line in 0..<height { to[column * height + line] = from[line * width + column] }
          }
        }
      }
      count = samples.count
    }
    return PlanarImage(width: height, height: width, samples: result)
  }
}
