import Checkpoints
import Foundation
import Testing

/// The files that `Fixtures/generate.py` wrote.
enum Fixture {
  static func url(_ name: String) throws -> URL {
    let url = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/\(name)")
    try #require(FileManager.default.fileExists(atPath: url.path), "missing fixture \(name): run generate.py")
    return url
  }

  static func bytes(_ name: String) throws -> [UInt8] { try Array(Data(contentsOf: url(name))) }
}

/// A tensor as PyTorch sees it.
struct ExpectedTensor: Decodable {
  let name: String
  let type: String
  let shape: [Int]
  /// Row-major, little-endian, hexadecimal.
  let bytes: String

  static func read(_ name: String) throws -> [ExpectedTensor] {
    try JSONDecoder().decode([ExpectedTensor].self, from: Data(contentsOf: Fixture.url(name)))
  }

  func expectEqual(_ tensor: StoredTensor?, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let tensor = try #require(tensor, "no tensor \(name)", sourceLocation: sourceLocation)
    #expect(tensor.name == name, sourceLocation: sourceLocation)
    #expect(tensor.type.rawValue == type, "\(name)", sourceLocation: sourceLocation)
    #expect(tensor.shape == shape, "\(name)", sourceLocation: sourceLocation)
    #expect(tensor.rowMajorBytes.hexadecimal == bytes, "\(name)", sourceLocation: sourceLocation)
  }
}

extension StoredTensor {
  var rowMajorBytes: [UInt8] {
    var copy = [UInt8](repeating: 0, count: elementCount * type.byteCount)
    copy.withUnsafeMutableBytes { copyElements(to: $0) }
    return copy
  }
}

extension [UInt8] {
  var hexadecimal: String { map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }

  /// `count` bytes of an integer, little-endian.
  init<T: FixedWidthInteger>(_ value: T) { self = Swift.withUnsafeBytes(of: value.littleEndian) { [UInt8]($0) } }
}

/// A folder that lasts as long as the object.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "checkpoints-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func file(_ name: String, _ bytes: [UInt8]) throws -> URL {
    let file = url.appending(path: name)
    try Data(bytes).write(to: file)
    return file
  }

  var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() } }
}

/// Expects that `body` throws a ``CheckpointError`` of a kind whose text holds each of `fragments`.
func expectFailure(
  _ reason: CheckpointError.Reason, _ fragments: String..., sourceLocation: SourceLocation = #_sourceLocation,
  body: () throws -> Void
) {
  let error = #expect(throws: CheckpointError.self, sourceLocation: sourceLocation) { try body() }
  guard let error else { return }
  #expect(error.reason == reason, "\(error)", sourceLocation: sourceLocation)
  for fragment in fragments {
    #expect(error.description.contains(fragment), sourceLocation: sourceLocation)
  }
}
