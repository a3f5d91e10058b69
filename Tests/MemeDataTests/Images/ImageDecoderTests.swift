import Foundation
import Testing

@testable import MemeData

@Suite struct ImageDecoderTests {
  private let decoder = ImageDecoder()

  /// JPEG decoders may differ by 2 levels of 255 in how they round; the rest is exact but for the rounding of alpha.
  @Test(arguments: [
    ("rgb.jpg", 32, 24, 2), ("progressive.jpg", 32, 24, 2), ("grey.jpg", 32, 24, 2), ("turned.jpg", 24, 32, 2),
    ("rgb.png", 32, 24, 0), ("grey.png", 32, 24, 0), ("rgba.png", 32, 24, 1), ("grey-alpha.png", 32, 24, 1),
    ("palette.png", 32, 24, 0), ("rgb16.png", 32, 24, 0), ("grey16.png", 32, 24, 0), ("rgb.webp", 32, 24, 2),
    ("lossless.webp", 32, 24, 0), ("animated.webp", 16, 12, 0), ("animated.gif", 16, 12, 0), ("still.gif", 16, 12, 0),
  ])
  func pixelsAreThoseOfPillow(name: String, width: Int, height: Int, tolerance: Int) throws {
    let image = try decoder.decode(ImageFixture.data(name), name: name)
    #expect(image.width == width && image.height == height)
    let expected = try ImageFixture.expectedPixels(name)
    try #require(image.pixels.count == expected.count)
    let largest = zip(image.pixels, expected).map { abs(Int($0) - Int($1)) }.max()
    #expect(largest! <= tolerance, "the largest difference is \(largest!)")
  }

  @Test func inksBecomeTheirColours() throws {
    let image = try decoder.decode(ImageFixture.data("cmyk.jpg"), name: "cmyk.jpg")
    func pixel(_ x: Int) -> [Int] { image.pixels[(4 * 32 + x) * 3..<(4 * 32 + x) * 3 + 3].map(Int.init) }
    #expect(pixel(3).min()! >= 250, "paper is white")
    #expect(pixel(12)[0] < 90 && pixel(12)[2] > 180, "cyan has no red")
    #expect(pixel(20)[1] < 90 && pixel(20)[0] > 180, "magenta has no green")
    #expect(pixel(29).max()! < 70, "black is dark")
  }

  @Test func headerSaysSizeAndFrames() throws {
    let turned = try decoder.header(of: ImageFixture.data("turned.jpg"), name: "t")
    #expect(turned == ImageHeader(format: .jpeg, width: 24, height: 32, frameCount: 1))
    for (name, format) in [("animated.gif", ImageFormat.gif), ("animated.webp", .webp)] {
      let header = try decoder.header(of: ImageFixture.data(name), name: name)
      #expect(header == ImageHeader(format: format, width: 16, height: 12, frameCount: 3))
    }
  }

