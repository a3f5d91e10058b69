/// A picture whose samples lie by colour, as networks read them and as augmentation changes them.
///
/// Every operation on it gives the bytes that Pillow 13 gives, whatever the picture: see `AugmentationTests`.
public struct PlanarImage: Sendable, Equatable {
  public internal(set) var width: Int
  public internal(set) var height: Int
  /// sRGB samples: red, green, blue; rows from the top, [3, height, width].
  public internal(set) var samples: [UInt8]

  /// - Precondition: `samples` holds exactly `3 × height × width` of them, and neither side is zero.
  public init(width: Int, height: Int, samples: [UInt8]) {
    precondition(width > 0 && height > 0, "an image of \(width) × \(height) pixels")
    precondition(
      samples.count == 3 * width * height, "\(samples.count) samples for three colours of \(width) × \(height) pixels")
    self.width = width
    self.height = height
    self.samples = samples
  }

  /// The pixels of a decoded picture.
  public init(_ image: RGBImage) {
    let pixels = image.width * image.height
    let samples = [UInt8](unsafeUninitializedCapacity: 3 * pixels) { target, count in
      image.pixels.withUnsafeBufferPointer { source in
        for pixel in 0..<pixels {
          for colour in 0..<3 { target[colour * pixels + pixel] = source[3 * pixel + colour] }
        }
      }
      count = 3 * pixels
    }
    self.init(width: image.width, height: image.height, samples: samples)
  }

  var pixelCount: Int { width * height }

  /// A rectangle that lies within the picture.
  public struct Rectangle: Sendable, Equatable {
    public var left: Int
    public var top: Int
    public var width: Int
    public var height: Int

    public init(left: Int, top: Int, width: Int, height: Int) {
      self.left = left
      self.top = top
      self.width = width
      self.height = height
    }
  }

  public func cropped(to rectangle: Rectangle) -> PlanarImage {
    precondition(
      rectangle.left >= 0 && rectangle.top >= 0 && rectangle.left + rectangle.width <= width
        && rectangle.top + rectangle.height <= height, "\(rectangle) of \(width) × \(height) pixels")
    var cropped: [UInt8] = []
    cropped.reserveCapacity(3 * rectangle.width * rectangle.height)
    for row in 0..<3 * rectangle.height {
      let (colour, line) = row.quotientAndRemainder(dividingBy: rectangle.height)
      let start = (colour * height + rectangle.top + line) * width + rectangle.left
      cropped.append(contentsOf: samples[start..<start + rectangle.width])
    }
    return PlanarImage(width: rectangle.width, height: rectangle.height, samples: cropped)
  }

  /// Left becomes right.
  public mutating func flipHorizontally() {
    for row in 0..<3 * height { samples[row * width..<(row + 1) * width].reverse() }
  }

  /// Top becomes bottom.
  public mutating func flipVertically() {
    for colour in 0..<3 {
      for line in 0..<height / 2 {
        let (upper, lower) = ((colour * height + line) * width, (colour * height + height - 1 - line) * width)
        for column in 0..<width { samples.swapAt(upper + column, lower + column) }
      }
    }
  }
}
