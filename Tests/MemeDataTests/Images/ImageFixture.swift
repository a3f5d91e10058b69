import Foundation
import Testing

@testable import MemeData

/// A picture of `Fixtures/images`, written there by `generate.py`.
enum ImageFixture {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Fixtures/images")

  static func data(_ name: String) throws -> Data {
    try Data(contentsOf: folder.appending(path: name))
  }

  static func url(_ name: String) -> URL { folder.appending(path: name) }

  /// The samples that a viewer shows, [height, width, 3].
  static func expectedPixels(_ name: String) throws -> [UInt8] {
    [UInt8](try data(name + ".rgb"))
  }

  /// One small file of each format, and one of each way to store it.
  static let decodable = [
    "rgb.jpg", "progressive.jpg", "grey.jpg", "turned.jpg", "cmyk.jpg", "rgb.png", "grey.png", "rgba.png",
    "grey-alpha.png", "palette.png", "rgb16.png", "grey16.png", "rgb.webp", "lossless.webp", "animated.webp",
    "animated.gif", "still.gif",
  ]
}
