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

  private let server: PythonServer
  private let description: Description

  init() throws {
    server = try PythonServer(script: "wheel_index.py")
    description = try server.description()
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
