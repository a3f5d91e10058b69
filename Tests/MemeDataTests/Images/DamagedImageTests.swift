import Foundation
import Testing

@testable import MemeData

/// Damage ends in a picture of a plausible size or in an error, and in the test process still being there.
@Suite struct DamagedImageTests {
  private let decoder = ImageDecoder(limits: .init(pixelCount: 1_000_000))

  /// Whether it decoded; an error of another kind than ours fails the test.
  private func decodes(_ data: Data) -> Bool {
    do throws(ImageError) {
      let image = try decoder.decode(data, name: "damaged")
      #expect(image.pixels.count == image.width * image.height * 3)
      return true
    } catch {
      return false
    }
  }

  @Test(arguments: ImageFixture.decodable)
  func everyTruncationIsAnErrorOrAPicture(name: String) throws {
    let data = try ImageFixture.data(name)
    #expect(decodes(data))
    let decoded = (0..<data.count).filter { decodes(data.prefix($0)) }
    // Trailers may be missing: 12 bytes of a PNG's last chunk, a JPEG's end mark with the padding before it, a GIF's
    // terminator. An animation needs only its first frame.
    let isAnimated = name.hasPrefix("animated")
    #expect(
      isAnimated || decoded.allSatisfy { $0 >= data.count - 16 },
      "decoded although cut to \(decoded) of \(data.count) bytes")
  }

  @Test(arguments: [
    ("rgb.jpg", 2000), ("palette.png", 2000), ("rgb.webp", 2000), ("animated.gif", 2000), ("progressive.jpg", 200),
    ("turned.jpg", 200), ("cmyk.jpg", 200), ("rgb16.png", 200), ("lossless.webp", 200), ("animated.webp", 200),
  ])
  func randomFlipsNeverCrash(name: String, count: Int) throws {
    let data = try ImageFixture.data(name)
    var random = SeededRandom(seed: 7)
    var refused = 0
    for _ in 0..<count {
      var damaged = data
      for _ in 0..<random.integer(in: 1...4) {
        damaged[random.integer(in: 0...(data.count - 1))] ^= UInt8(1 << random.integer(in: 0...7))
      }
      if !decodes(damaged) { refused += 1 }
    }
    #expect(refused > 0, "some of the damage hits the header")
  }
}
