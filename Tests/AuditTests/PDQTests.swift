import Foundation
import MemeData
import Testing

@testable import Audit

/// The folder that `generate.py` wrote.
let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

@Suite struct PDQTests {
  struct Expected: Decodable {
    var name: String
    var hash: String
    var quality: Int
  }

  private func expected() throws -> [Expected] {
    try JSONDecoder().decode([Expected].self, from: Data(contentsOf: fixtures.appending(path: "pdq.json")))
  }

  private func picture(_ name: String) throws -> RGBImage {
    try ImageDecoder().decode(contentsOf: fixtures.appending(path: "pictures/\(name).png"))
  }

  /// Tolerance: 2 of 256 bits for pictures that are compared at all, 10 for those of too low a quality, of which many
  /// coefficients are at the median; ThreatExchange allows implementations 10 for any. The reference rounds luminance to
  /// whole levels first.
  @Test func hashesAndQualitiesAreThoseOfTheReference() throws {
    let all = try expected()
    #expect(all.count == 11)
    for expected in all {
      let result = try PDQ.hash(picture(expected.name))
      let hash = try #require(PDQHash(hexadecimal: expected.hash))
      let tolerance = expected.quality >= PDQ.leastQuality ? 2 : 10
      #expect(result.hash.distance(to: hash) <= tolerance, "\(expected.name): \(result.hash)")
      #expect(abs(result.quality - expected.quality) <= 1, "\(expected.name): \(result.quality)")
    }
    #expect(all.contains { $0.quality < PDQ.leastQuality } && all.contains { $0.quality == 100 })
  }

  @Test func aPictureSavedAgainAndShrunkIsNear() throws {
    let large = try picture("large")
    let original = PDQ.hash(large).hash
    for data in try [large.jpegData(quality: 40), large.jpegData(quality: 85, maxSide: 200)] {
      let copy = try PDQ.hash(ImageDecoder().decode(data, name: "copy")).hash
      #expect(original.distance(to: copy) <= PDQHash.nearDistance)
    }
    #expect(original.distance(to: try PDQ.hash(picture("odd")).hash) > PDQHash.nearDistance)
  }

  /// The weights of a filter against running means written out.
  @Test(arguments: [1, 2, 63, 64, 65, 128, 129, 500, 1025])
  func filtersAreTwoRunningMeansAndASample(length: Int) {
    var signal = (0..<length).map { Double(($0 * 7919 + 13) % 251) }
    let filter = PDQ.AxisFilter(length: length)
    let found = filter.taps.map { taps in
      taps.weights.enumerated().reduce(0.0) { $0 + Double($1.element) * signal[taps.first + $1.offset] }
    }
    let window = (length + 127) / 128
    for _ in 0..<2 {
      signal = signal.indices.map { centre in
        let reach = max(0, centre - (window - 1) / 2)...min(length - 1, centre + window / 2)
        return signal[reach].reduce(0, +) / Double(reach.count)
      }
    }
    for (index, value) in found.enumerated() {
      let expected = signal[(2 * index + 1) * length / 128]
      #expect(abs(value - expected) < 1e-3, "sample \(index): \(value), expected \(expected)")
    }
  }

  @Test func onePixelHasAHashAndNoQuality() {
    let result = PDQ.hash(RGBImage(width: 1, height: 1, pixels: [10, 20, 30]))
    #expect(result.quality == 0)
  }

  @Test func digitsAreReadAsTheyAreWritten() throws {
    let text = "dd8b4a1589a2cd318f272b3749a3c5704b35393b5995e9704bb5bd3a5994a92a"
    let hash = try #require(PDQHash(hexadecimal: text))
    #expect(hash.description == text && hash.words.x == 0x4bb5_bd3a_5994_a92a)
    #expect(PDQHash(words: SIMD4(1, 0, 0, 0)).description == String(repeating: "0", count: 63) + "1")
    for wrong in [
      "", String(text.dropLast()), text + "0", "+" + text.dropFirst(), "g" + text.dropFirst(), "é" + text.dropFirst(2),
    ] {
      #expect(PDQHash(hexadecimal: wrong) == nil, "\(wrong)")
    }
  }
}
