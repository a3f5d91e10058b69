import Foundation

extension PlanarImage {
  /// Blends with black: 0 is black, 1 the picture, above that brighter.
  public mutating func adjustBrightness(by factor: Double) {
    blend(by: factor) { _ in 0 }
  }

  /// Blends with the mean grey of the picture.
  public mutating func adjustContrast(by factor: Double) {
    let grey = greys
    let total = grey.reduce(0) { $0 + Int($1) }
    let mean = UInt8(Double(total) / Double(pixelCount) + 0.5)
    blend(by: factor) { _ in mean }
  }

  /// Blends with the picture in grey.
  public mutating func adjustSaturation(by factor: Double) {
    let (grey, count) = (greys, pixelCount)
    grey.withUnsafeBufferPointer { grey in blend(by: factor) { grey[$0 % count] } }
  }

  /// Blends with a smoothed picture: 0 smooths, above 1 sharpens.
  public mutating func adjustSharpness(by factor: Double) {
    let smooth = smoothed
    smooth.withUnsafeBufferPointer { smooth in blend(by: factor) { smooth[$0] } }
  }

  /// All colours become the grey of the pixel.
  public mutating func turnGrey() {
    let grey = greys
    samples = grey + grey + grey
  }

  /// Turns the hue by a part of the circle, from −0.5 to 0.5.
  public mutating func turnHue(by part: Double) {
    let shift = UInt8(truncatingIfNeeded: Int(part * 255))
    let count = pixelCount
    samples.withUnsafeMutableBufferPointer { samples in
      let (red, green, blue) = (samples.baseAddress!, samples.baseAddress! + count, samples.baseAddress! + 2 * count)
      for pixel in 0..<count {
        var colour = HSV(red: red[pixel], green: green[pixel], blue: blue[pixel])
        colour.hue &+= shift
        (red[pixel], green[pixel], blue[pixel]) = colour.rgb
      }
    }
  }

  /// Inverts samples of `threshold` and above.
  public mutating func solarize(from threshold: Double) {
    map { Double($0) < threshold ? $0 : 255 - $0 }
  }

  /// Keeps the first `bits` bits of every sample.
  public mutating func posterize(to bits: Int) {
    precondition((0...8).contains(bits), "a sample has 8 bits, not \(bits)")
    let mask = UInt8(truncatingIfNeeded: 0xFF00 >> bits)
    map { $0 & mask }
  }

  /// Stretches every colour to the whole range.
  public mutating func stretchContrast() {
    mapColours { histogram in
      let (low, high) = (histogram.firstIndex { $0 > 0 }!, histogram.lastIndex { $0 > 0 }!)
      guard high > low else { return nil }
      let scale = 255 / Double(high - low)
      let offset = -Double(low) * scale
      return (0..<256).map { UInt8(min(max(Double($0) * scale + offset, 0), 255)) }
    }
  }

  /// Makes every value of a colour about as frequent as another.
  public mutating func equalize() {
    mapColours { histogram in
      let present = histogram.filter { $0 > 0 }
      let step = (present.reduce(0, +) - present.last!) / 255
      guard present.count > 1, step > 0 else { return nil }
      var below = step / 2
      return histogram.map { count in
        defer { below += count }
        return UInt8(min(below / step, 255))
      }
    }
  }

  // MARK: Parts

  /// ITU-R 601 luma of every pixel.
  private var greys: [UInt8] {
    let count = pixelCount
    return [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
      samples.withUnsafeBufferPointer { samples in
        let (red, green, blue) = (samples.baseAddress!, samples.baseAddress! + count, samples.baseAddress! + 2 * count)
        for pixel in 0..<count {
          let sum =
            UInt32(red[pixel]) &* 19595 &+ UInt32(green[pixel]) &* 38470 &+ UInt32(blue[pixel]) &* 7471 &+ 0x8000
          target[pixel] = UInt8(truncatingIfNeeded: sum >> 16)
        }
      }
      initialized = count
    }
  }

