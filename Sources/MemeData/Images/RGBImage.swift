/// A decoded picture.
public struct RGBImage: Sendable, Equatable {
  public let width: Int
  public let height: Int
  /// sRGB samples, rows from the top, [height, width, 3].
  public let pixels: [UInt8]

  /// - Precondition: `pixels` holds exactly `width × height × 3` samples, and neither side is zero.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(width > 0 && height > 0, "an image of \(width) × \(height) pixels")
    precondition(
      pixels.count == width * height * 3,
      "\(pixels.count) samples for \(width) × \(height) RGB pixels, which take \(width * height * 3)")
    self.width = width
    self.height = height
    self.pixels = pixels
  }
}

/// What the first bytes of an image file say of it.
public struct ImageHeader: Sendable, Equatable {
  public var format: ImageFormat
  /// Pixels as a viewer shows them, that is after the EXIF orientation.
  public var width: Int
  public var height: Int
  /// More than one for an animation.
  public var frameCount: Int
}