  @Test func sizeIsCheckedBeforePixels() throws {
    let error = #expect(throws: ImageError.self) {
      try decoder.decode(ImageFixture.data("enormous.png"), name: "enormous.png")
    }
    #expect(error == .tooManyPixels(name: "enormous.png", width: 30_000, height: 30_000, limit: 100_000_000))
    #expect(
      error?.description == "enormous.png: 30000 × 30000 pixels are 900000000, and at most 100000000 are accepted; "
        + "shrink the picture or raise the limit")
    let small = ImageDecoder(limits: .init(pixelCount: 32 * 24 - 1))
    #expect(throws: ImageError.tooManyPixels(name: "p", width: 32, height: 24, limit: 767)) {
      try small.decode(ImageFixture.data("rgb.png"), name: "p")
    }
    let short = ImageDecoder(limits: .init(byteCount: 100))
    let count = try ImageFixture.data("rgb.jpg").count
    #expect(throws: ImageError.tooManyBytes(name: "p", bytes: count, limit: 100)) {
      try short.decode(ImageFixture.data("rgb.jpg"), name: "p")
    }
    #expect(throws: ImageError.tooManyBytes(name: ImageFixture.url("rgb.jpg").path, bytes: count, limit: 100)) {
      try short.decode(contentsOf: ImageFixture.url("rgb.jpg"))
    }
  }

  /// libjpeg leaves out high frequencies, which for a smooth picture comes near the mean of each square of pixels.
  @Test(arguments: [(2, 100), (4, 50), (8, 25)]) func aReducedPictureIsTheMeanOfItsPixels(
    shrink: Int, leastSide: Int
  ) throws {
    let (width, height) = (240, 200)
    let pixels = (0..<width * height).flatMap { index -> [UInt8] in
      let (x, y) = (index % width, index / width)
      return [UInt8(x), UInt8(y), UInt8(255 - x)]
    }
    let data = try RGBImage(width: width, height: height, pixels: pixels).jpegData(quality: 95)
    let small = try decoder.decode(data, name: "large.jpg", leastSide: leastSide)
    #expect(small.width == width / shrink && small.height == height / shrink)
    for y in 0..<small.height {
      for x in 0..<small.width {
        let center = [Double(x) + 0.5, Double(y) + 0.5].map { $0 * Double(shrink) - 0.5 }
        let pixel = small.pixels[(y * small.width + x) * 3..<(y * small.width + x) * 3 + 3].map(Double.init)
        let expected = [center[0], center[1], 255 - center[0]]
        try #require(zip(pixel, expected).allSatisfy { abs($0 - $1) <= 6 }, "\(pixel) at \(x), \(y): \(expected)")
      }
    }
  }

  @Test func aReducedPictureKeepsTheLeastSideAndStaysUpright() throws {
    let turned = try decoder.decode(ImageFixture.data("turned.jpg"), name: "turned.jpg", leastSide: 12)
    #expect(turned.width == 12 && turned.height == 16)
    let whole = try decoder.decode(ImageFixture.data("turned.jpg"), name: "turned.jpg", leastSide: 13)
    #expect(try whole.pixels == ImageFixture.expectedPixels("turned.jpg"))
    let png = try decoder.decode(ImageFixture.data("rgb.png"), name: "rgb.png", leastSide: 2)
    #expect(try png.pixels == ImageFixture.expectedPixels("rgb.png"), "only JPEG is decoded at a reduced size")
    let cut = try ImageFixture.data("rgb.jpg").dropLast(200)
    #expect(throws: ImageError.self) { try decoder.decode(Data(cut), name: "cut.jpg", leastSide: 4) }
  }

  @Test func contentDecidesNotTheName() throws {
    let image = try decoder.decode(ImageFixture.data("rgb.png"), name: "photo.jpg")
    #expect(try image.pixels == ImageFixture.expectedPixels("rgb.png"))
  }

  @Test(
    arguments: [
      ([0x49, 0x49, 0x2A, 0, 8, 0, 0, 0], "TIFF"), (Array("<svg xmlns='x'>".utf8), "SVG"),
      (Array("\n<?xml version='1.0'?><svg>".utf8), "SVG"), (Array("%PDF-1.7".utf8), "PDF"),
      ([0, 0, 0, 24] + Array("ftypheic".utf8), "HEIC"), ([0, 0, 0, 24] + Array("ftypavif".utf8), "AVIF"),
      (Array("BM".utf8) + [70, 0, 0, 0, 0, 0, 0, 0], "BMP"), ([0, 0, 1, 0, 1, 0], "ICO"),
      ([0, 0, 0, 12, 0x6A, 0x50, 0x20, 0x20], "JPEG 2000"), (Array("<!DOCTYPE HTML><p>404".utf8), "HTML"),
      (Array("version https://git-lfs.github.com/spec/v1".utf8), "Git LFS pointer"),
    ] as [([UInt8], String)])
  func otherFormatsAreRefusedByName(bytes: [UInt8], format: String) {
    #expect(throws: ImageError.refusedFormat(name: "x.jpg", format: format)) {
      try decoder.decode(Data(bytes), name: "x.jpg")
    }
  }

  @Test func nothingAndNonsenseAreSaidToBeSo() {
    #expect(throws: ImageError.empty(name: "x.jpg")) { try decoder.decode(Data(), name: "x.jpg") }
    for text in ["BMW", "hello", "RIFF....WAVE", "\u{FF}"] {
      #expect(throws: ImageError.unknownFormat(name: "x")) { try decoder.decode(Data(text.utf8), name: "x") }
    }
  }

  @Test func onlyFilesAreRead() {
    #expect(throws: ImageError.unreadable(name: "/dev/zero", reason: "it is no regular file")) {
      try decoder.decode(contentsOf: URL(filePath: "/dev/zero"))
    }
    let missing = URL(filePath: "/nowhere/meme.jpg")
    let error = #expect(throws: ImageError.self) { try decoder.decode(contentsOf: missing) }
    #expect(error?.description.hasPrefix("/nowhere/meme.jpg: cannot be read") == true)
  }

  @Test func manyThreadsSeeTheSamePixelsAndTheirOwnErrors() throws {
    let good = try ImageFixture.data("rgb.png")
    let expected = try ImageFixture.expectedPixels("rgb.png")
    let cut = try ImageFixture.data("rgb16.png").prefix(400)
    let reason = undecodableReason(cut)
    #expect(reason != nil)
    let brokenJPEG = Data([0xFF, 0xD8, 0xFF, 0xD9])
    let otherReason = undecodableReason(brokenJPEG)
    #expect(otherReason != nil && otherReason != reason)
    DispatchQueue.concurrentPerform(iterations: 600) { index in
      switch index % 3 {
      case 0: #expect((try? decoder.decode(good, name: ""))?.pixels == expected)
      case 1: #expect(undecodableReason(cut) == reason)
      default: #expect(undecodableReason(brokenJPEG) == otherReason)
      }
    }
  }

  private func undecodableReason(_ data: Data) -> String? {
    do throws(ImageError) {
      _ = try decoder.decode(data, name: "")
      return nil
    } catch {
      guard case .undecodable(_, _, let reason) = error else { return nil }
      return reason
    }
  }
}
