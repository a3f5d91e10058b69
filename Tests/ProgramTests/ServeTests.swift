import Foundation
import Testing

/// `memesense serve` as a process: what it answers is what `predict` prints, and signals do what its help says.
@Suite(.serialized, .timeLimit(.minutes(5))) struct ServeTests {
  private static let demo = Result {
    let program = try Program()
    let result = try program(
      "demo", "--memes", "120", "--labels", "0.3", "--seeds", "1", "--output", "demo", "--quiet")
    guard result.status == 0 else { throw CocoaError(.executableLoad) }
    return program
  }

  private let program: Program
  private let process: Process
  private let log: URL

  init() throws {
    program = try Self.demo.get()
    log = program.home.appending(path: "serve-\(UUID().uuidString).log")
    FileManager.default.createFile(atPath: log.path, contents: nil)
    process = program.process(["serve", "demo/concat-42", "--port", "0"])
    process.standardError = try FileHandle(forWritingTo: log)
    process.standardOutput = FileHandle.nullDevice
  }

  private func lines() throws -> [[String: Any]] {
    try String(contentsOf: log, encoding: .utf8).split(separator: "\n").map { try object(String($0)) }
  }

  /// The first value of a member that the log tells, waited for.
  private func logged(_ member: String, where isWanted: (String) -> Bool = { _ in true }) throws -> String {
    for _ in 0..<600 {
      if let value = try lines().lazy.compactMap({ $0[member] as? String }).first(where: isWanted) { return value }
      Thread.sleep(forTimeInterval: 0.1)
    }
    throw CocoaError(.fileReadUnknown)
  }

  private func curl(_ url: String, _ arguments: [String]) throws -> [String: Any] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["curl", "--silent", "--max-time", "30", url] + arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return try object(String(decoding: data, as: UTF8.self))
  }

  @Test func itAnswersAsPredictDoesAndEndsInOrder() throws {
    try process.run()
    defer { process.terminate() }
    let url = try logged("url")
    #expect(url.hasPrefix("http://127.0.0.1:"))
    let folder = program.home.appending(path: "demo/corpus-120/images")
    let name = try #require(FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().first)
    let image = folder.appending(path: name).path
    for (fields, arguments) in [
      (["-F", "image=@\(image)", "-F", "text=you look like this"], [image, "--text", "you look like this"]),
      (["-F", "image=@\(image)"], [image]), (["-F", "text=you look like this"], ["--text", "you look like this"]),
    ] {
      let answer = try curl("\(url)/v1/predict", fields)
      let served = try #require(
        (answer["predictions"] as? [[String: Any]])?.first?["probabilities"] as? [String: Double])
      let printed = try object(program(["predict", "demo/concat-42"] + arguments).output)
      let expected = try #require((printed["probabilities"] as? [String: Double])?["mean"])
      #expect(try abs(#require(served["mean"]) - expected) < 2e-3, "\(arguments)")
    }
    kill(process.processIdentifier, SIGHUP)
    _ = try logged("message") { $0 == "model exchanged" }
    #expect(try curl("\(url)/readyz", [])["status"] as? String == "ready")
    process.terminate()
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == 0)
    #expect(try logged("message") { $0 == "draining" } == "draining")
  }

  @Test func whatCannotBeginIsToldOf() throws {
    let missing = try program("serve", "nowhere")
    #expect(missing.status == 66 && missing.errors.contains("nowhere"))
    #expect(try program("serve", "demo/concat-42", "--port", "70000").status == 64)
    #expect(try program("serve", "demo/concat-42", "--deadline", "0").status == 64)
    let nowhere = try program("serve", "demo/concat-42", "--host", "no-such-host.invalid", "--port", "0", "--quiet")
    #expect(
      nowhere.status == 64 && nowhere.errors.contains("cannot listen on no-such-host.invalid:0: "), "\(nowhere.errors)")
    let keys = try program.write("short\n", to: "keys.txt")
    let refused = try program("serve", "demo/concat-42", "--api-keys", keys)
    #expect(refused.status == 65 && refused.errors.contains("keys.txt: key 1"))
    #expect(try program("serve", "demo/concat-42", "--api-keys", "no-such-file").status == 66)
  }
}
