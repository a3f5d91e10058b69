import Foundation

/// Where in a picture the pixels of a moved one come from: x' = a·x + b·y + c, y' = d·x + e·y + f.
public struct AffineMap: Sendable, Equatable {
  var a = 1.0, b = 0.0, c = 0.0, d = 0.0, e = 1.0, f = 0.0

  /// Slides rows by `amount` pixels a row.
  public static func shearedAcross(_ amount: Double) -> AffineMap { AffineMap(b: amount) }

  /// Slides columns by `amount` pixels a column.
  public static func shearedDown(_ amount: Double) -> AffineMap { AffineMap(d: amount) }

  /// Moves right and down by whole pixels.
  public static func moved(right: Int, down: Int) -> AffineMap { AffineMap(c: -Double(right), f: -Double(down)) }

  /// Turns a picture of the given size about its middle, counter-clockwise.
  public static func turned(degrees: Double, width: Int, height: Int) -> AffineMap {
    // Pillow rounds to 15 places, so that quarter turns have no crumbs.
    func rounded(_ x: Double) -> Double { (x * 1e15).rounded(.toNearestOrEven) / 1e15 }
    let angle = -(degrees.truncatingRemainder(dividingBy: 360)) * .pi / 180
    var map = AffineMap(
      a: rounded(cos(angle)), b: rounded(sin(angle)), d: rounded(-sin(angle)), e: rounded(cos(angle)))
    let (x, y) = (Double(width) / 2, Double(height) / 2)
    map.c = map.a * -x + map.b * -y + x
    map.f = map.d * -x + map.e * -y + y
    return map
  }
}

extension PlanarImage {
  /// The picture moved by whole pixels' samples; what comes from outside is black.
  public func moved(by map: AffineMap) -> PlanarImage {
    // In 65536ths of a pixel, as Pillow counts.
    func fixed(_ x: Double) -> Int { Int((x * 65536 + 0.5).rounded(.down)) }
    let (a, b, d, e) = (fixed(map.a), fixed(map.b), fixed(map.d), fixed(map.e))
    let start = (fixed(map.c + map.a * 0.5 + map.b * 0.5), fixed(map.f + map.d * 0.5 + map.e * 0.5))
    let (width, height, count) = (width, height, pixelCount)
    let result = [UInt8](unsafeUninitializedCapacity: samples.count) { target, initialized in
      samples.withUnsafeBufferPointer { source in
        for line in 0..<height {
          var (x, y) = (start.0 + line * b, start.1 + line * e)
          for place in line * width..<(line + 1) * width {
            let (column, row) = (x >> 16, y >> 16)
            let isInside = column >= 0 && column < width && row >= 0 && row < height
            let from = isInside ? row * width + column : 0
            for colour in 0..<3 { target[colour * count + place] = isInside ? source[colour * count + from] : 0 }
            x += a
            y += d
          }
        }
      }
      initialized = samples.count
    }
    return PlanarImage(width: width, height: height, samples: result)
  }
}
