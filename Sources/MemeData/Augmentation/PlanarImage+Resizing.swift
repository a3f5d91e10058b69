import Foundation

/// How samples between pixels come about.
public enum ResizingFilter: Sendable, Equatable {
  case bilinear
  /// Cubic with a = −0.5.
  case bicubic

  var support: Double { self == .bilinear ? 1 : 2 }

  func weight(at distance: Double) -> Double {
    let x = abs(distance)
    switch self {
    case .bilinear: return max(0, 1 - x)
    case .bicubic:
      let a = -0.5
      if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
    }
  }
}

/// The samples of a row that each sample of another size is made of, with weights in fixed point.
private struct Taps {
  static let bits = 22
  var starts: [Int32] = []
  var weights: [Int32] = []
  /// Weights of each, the last of which may be zero.
  let count: Int

  init(from inputs: Int, to outputs: Int, _ filter: ResizingFilter) {
    let scale = Double(inputs) / Double(outputs)
    let stretch = max(scale, 1)
    let support = filter.support * stretch
    count = min(Int(support.rounded(.up)) * 2 + 1, inputs)
    for output in 0..<outputs {
      let center = (Double(output) + 0.5) * scale
      let first = max(0, Int(center - support + 0.5))
      let last = min(inputs, Int(center + support + 0.5))
      let raw = (first..<last).map { filter.weight(at: (Double($0) - center + 0.5) / stretch) }
      let total = raw.reduce(0, +)
      // Every output reads `count` samples; those that do not belong to it weigh nothing.
      let start = min(first, inputs - count)
      var own = [Int32](repeating: 0, count: count)
      for (index, weight) in raw.enumerated() {
        let fixed = (total == 0 ? weight : weight / total) * Double(1 << Self.bits)
        own[first - start + index] = Int32(fixed < 0 ? fixed - 0.5 : fixed + 0.5)
      }
      starts.append(Int32(start))
      weights += own
    }
  }
}

extension PlanarImage {
  /// The picture in another size; where it shrinks, every sample counts.
  public func resized(width newWidth: Int, height newHeight: Int, _ filter: ResizingFilter = .bicubic) -> PlanarImage {
    precondition(newWidth > 0 && newHeight > 0, "resizing to \(newWidth) × \(newHeight) pixels")
    var image = self
    if newWidth != width { image = image.resizedAcross(newWidth, filter) }
    if newHeight != height { image = image.resizedDown(newHeight, filter) }
    return image
  }

  private func resizedAcross(_ newWidth: Int, _ filter: ResizingFilter) -> PlanarImage {
    let taps = Taps(from: width, to: newWidth, filter)
    let rows = 3 * height
    let result = [UInt8](unsafeUninitializedCapacity: rows * newWidth) { target, count in
      samples.withUnsafeBufferPointer { source in
        taps.starts.withUnsafeBufferPointer { starts in
          taps.weights.withUnsafeBufferPointer { weights in
            for row in 0..<rows {
              let line = source.baseAddress! + row * width
              let out = target.baseAddress! + row * newWidth
              for column in 0..<newWidth {
                let (from, own) = (line + Int(starts[column]), weights.baseAddress! + column * taps.count)
                var sum = Int32(1) << (Taps.bits - 1)
                for tap in 0..<taps.count { sum &+= Int32(from[tap]) &* own[tap] }
                out[column] = UInt8(truncatingIfNeeded: min(max(sum >> Taps.bits, 0), 255))
              }
            }
          }
        }
      }
      count = rows * newWidth
    }
    return PlanarImage(width: newWidth, height: height, samples: result)
  }

  private func resizedDown(_ newHeight: Int, _ filter: ResizingFilter) -> PlanarImage {
    let taps = Taps(from: height, to: newHeight, filter)
    let result = [UInt8](unsafeUninitializedCapacity: 3 * newHeight * width) { target, count in
      withUnsafeTemporaryAllocation(of: Int32.self, capacity: width) { sums in
        samples.withUnsafeBufferPointer { source in
          for row in 0..<3 * newHeight {
            let (colour, line) = row.quotientAndRemainder(dividingBy: newHeight)
            let from = source.baseAddress! + (colour * height + Int(taps.starts[line])) * width
            for column in 0..<width { sums[column] = Int32(1) << (Taps.bits - 1) }
            for tap in 0..<taps.count {
              let (weight, above) = (taps.weights[line * taps.count + tap], from + tap * width)
              for column in 0..<width { sums[column] &+= Int32(above[column]) &* weight }
            }
            let out = target.baseAddress! + row * width
            for column in 0..<width {
              out[column] = UInt8(truncatingIfNeeded: min(max(sums[column] >> Taps.bits, 0), 255))
            }
          }
        }
      }
      count = 3 * newHeight * width
    }
    return PlanarImage(width: width, height: newHeight, samples: result)
  }
}
