import CVips

/// A picture with an outline of its own, to be laid on a canvas.
struct Sprite: Sendable {
  let width: Int
  let height: Int
  /// Straight (not premultiplied) sRGB and alpha, [height, width, 4].
  var pixels: [UInt8]

  /// Whether a font family of exactly this name is installed.
  static func hasFont(_ family: String) -> Bool { cvips_has_font(family) != 0 }

  /// Renders Pango markup in a font such as "DejaVu Sans Bold 20", sizes in pixels, centred, broken at `wrapWidth`.
  static func lettering(_ markup: String, font: String, wrapWidth: Int? = nil) throws(ImageError) -> Sprite {
    try Vips.start()
    var drawn = cvips_sprite()
    let failure = Vips.attempt { cvips_text(markup, font, CInt(wrapWidth ?? 0), &drawn, $0, $1) }
    return try Sprite(taking: drawn, failure)
  }

  /// Scaled and turned clockwise.
  func turned(scale: Double, degrees: Double) throws(ImageError) -> Sprite {
    var drawn = cvips_sprite()
    let failure = pixels.withUnsafeBufferPointer { source in
      Vips.attempt { message, capacity in
        // The shim only reads the source.
        var sprite = cvips_sprite(
          pixels: UnsafeMutablePointer(mutating: source.baseAddress), width: Int32(width), height: Int32(height))
        return cvips_similarity(&sprite, scale, degrees, &drawn, message, capacity)
      }
    }
    return try Sprite(taking: drawn, failure)
  }

  /// Grown by `radius` on each side, with all within that distance of the sprite turned black, as meme captions are.
  func outlined(radius: Int) -> Sprite {
    let wide = width + 2 * radius
    var outline = [UInt8](repeating: 0, count: wide * (height + 2 * radius))
    let reach = (-radius...radius).map { dy in
      Int((Double(radius * radius - dy * dy) + Double(radius) * 0.5).squareRoot())
    }
    outline.withUnsafeMutableBufferPointer { outline in
      pixels.withUnsafeBufferPointer { pixels in
        for y in 0..<height {
          for x in 0..<width {
            let alpha = pixels[(y * width + x) * 4 + 3]
            guard alpha > 0 else { continue }
            for dy in 0...(2 * radius) {
              let start = (y + dy) * wide + x + radius
              for index in (start - reach[dy])...(start + reach[dy]) where outline[index] < alpha {
                outline[index] = alpha
              }
            }
          }
        }
      }
    }
    return Sprite(width: wide, height: height + 2 * radius, alpha: outline).covered(by: self, margin: radius)
  }

  /// A black sprite of the given opacities.
  private init(width: Int, height: Int, alpha: [UInt8]) {
    self.width = width
    self.height = height
    pixels = [UInt8](repeating: 0, count: alpha.count * 4)
    for (index, value) in alpha.enumerated() { pixels[index * 4 + 3] = value }
  }

  /// Takes over what the shim drew.
  private init(taking drawn: cvips_sprite, _ failure: Vips.Failure?) throws(ImageError) {
    guard failure == nil, let start = drawn.pixels else {
      throw .unencodable(reason: failure?.reason ?? "nothing was drawn")
    }
    defer { cvips_free(start) }
    width = Int(drawn.width)
    height = Int(drawn.height)
    pixels = [UInt8](UnsafeBufferPointer(start: start, count: width * height * 4))
  }

  /// This black sprite with `other` over it; where both are, the result is as opaque as the more opaque of them.
  private func covered(by other: Sprite, margin: Int) -> Sprite {
    var result = self
    result.pixels.withUnsafeMutableBufferPointer { pixels in
      for y in 0..<other.height {
        for x in 0..<other.width {
          let from = (y * other.width + x) * 4
          let to = ((y + margin) * width + x + margin) * 4
          let alpha = Int(other.pixels[from + 3])
          guard alpha > 0 else { continue }
          for channel in 0..<3 { pixels[to + channel] = UInt8(Int(other.pixels[from + channel]) * alpha / 255) }
        }
      }
    }
    return result
  }
}
