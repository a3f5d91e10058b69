/// An opaque picture being drawn.
struct Canvas {
  let width: Int
  let height: Int
  /// [height, width, 3]
  private(set) var pixels: [UInt8]

  /// A canvas whose every pixel is `colour` of its place, counted from the left and the top.
  init(width: Int, height: Int, colour: (Double, Double) -> Colour) {
    self.width = width
    self.height = height
    pixels = [UInt8](unsafeUninitializedCapacity: width * height * 3) { buffer, count in
      for y in 0..<height {
        for x in 0..<width {
          let samples = colour(Double(x), Double(y)).samples
          let index = (y * width + x) * 3
          buffer[index] = samples.0
          buffer[index + 1] = samples.1
          buffer[index + 2] = samples.2
        }
      }
      count = width * height * 3
    }
  }

  /// Lays a sprite on the canvas, its middle at (`centerX`, `centerY`); what lies outside is cut.
  mutating func lay(_ sprite: Sprite, centerX: Int, centerY: Int) {
    let left = centerX - sprite.width / 2
    let top = centerY - sprite.height / 2
    let columns = max(0, left)..<max(0, left, min(width, left + sprite.width))
    let rows = max(0, top)..<max(0, top, min(height, top + sprite.height))
    let width = self.width
    pixels.withUnsafeMutableBufferPointer { pixels in
      sprite.pixels.withUnsafeBufferPointer { source in
        for y in rows {
          for x in columns {
            let from = ((y - top) * sprite.width + x - left) * 4
            let alpha = Int(source[from + 3])
            guard alpha > 0 else { continue }
            let to = (y * width + x) * 3
            for channel in 0..<3 {
              let mixed = Int(source[from + channel]) * alpha + Int(pixels[to + channel]) * (255 - alpha)
              pixels[to + channel] = UInt8((mixed + 127) / 255)
            }
          }
        }
      }
    }
  }

  var image: RGBImage { RGBImage(width: width, height: height, pixels: pixels) }
}

/// An sRGB colour, each part in 0 ... 1.
struct Colour {
  var red: Double
  var green: Double
  var blue: Double

  init(red: Double, green: Double, blue: Double) {
    self.red = red
    self.green = green
    self.blue = blue
  }

  /// A colour by hue (turns), saturation and value, each in 0 ... 1.
  init(hue: Double, saturation: Double, value: Double) {
    func part(_ offset: Double) -> Double {
      let k = (offset + hue * 6).truncatingRemainder(dividingBy: 6)
      return value - value * saturation * max(0, min(k, 4 - k, 1))
    }
    self.init(red: part(5), green: part(3), blue: part(1))
  }

  /// The colour `share` of the way to `other`.
  func mixed(with other: Colour, _ share: Double) -> Colour {
    Colour(
      red: red + (other.red - red) * share, green: green + (other.green - green) * share,
      blue: blue + (other.blue - blue) * share)
  }

  var samples: (UInt8, UInt8, UInt8) {
    func sample(_ part: Double) -> UInt8 { UInt8(max(0, min(1, part)) * 255 + 0.5) }
    return (sample(red), sample(green), sample(blue))
  }
}
