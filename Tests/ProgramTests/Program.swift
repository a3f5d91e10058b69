import Foundation
import Synchronization

/// The built program, run as a user runs it.
struct Program {
  struct Result {
    var status: Int32
    /// Whether a signal ended it, which nothing a user does may cause.
    var wasKilled: Bool
    var output: String
    var errors: String
  }

  /// Feature cache and home of the runs; tests share it, so that a corpus is embedded once.
  let home: URL
  /// What the program finds in its environment beside what the tests do.
  var environment: [String: String] = [:]

  /// `memesense` beside the test bundle, wherever SwiftPM built both.
  static var executable: URL {
    let bundle = URL(fileURLWithPath: CommandLine.arguments[0])
    var folder = bundle.deletingLastPathComponent()
    while folder.path != "/" {
      let candidate = folder.appending(path: "memesense")
      if FileManager.default.isExecutableFile(atPath: candidate.path),
        !candidate.hasDirectoryPath
      {
        return candidate
      }
      folder.deleteLastPathComponent()
    }
    return root.appending(path: ".build/debug/memesense")
  }

  /// The repository.
  static var root: URL {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
  }

  func process(_ arguments: [String]) -> Process {
    let process = Process()
    process.executableURL = Self.executable
    process.arguments = arguments
    process.currentDirectoryURL = home
    var environment = ProcessInfo.processInfo.environment
    environment["XDG_CACHE_HOME"] = home.appending(path: "cache").path
    environment["MEMESENSE_ENCODERS"] = Self.root.appending(path: ".dependencies/encoders").path
    process.environment = environment.merging(self.environment) { $1 }
    return process
  }

  func callAsFunction(_ arguments: String...) throws -> Result { try self(arguments) }

  func callAsFunction(_ arguments: [String]) throws -> Result {
    let process = process(arguments)
    let (output, errors) = (home.appending(path: UUID().uuidString), home.appending(path: UUID().uuidString))
    for file in [output, errors] { _ = FileManager.default.createFile(atPath: file.path, contents: nil) }
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return Result(
      status: process.terminationStatus, wasKilled: process.terminationReason == .uncaughtSignal,
      output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
      errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self))
  }

  init() throws {
    home = FileManager.default.temporaryDirectory.appending(path: "memesense-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
  }

  func write(_ text: String, to name: String) throws -> String {
    let file = home.appending(path: name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
    return file.path
  }
}

/// A JSON object of the program's output.
func object(_ text: String) throws -> [String: Any] {
  guard let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
    throw CocoaError(.coderInvalidValue)
  }
  return object
}
