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

  private let server: PythonServer
  private let ports: Ports

  init() throws {
    server = try PythonServer(script: "hub_server.py")
    ports = try server.description()
  }

  var endpoint: String { "http://127.0.0.1:\(ports.port)" }

  func log() throws -> [Request] {
    let url = try #require(URL(string: endpoint + "/log"))
    return try JSONDecoder().decode([Request].self, from: Data(contentsOf: url))
  }
}