  /// Every pixel the mean of itself, five times, and its eight neighbours; the border stays.
  private var smoothed: [UInt8] {
    var result = samples
    guard width > 2, height > 2 else { return result }
    let (width, height) = (width, height)
    result.withUnsafeMutableBufferPointer { target in
      samples.withUnsafeBufferPointer { source in
        for colour in 0..<3 {
          for line in 1..<height - 1 {
            let start = (colour * height + line) * width
            for place in start + 1..<start + width - 1 {
              var sum = 4 &* Int32(source[place])
              for row in -1...1 {
                for column in -1...1 { sum &+= Int32(source[place &+ row &* width &+ column]) }
              }
              target[place] = UInt8(truncatingIfNeeded: (2 &* sum &+ 13) / 26)
            }
          }
        }
      }
    }
    return result
  }

  /// Moves every sample from `other`, which is given its place in ``samples``, `factor` of the way to itself.
  @inline(__always)
  private mutating func blend(by factor: Double, with other: (Int) -> UInt8) {
    let factor = Float(factor)
    samples.withUnsafeMutableBufferPointer { samples in
      for place in samples.indices {
        let start = Float(other(place))
        let value = start + factor * (Float(samples[place]) - start)
        samples[place] = UInt8(min(max(value, 0), 255))
      }
    }
  }

  private mutating func map(_ value: (UInt8) -> UInt8) {
    let table = (0...255).map { value(UInt8($0)) }
    samples.withUnsafeMutableBufferPointer { samples in
      for place in samples.indices { samples[place] = table[Int(samples[place])] }
    }
  }

  /// Replaces the values of each colour by a table that follows from how often each occurs; `nil` leaves them.
  private mutating func mapColours(_ table: (_ histogram: [Int]) -> [UInt8]?) {
    let count = pixelCount
    samples.withUnsafeMutableBufferPointer { samples in
      for colour in 0..<3 {
        let plane = UnsafeMutableBufferPointer(rebasing: samples[colour * count..<(colour + 1) * count])
        var histogram = [Int](repeating: 0, count: 256)
        for value in plane { histogram[Int(value)] += 1 }
        guard let table = table(histogram) else { continue }
        for place in plane.indices { plane[place] = table[Int(plane[place])] }
      }
    }
  }
}

/// A colour as hue, saturation and value, a byte each, rounded as Pillow rounds.
private struct HSV {
  var hue: UInt8 = 0
  var saturation: UInt8 = 0
  var value: UInt8

  init(red: UInt8, green: UInt8, blue: UInt8) {
    value = max(red, green, blue)
    let least = min(red, green, blue)
    guard least != value else { return }
    let range = Float(value - least)
    func distance(_ sample: UInt8) -> Float { Float(value - sample) / range }
    let turn: Float =
      if red == value {
        distance(blue) - distance(green)
      } else if green == value {
        Float(2 + Double(distance(red)) - Double(distance(blue)))
      } else {
        Float(4 + Double(distance(green)) - Double(distance(red)))
      }
    let around = Double(turn) / 6 + 1
    hue = UInt8(Float(around >= 1 ? around - 1 : around).scaledToByte)
    saturation = UInt8((range / Float(value)).scaledToByte)
  }

  var rgb: (UInt8, UInt8, UInt8) {
    guard saturation > 0 else { return (value, value, value) }
    let turn = Double(Float(hue)) * 6 / 255
    let sector = turn.rounded(.down)
    let part = Double(Float(turn - sector))
    let strength = Double(Float(Double(saturation) / 255))
    func faded(by share: Double) -> UInt8 { UInt8((Double(value) * (1 - share)).rounded()) }
    let (low, falling, rising) =
      (faded(by: strength), faded(by: strength * part), faded(by: strength * (1 - part)))
    return switch Int(sector) % 6 {
    case 0: (value, rising, low)
    case 1: (falling, value, low)
    case 2: (low, value, rising)
    case 3: (low, falling, value)
    case 4: (rising, low, value)
    default: (value, low, falling)
    }
  }
}

extension Float {
  /// A number from 0 to 1 as one from 0 to 255, its fraction cut off.
  fileprivate var scaledToByte: Double { min(max((Double(self) * 255).rounded(.towardZero), 0), 255) }
}
