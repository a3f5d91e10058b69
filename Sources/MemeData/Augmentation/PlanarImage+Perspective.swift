/// Where in a picture the pixels of one that is seen from elsewhere come from:
/// x' = (a·x + b·y + c) / (g·x + h·y + 1), y' = (d·x + e·y + f) / (g·x + h·y + 1).
public struct PerspectiveMap: Sendable, Equatable {
  public typealias Point = SIMD2<Double>

  var a, b, c, d, e, f, g, h: Double

  /// The map that takes the corners of a picture to `corners`: upper left, upper right, lower right, lower left.
  ///
  /// The unit square's way to four corners has a closed form (Heckbert, "Fundamentals of texture mapping and image
  /// warping", 1989, section 2.2.3), of which this is the inverse. Numbers are rounded to `Float`, as torchvision's are.
  ///
  /// - Precondition: Both sides have two pixels or more, and `corners` are those of a convex quadrangle.
  public init(width: Int, height: Int, corners: [Point]) {
    precondition(width > 1 && height > 1, "corners of \(width) × \(height) pixels")
    precondition(corners.count == 4, "\(corners.count) corners")
    let (right, left) = (corners[1] - corners[2], corners[3] - corners[2])
    let rest = corners[0] - corners[1] + corners[2] - corners[3]
    func area(_ one: Point, _ other: Point) -> Double { one.x * other.y - other.x * one.y }
    let (g, h) = (area(rest, left) / area(right, left), area(right, rest) / area(right, left))
    let (across, down) = (corners[1] - corners[0] + g * corners[1], corners[3] - corners[0] + h * corners[3])
    let start = corners[0]
    let scale = area(across, down)
    func part(_ value: Double, times side: Int = 1) -> Double { Double(Float(value / scale * Double(side))) }
    a = part(down.y - start.y * h, times: width - 1)
    b = part(start.x * h - down.x, times: width - 1)
    c = part(area(down, start), times: width - 1)
    d = part(start.y * g - across.y, times: height - 1)
    e = part(across.x - start.x * g, times: height - 1)
    f = part(area(start, across), times: height - 1)
    self.g = part(across.y * h - down.y * g)
    self.h = part(down.x * g - across.x * h)
  }
}

extension PlanarImage {
  /// The picture seen from elsewhere, bilinear between samples; what comes from outside is black.
  public func seen(by map: PerspectiveMap) -> PlanarImage {
    let (width, height, count) = (width, height, pixelCount)
    let result = [UInt8](unsafeUninitializedCapacity: samples.count) { target, initialized in
      samples.withUnsafeBufferPointer { source in
        for line in 0..<height {
          for column in 0..<width {
            let (x, y) = (Double(column) + 0.5, Double(line) + 0.5)
            let depth = map.g * x + map.h * y + 1
            let (fromX, fromY) = ((map.a * x + map.b * y + map.c) / depth, (map.d * x + map.e * y + map.f) / depth)
            let place = line * width + column
            guard fromX >= 0, fromX < Double(width), fromY >= 0, fromY < Double(height) else {
              for colour in 0..<3 { target[colour * count + place] = 0 }
              continue
            }
            let (left, top) = ((fromX - 0.5).rounded(.down), (fromY - 0.5).rounded(.down))
            let (across, down) = (fromX - 0.5 - left, fromY - 0.5 - top)
            // Beyond the border lies its last sample.
            let columns = (max(Int(left), 0), min(Int(left) + 1, width - 1))
            let rows = (max(Int(top), 0) * width, min(Int(top) + 1, height - 1) * width)
            for colour in 0..<3 {
              func between(_ row: Int) -> Double {
                let line = source.baseAddress! + colour * count + row
                let start = Double(line[columns.0])
                return start + (Double(line[columns.1]) - start) * across
              }
              let upper = between(rows.0)
              target[colour * count + place] = UInt8(upper + (between(rows.1) - upper) * down)
            }
          }
        }
      }
      initialized = samples.count
    }
    return PlanarImage(width: width, height: height, samples: result)
  }
}
