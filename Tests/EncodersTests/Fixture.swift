import Foundation
import MemeData
import Testing
import Torch

@testable import Encoders

/// Values that a generator in Fixtures wrote; a missing file or name fails the test that asks for it.
struct Fixture {
  private let checkpoint: Checkpoint

  init(_ name: String = "encoders", _ file: String = #filePath) throws {
    let folder = URL(fileURLWithPath: file).deletingLastPathComponent().appending(path: "Fixtures")
    checkpoint = try Checkpoint(contentsOf: folder.appending(path: "\(name).safetensors"))
  }

  /// Free text.
  func text(_ name: String) throws -> String {
    try #require(checkpoint.metadata[name], "the fixture has no text '\(name)'")
  }

  func hasText(_ name: String) -> Bool { checkpoint.metadata[name] != nil }

  func tensor(_ name: String) throws -> Tensor {
    try #require(checkpoint.tensors[name], "the fixture has no '\(name)'")
  }

  /// The tensors below a prefix, the prefix taken off.
  func group(_ prefix: String) -> [String: Tensor] {
    Dictionary(
      uniqueKeysWithValues: checkpoint.tensors.filter { $0.key.hasPrefix(prefix) }
        .map { (String($0.key.dropFirst(prefix.count)), $0.value) })
  }

  var sentences: [String] {
    get throws {
      let text = try #require(checkpoint.metadata["sentences"])
      return try JSONDecoder().decode([String].self, from: Data(text.utf8))
    }
  }
}

/// The picture that `picture` of generate.py draws: two ramps, and a disc on a chequered ground.
func picture(width: Int, height: Int) -> RGBImage {
  var pixels: [UInt8] = []
  for y in 0..<height {
    for x in 0..<width {
      let (dx, dy, radius) = (x - width / 3, y - height / 2, height / 4)
      let blue = dx * dx + dy * dy < radius * radius ? 230 : (x / 16 + y / 16) % 2 * 90
      pixels += [UInt8(x * 255 / width), UInt8(y * 255 / height), UInt8(blue)]
    }
  }
  return RGBImage(width: width, height: height, pixels: pixels)
}

/// The largest difference of elements, relative to the largest expected one; infinite when the shapes differ.
func relativeDifference(_ actual: Tensor, _ expected: Tensor) -> Double {
  guard actual.shape == expected.shape else { return .infinity }
  let scale = expected.doubles.reduce(0) { max($0, abs($1)) }
  // Not `max`, which lets NaN pass.
  return zip(actual.doubles, expected.doubles).map { abs($0 - $1) / scale }.reduce(0) { $1 <= $0 ? $0 : $1 }
}

/// The least cosine between rows.
func leastCosine(_ a: Tensor, _ b: Tensor) -> Double {
  (a.to(.float64).normalized() * b.to(.float64).normalized()).sum(along: 1).doubles.min() ?? .nan
}

/// A folder that goes with the test.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "encoders-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }
}
