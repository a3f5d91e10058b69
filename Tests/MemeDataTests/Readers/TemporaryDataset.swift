import Foundation
import Testing

@testable import MemeData

/// A dataset folder of invented content that a test writes and removes.
final class TemporaryDataset {
  let root: URL

  init(_ files: KeyValuePairs<String, String> = [:], images: [String] = []) throws {
    root = FileManager.default.temporaryDirectory.appending(path: "memes-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
    for (name, text) in files { try write(Array(text.utf8), to: name) }
    for name in images { try write([0xFF, 0xD8], to: name) }
  }

  deinit {
    try? FileManager.default.removeItem(at: root)
  }

  func write(_ bytes: [UInt8], to name: String) throws {
    let url = root.appending(path: name)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
  }

  func read(strict: Bool = false) throws -> Dataset {
    try Dataset.read(root, strict: strict)
  }
}

extension Dataset {
  /// The meme of an id; the test fails without it.
  func meme(_ id: String) throws -> Meme {
    try #require(memes.first { $0.id == id })
  }
}
