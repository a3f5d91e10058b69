import Foundation

/// A server of Fixtures/ that tells of itself in one line of JSON, and ends with this object.
final class PythonServer {
  private let process = Process()
  private let input = Pipe()
  private let greeting: Data

  init(script name: String) throws {
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/\(name)")
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
    greeting = line
  }

  deinit {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  /// What the server said when it was ready.
  func description<Description: Decodable>(as type: Description.Type = Description.self) throws -> Description {
    try JSONDecoder().decode(type, from: greeting)
  }
}
