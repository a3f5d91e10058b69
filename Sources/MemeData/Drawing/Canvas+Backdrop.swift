import Foundation

extension Canvas {
  /// A canvas with one of the backdrops that image macros have.
  static func withBackdrop(width: Int, height: Int, random: inout SeededRandom) -> Canvas {
    let hue = random.unit()
    let first = Colour(hue: hue, saturation: random.number(in: 0.15...0.85), value: random.number(in: 0.45...1))
    let second = Colour(
      hue: (hue + random.number(in: 0.08...0.6)).truncatingRemainder(dividingBy: 1),
      saturation: random.number(in: 0.15...0.85), value: random.number(in: 0.25...0.95))
    let (wide, high) = (Double(width), Double(height))
    let centre = (wide * random.number(in: 0.3...0.7), high * random.number(in: 0.3...0.7))
    switch random.integer(in: 0...5) {
    case 0:
      return Canvas(width: width, height: height) { _, _ in first }
    case 1:
      let slope = random.number(in: -0.5...0.5)
      return Canvas(width: width, height: height) { x, y in
        first.mixed(with: second, max(0, min(1, y / high + slope * (x / wide - 0.5))))
      }
    case 2:
      let reach = hypot(wide, high) * random.number(in: 0.4...0.7)
      return Canvas(width: width, height: height) { x, y in
        first.mixed(with: second, min(1, hypot(x - centre.0, y - centre.1) / reach))
      }
    case 3:
      // The wheel of the "advice animal".
      let rays = Double(random.integer(in: 5...9))
      let start = random.unit()
      return Canvas(width: width, height: height) { x, y in
        let turn = atan2(y - centre.1, x - centre.0) / (2 * .pi) + start
        return (turn * rays - (turn * rays).rounded(.down)) < 0.5 ? first : second
      }
    case 4:
      // A wall and a floor, with the grain of a photograph.
      let horizon = high * random.number(in: 0.5...0.75)
      var grain = random
      return Canvas(width: width, height: height) { x, y in
        let base = y < horizon ? first.mixed(with: second, 0.25 * x / wide) : second.mixed(with: first, 0.2)
        return base.mixed(with: Colour(red: 0, green: 0, blue: 0), 0.25 * grain.unit())
      }
    default:
      // Soft blotches, like something out of focus.
      let waves = (0..<3).map { _ in
        (random.number(in: 0.01...0.05), random.number(in: 0.01...0.05), random.number(in: 0...(2 * .pi)))
      }
      return Canvas(width: width, height: height) { x, y in
        let sum = waves.reduce(0) { $0 + sin($1.0 * x + $1.2) * cos($1.1 * y - $1.2) }
        return first.mixed(with: second, 0.5 + sum / 6)
      }
    }
  }
}
