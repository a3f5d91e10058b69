import Foundation
import LabelStore
import Testing

/// `memesense serve` as a process: what it answers is what `predict` prints, and signals do what its help says; and what
/// `memesense label` answers by models, and how it ends while it trains one.
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
    try object(fetched(url, arguments))
  }

  /// What curl prints.
  private func fetched(_ url: String, _ arguments: [String] = []) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["curl", "--silent", "--max-time", "30", url] + arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
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

  // MARK: Pages

  /// Begins the pages of a store and waits for their address.
  private func opened(_ store: String, _ arguments: [String]) throws -> (process: Process, url: String, log: URL) {
    let log = program.home.appending(path: "label-\(UUID().uuidString).log")
    FileManager.default.createFile(atPath: log.path, contents: nil)
    let process = program.process(["label", store, "--port", "0"] + arguments)
    process.standardError = try FileHandle(forWritingTo: log)
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    for _ in 0..<600 {
      let text = try String(contentsOf: log, encoding: .utf8)
      if let url = text.firstMatch(of: /"url":"([^"]*)"/) { return (process, String(url.1), log) }
      Thread.sleep(forTimeInterval: 0.1)
    }
    process.terminate()
    throw CocoaError(.fileReadUnknown)
  }

  /// Has the page begin a training.
  private func beginTraining(_ url: String) throws {
    _ = try fetched("\(url)/model", ["-H", "origin: \(url)", "-b", "annotator=Ada", "-d", "task=mean"])
  }

  /// What the page says of a field of its form, with the status behind it.
  private func tried(_ field: String, _ url: String) throws -> String {
    try fetched("\(url)/try?task=mean", ["-H", "origin: \(url)", "-F", field, "-w", "%{http_code}"])
  }

  /// The page compares by the encoders of what it trains, which need not be those of the run that answers.
  @Test func neighboursAreOfTheModelsOwnEncodersAlone() throws {
    let arguments = ["--data", "demo/corpus-120", "--run", "demo/concat-42"]
    let own = try opened("own.sqlite", arguments)
    defer { own.process.terminate() }
    var answer = ""
    // The features of all memes are found in the background.
    for _ in 0..<60 where !answer.contains("likeness") {
      answer = try tried("text=you look like this", own.url)
      Thread.sleep(forTimeInterval: 0.2)
    }
    #expect(answer.hasSuffix("200") && answer.contains("likeness") && !answer.contains("not shown"))
    let other = try opened("other.sqlite", arguments + ["--encoder", "lite+fast"])
    defer { other.process.terminate() }
    answer = try tried("text=you look like this", other.url)
    #expect(answer.hasSuffix("200") && answer.contains("They are not shown") && !answer.contains("likeness"))
    let bytes = program.home.appending(path: "latin-1.txt")
    try Data([0x68, 0xF6, 0x72, 0x65]).write(to: bytes)
    answer = try tried("text=<\(bytes.path)", other.url)
    #expect(answer.hasSuffix("400") && answer.contains("the words are not valid UTF-8"))
  }

  /// The thread computes on while the process ends, which must not crash; what it leaves is gone once the store is opened.
  @Test func aStopDuringATrainingIsInOrder() throws {
    let yaml = try program("recipe", "show", "concat-lite").output.replacing(/epochs: \d+/, with: "epochs: 100000")
    let arguments = ["--data", "demo/corpus-120", "--recipe", try program.write(yaml, to: "endless.yaml")]
    let runs = program.home.appending(path: "stopped.sqlite.runs")
    func folders() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: runs.path) }
    for round in 0..<3 {
      let (process, url, _) = try opened("stopped.sqlite", arguments)
      #expect(try round == 0 || folders().isEmpty, "round \(round)")
      try beginTraining(url)
      for _ in 0..<600 {
        let log = (try? folders().first).map { runs.appending(path: "\($0)/log.jsonl") }
        if let log, let lines = try? Data(contentsOf: log), !lines.isEmpty { break }
        Thread.sleep(forTimeInterval: 0.1)
      }
      #expect(try folders().count == 1, "it trains")
      process.terminate()
      process.waitUntilExit()
      #expect(process.terminationReason == .exit && process.terminationStatus == 0, "round \(round)")
    }
  }

  /// The model reads the texts that memes lack, so it is to learn from them; and who trains it is told what cannot be read.
  @Test func aTrainingReadsTextsThatAreMissingAndTellsOfPicturesThatAre() throws {
    #expect(try program("data", "draw", "unread", "--memes", "60", "--quiet").status == 0)
    let file = program.home.appending(path: "unread/metadata.jsonl")
    let rows = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").enumerated().map { index, row in
      index % 4 > 0 ? String(row) : String(row).replacing(/"text":"(?:[^"\\]|\\.)*"/, with: "\"text\":null")
    }
    _ = try program.write(rows.joined(separator: "\n"), to: "unread/metadata.jsonl")
    let yaml = try "read_texts: eng\n" + program("recipe", "show", "logistic-regression-lite").output
    let recipe = try program.write(yaml, to: "reading.yaml")
    let (process, url, log) = try opened("unread.sqlite", ["--data", "unread", "--recipe", recipe])
    defer { process.terminate() }
    let store = try LabelStore(at: program.home.appending(path: "unread.sqlite"))
    let memes = try store.memes()
    try FileManager.default.removeItem(at: #require(memes.first { $0.image != nil && $0.text != nil }?.image))
    try beginTraining(url)
    for _ in 0..<600 {
      guard try fetched("\(url)/model/status").contains("\"isRunning\":true") else { break }
      Thread.sleep(forTimeInterval: 0.2)
    }
    let page = try fetched("\(url)/model?task=mean")
    #expect(page.contains("What the last training warns of") && page.contains("1 images could not be read"), "\(page)")
    #expect(try String(contentsOf: log, encoding: .utf8).contains("a training warns"))
    let run = try #require(try store.runs(task: "mean").first)
    let answers = try store.predictions(of: run.id)
    let textless = memes.filter { $0.image != nil && $0.text == nil }.prefix(3)
    #expect(textless.count == 3)
    for meme in textless {
      let printed = try object(program("predict", run.folder.path, #require(meme.image).path).output)
      let expected = try #require((printed["probabilities"] as? [String: Double])?["mean"])
      let stored = try #require(answers[meme.id]?["mean"])
      // Features in bfloat16 round by what they are computed beside.
      #expect(abs(stored - expected) < 1e-3, "\(meme.name): \(stored) and \(expected)")
    }
  }
}
