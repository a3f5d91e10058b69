import MemeData

/// A picture as the engine reads it: enlarged, once in grey and once with its white letters alone.
struct PreparedPicture {
  /// One byte a pixel, rows from the top.
  struct Plane {
    var width: Int
    var height: Int
    var pixels: [UInt8]
  }

  /// The luminance. Captions on bands of one colour come out of it.
  let grey: Plane
  /// Black where the picture is white, white elsewhere: letters with an outline stand free of what is behind them.
  let whiteLetters: Plane
  /// Its pixels for each of the picture's own.
  let scale: Double

  /// The engine was trained on scans, whose letters are some 30 pixels high; memes from the net have 8 to 40. 1,000
  /// pixels did best of 700 to 1,200.
  static let longerSide = 1000
  static let greatestScale = 6.0
  /// All three samples of white are at least this; JPEG leaves little exact white. 225 did best of 190 to 235.
  static let leastWhite: UInt8 = 225

  init(_ picture: RGBImage) throws(ImageError) {
    let longer = max(picture.width, picture.height)
    let wanted = min(Double(Self.longerSide) / Double(longer), Self.greatestScale)
    // Large letters are read as they are, but a huge picture would only cost time.
    scale = wanted >= 1 ? wanted : min(1, 2 * wanted)
    let size = (Double(picture.width) * scale, Double(picture.height) * scale)
    let large = try picture.resized(width: max(1, Int(size.0.rounded())), height: max(1, Int(size.1.rounded())))
    let count = large.width * large.height
    var (grey, letters) = ([UInt8](repeating: 0, count: count), [UInt8](repeating: 255, count: count))
    large.pixels.withUnsafeBufferPointer { samples in
      for pixel in 0..<count {
        let (red, green, blue) = (samples[3 * pixel], samples[3 * pixel + 1], samples[3 * pixel + 2])
        let luminance = 299 * Int(red) + 587 * Int(green) + 114 * Int(blue)
        grey[pixel] = UInt8((luminance + 500) / 1000)
        if min(red, green, blue) >= Self.leastWhite { letters[pixel] = 0 }
      }
    }
    self.grey = Plane(width: large.width, height: large.height, pixels: grey)
    whiteLetters = Plane(width: large.width, height: large.height, pixels: letters)
  }
}
