import Foundation
import Testing

@testable import Encoders

/// The package index of Fixtures/wheel_index.py, which ends with this object.
final class WheelIndexServer {
  private struct Description: Decodable {
    struct Member: Decodable {
      var path: String
      var byteCount: Int
      var sha256: String
    }
    var port: Int
    var fileName: String
    var byteCount: Int
    var sha256: String
    var members: [Member]
  }

  private struct Request: Decodable {
    var mode: String
    var start: Int
  }

  private let process = Process()
  private let input = Pipe()
  private let description: Description

  init() throws {
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/wheel_index.py")
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", script.path]
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    var line = Data()
    while line.last != UInt8(ascii: "\n"), case let data = output.fileHandleForReading.availableData, !data.isEmpty {
      line += data
    }
    description = try JSONDecoder().decode(Description.self, from: line)
  }

  deinit {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  /// The wheel that every mode serves, or says it does.
  var wheel: PinnedWheel {
    PinnedWheel(
      project: "tiny", version: "1.0", fileName: description.fileName, byteCount: description.byteCount,
      sha256: description.sha256,
      members: description.members.map {
        .init(path: $0.path, file: $0.path.replacing("tiny/", with: "net/"), byteCount: $0.byteCount, sha256: $0.sha256)
      })
  }

  /// An index that behaves as `mode` says.
  func index(_ mode: String, user: String = "") throws -> WheelIndex {
    try WheelIndex("http://\(user)127.0.0.1:\(description.port)/\(mode)/simple")
  }

  /// The offsets that wheels were asked for from, in turn.
  func offsets() throws -> [Int] {
    let url = try #require(URL(string: "http://127.0.0.1:\(description.port)/log"))
    return try JSONDecoder().decode([Request].self, from: Data(contentsOf: url)).map(\.start)
  }
}
