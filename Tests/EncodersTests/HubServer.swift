import Foundation
import Testing

@testable import Encoders

/// The hub of Fixtures/hub_server.py, which ends with this object.
final class HubServer {
  struct Request: Decodable {
    var method: String
    var path: String
    var range: String?
    var authorization: String?
    /// Whether it went to the store of large files, which is another server.
    var isStore: Bool
  }

  private struct Ports: Decodable {
    var port: Int
    var storePort: Int
  }

  private let process = Process()
  private let input = Pipe()
  private let ports: Ports

  init() throws {
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/hub_server.py")
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
    ports = try JSONDecoder().decode(Ports.self, from: line)
  }

  deinit {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  var endpoint: String { "http://127.0.0.1:\(ports.port)" }

  func log() throws -> [Request] {
    let url = try #require(URL(string: endpoint + "/log"))
    return try JSONDecoder().decode([Request].self, from: Data(contentsOf: url))
  }
}
