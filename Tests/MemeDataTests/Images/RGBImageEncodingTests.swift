import Foundation
import Testing

@testable import MemeData

@Suite struct RGBImageEncodingTests {
  private let decoder = ImageDecoder()

  @Test func pngKeepsEverySample() throws {
    let image = try decoder.decode(ImageFixture.data("rgb16.png"), name: "")
    #expect(try decoder.decode(image.pngData(), name: "") == image)
  }

  @Test func jpegStaysClose() throws {
    let image = try decoder.decode(ImageFixture.data("rgb.jpg"), name: "")
    let again = try decoder.decode(image.jpegData(quality: 95), name: "")
    let meanDifference =
      zip(image.pixels, again.pixels).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) } / image.pixels.count
    #expect(meanDifference <= 4)
  }

  @Test func thumbnailsAreSmallUprightAndBare() throws {
    let turned = try ImageFixture.data("turned.jpg")
    #expect(turned.range(of: Data("Exif".utf8)) != nil)
    let thumbnail = try decoder.thumbnail(of: turned, name: "t", maxSide: 16)
    #expect(
      try decoder.header(of: thumbnail, name: "t") == ImageHeader(format: .jpeg, width: 12, height: 16, frameCount: 1))
    #expect(thumbnail.range(of: Data("Exif".utf8)) == nil)
    let larger = try decoder.thumbnail(of: turned, name: "t", maxSide: 500)
    #expect(try decoder.header(of: larger, name: "t").height == 32)
  }
}
