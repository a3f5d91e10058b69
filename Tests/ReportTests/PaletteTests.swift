import Foundation
import Testing

@testable import Report

/// Two dozen series look different, also to those who do not see all colours.
struct PaletteTests {
  private typealias Color = [Double]

  /// How colours look without one kind of cone (Machado, Oliveira and Fernandes 2009, severity 1), on linear RGB.
  private static let sights: [(name: String, rows: [[Double]])] = [
    ("all cones", [[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
    (
      "no red", [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    (
      "no green", [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    (
      "no blue", [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
  ]

  private func linear(_ hex: String) -> Color {
    [1, 3, 5].map { start in
      let digits = hex.dropFirst(start).prefix(2)
      let value = Double(Int(digits, radix: 16)!) / 255
      return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
    }
  }

  private func product(_ rows: [[Double]], _ color: Color) -> Color {
    rows.map { row in zip(row, color).reduce(0) { $0 + $1.0 * $1.1 } }
  }

  private func lab(_ color: Color) -> Color {
    let xyz = product(
      [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]],
      color.map { min(max($0, 0), 1) })
    let f = zip(xyz, [0.9505, 1, 1.089]).map { $0 / $1 }.map { $0 > 0.008856 ? cbrt($0) : 7.787 * $0 + 16 / 116.0 }
    return [116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])]
  }

  @Test(arguments: [(Palette.light, Palette.papers.light), (Palette.dark, Palette.papers.dark)])
  func coloursKeepApart(colors: [String], paper: String) {
    for sight in Self.sights {
      let seen = colors.map { lab(product(sight.rows, linear($0))) }
      for (index, one) in seen.enumerated() {
        for other in seen[..<index] {
          let distance = zip(one, other).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
          #expect(distance >= 25, "\(colors[index]), \(sight.name)")
        }
      }
    }
    func luminance(_ hex: String) -> Double { product([[0.2126, 0.7152, 0.0722]], linear(hex))[0] }
    for color in colors {
      let pair = [luminance(color), luminance(paper)].sorted()
      #expect((pair[1] + 0.05) / (pair[0] + 0.05) >= 3, "\(color) on \(paper)")
    }
  }

  @Test func seriesOfOneColourDifferInDashAndMarker() {
    let styles = (0..<24).map(Palette.style)
    for (index, one) in styles.enumerated() {
      for other in styles[..<index] where one.color == other.color {
        #expect(one.dash != other.dash && one.marker != other.marker)
      }
    }
    #expect(Set(styles.map(\.color)).count == Palette.light.count && Palette.light.count == Palette.dark.count)
  }
}
