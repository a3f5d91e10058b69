import Foundation
import MemeData
import Synchronization
import Testing

@testable import LabelStore

/// `memesense label` as a process.
@Suite(.serialized, .timeLimit(.minutes(5))) struct LabelTests {
  private let program: Program

  init() throws {
    program = try Program()
    let lines = (0..<300).map { "{\"file_name\": null, \"id\": \"m\($0)\", \"text\": \"number \($0)\"}\n" }.joined()
    _ = try program.write(lines, to: "memes/metadata.jsonl")
  }

  /// Begins the pages and waits for their address.
  private func opened(
    _ arguments: [String] = ["--data", "memes", "--question", "harm:binary=harmful"]
  ) throws -> (process: Process, port: Int) {
    let process = program.process(["label", "labels.sqlite", "--port", "0"] + arguments)
    let log = Pipe()
    process.standardError = log
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    var text = ""
    while true {
      let data = log.fileHandleForReading.availableData
      guard !data.isEmpty else { throw Failure(reason: "the pages did not begin: \(text)") }
      text += String(decoding: data, as: UTF8.self)
      if let port = text.firstMatch(of: /"url":"http:\/\/127\.0\.0\.1:(\d+)"/).flatMap({ Int($0.1) }) {
        log.fileHandleForReading.readabilityHandler = { _ = $0.availableData }  // nobody must wait for a full pipe
        return (process, port)
      }
    }
  }

  private struct Failure: Error { var reason: String }

  /// Sends one label over a connection of its own and tells whether it was acknowledged.
  private func label(_ meme: Int, by person: String, note: String, port: Int) -> Bool {
    let body = "task=harm&meme=\(meme)&label=\(meme % 2 == 0 ? "harmful" : "not+harmful")&note=\(note)"
    return send("POST", "/label", body, by: person, port: port)?.hasPrefix("HTTP/1.1 303") == true
  }

  /// Sends a request over a connection of its own; `nil` where no answer came.
  private func send(_ method: String, _ path: String, _ body: String, by person: String, port: Int) -> String? {
    let request = """
      \(method) \(path) HTTP/1.1\r\nhost: 127.0.0.1:\(port)\r\norigin: http://127.0.0.1:\(port)\r\ncookie: annotator=\(person)\r
      content-type: application/x-www-form-urlencoded\r\ncontent-length: \(body.utf8.count)\r\nconnection: close\r\n\r\n\(body)
      """
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0, Glibc.send(descriptor, request, request.utf8.count, Int32(MSG_NOSIGNAL)) > 0 else { return nil }
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      guard count > 0 else { break }
      answer += buffer[..<count]
    }
    return answer.isEmpty ? nil : String(decoding: answer, as: UTF8.self)
  }

  /// The notes of labels that were answered for.
  private final class Acknowledged: Sendable {
    let notes = Mutex<Set<String>>([])
  }

  /// Three people label as fast as they can until the program is killed, five times in the same store.
  @Test func aKilledProgramLosesNothingAcknowledged() throws {
    let acknowledged = Acknowledged()
    for round in 0..<5 {
      let (process, port) = try opened()
      let done = DispatchGroup()
      for person in ["Ada", "Bo", "Cy"] {
        done.enter()
        Thread.detachNewThread {
          defer { done.leave() }
          for meme in 1...300 {
            let note = "\(person)-\(round)-\(meme)"
            guard label(meme, by: person, note: note, port: port) else { return }
            acknowledged.notes.withLock { _ = $0.insert(note) }
          }
        }
      }
      Thread.sleep(forTimeInterval: 0.15 + 0.2 * Double(round))
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      done.wait()
      #expect(process.terminationReason == .uncaughtSignal)
    }
    let told = acknowledged.notes.withLock { $0 }
    #expect(told.count > 20, "only \(told.count) labels were acknowledged before the kills")
    let exported = try program("label", "export", "labels.sqlite")
    #expect(exported.status == 0)
    let kept = Set(
      exported.output.split(separator: "\n").compactMap { $0.firstMatch(of: /"note":"([^"]*)"/).map { String($0.1) } })
    #expect(told.subtracting(kept).isEmpty)
    // What was on its way to three people when the program died may be there or not.
    #expect(kept.subtracting(told).count <= 15)
  }

  /// Has the page train a model of the drawn memes and waits for its end.
  private func train(on port: Int) throws {
    #expect(send("POST", "/model", "task=mean", by: "Ada", port: port)?.hasPrefix("HTTP/1.1 303") == true)
    for _ in 0..<600 {
      guard let answer = send("GET", "/model/status", "", by: "Ada", port: port) else { break }
      if answer.contains("\"isRunning\":false") { return }
      Thread.sleep(forTimeInterval: 0.2)
    }
    throw Failure(reason: "the training did not end")
  }

  /// Memes of these splits alone have others cut from them: each must get its own answer still.
  @Test(arguments: [["train"], ["train", "test"]])
  func memesWithoutAllSplitsAreTrainedOn(_ splits: [String]) throws {
    let folder = "drawn-\(splits.count)"
    #expect(try program("data", "draw", folder, "--memes", "120", "--quiet").status == 0)
    let file = program.home.appending(path: "\(folder)/metadata.jsonl")
    let rows = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").enumerated().map { index, row in
      let row = ["validation", "test"].filter { !splits.contains($0) }.reduce(String(row)) {
        $0.replacing("\"split\":\"\($1)\"", with: "\"split\":\"train\"")
      }
      return index % 3 > 0 ? row : row.replacing(/"mean":[01]/, with: "\"mean\":null")
    }
    _ = try program.write(rows.joined(separator: "\n"), to: "\(folder)/metadata.jsonl")
    let (process, port) = try opened(["--data", folder])
    defer { process.terminate() }
    let store = try LabelStore(at: program.home.appending(path: "labels.sqlite"))
    try train(on: port)
    let run = try #require(try store.runs(task: "mean").first)
    let answers = try store.predictions(of: run.id)
    #expect(answers.count == 120)
    for meme in try store.memes().suffix(4) {
      let image = try #require(meme.image)
      let predicted = try object(program("predict", run.folder.path, image.path, "--text", meme.text ?? "").output)
      let probability = try #require((predicted["probabilities"] as? [String: Double])?["mean"])
      #expect(abs(try #require(answers[meme.id]?["mean"]) - probability) < 1e-5, "\(meme.name)")
    }
  }

  /// Two trainings on the same labels: the second begins with the score that the first ended with.
  @Test func theModelIsTrainedFromThePage() throws {
    #expect(try program("data", "draw", "drawn", "--memes", "120", "--quiet").status == 0)
    let (process, port) = try opened(["--data", "drawn"])
    defer { process.terminate() }
    let store = try LabelStore(at: program.home.appending(path: "labels.sqlite"))
    try train(on: port)
    // What somebody changed in the first model's file holds for the second.
    let description = try #require(try store.runs(task: "mean").first).folder.appending(path: "model.json")
    var edited = try object(String(contentsOf: description, encoding: .utf8))
    let source = [["task": "mean", "label": "mean"]]
    edited["categories"] = ["moderations": ["violence": source], "perspective": ["THREAT": source]]
    try JSONSerialization.data(withJSONObject: edited).write(to: description)
    try train(on: port)
    let page = try #require(send("GET", "/model?task=mean", "", by: "Ada", port: port))
    let categories = try #require(page.firstMatch(of: /(?s)id="categories".*?<tbody>(.*?)<\/tbody>/)).1
    #expect(categories.contains("<code>violence</code>") && categories.contains("<code>THREAT</code>"), "\(categories)")
    #expect(!categories.contains("harassment"))
    let runs = try store.runs(task: "mean")
    #expect(runs.count == 2 && runs[1].scoreBefore == nil)
    let score = try #require(runs[1].scoreAfter)
    #expect(score > 0.5 && runs[0].scoreBefore == score)
    let memes = try store.memes()
    let heldOut = memes.filter { $0.split != .train }
    #expect(runs[0].scoredMemes == heldOut.count && runs[0].labels == memes.count - heldOut.count)
    #expect(try store.predictions(of: runs[0].id).count == 120)
    let form = "task=mean&meme=1&label=mean"
    #expect(send("POST", "/label", form, by: "Ada", port: port)?.hasPrefix("HTTP/1.1 303") == true)
    // The run is one like any other.
    let predicted = try program("predict", runs[0].folder.path, "--text", "you look like this")
    #expect(predicted.status == 0 && predicted.output.contains("mean"))
  }

  /// The meme that somebody is shown.
  private func shown(to person: String, port: Int) throws -> Int {
    let page = try #require(send("GET", "/?task=harm", "", by: person, port: port))
    return try #require(page.firstMatch(of: /name="meme" value="(\d+)"/).flatMap { Int($0.1) })
  }

  @Test func aMemeThatWasLeftOpenAfterAllIsShownToOthers() throws {
    let (process, port) = try opened(["--data", "memes", "--question", "harm:binary=harmful", "--overlap", "2"])
    defer { process.terminate() }
    let meme = try shown(to: "Bo", port: port)
    #expect(label(meme, by: "Ada", note: "", port: port))
    let form = "task=harm&meme=\(meme)&skip=1"
    #expect(send("POST", "/label", form, by: "Ada", port: port)?.hasPrefix("HTTP/1.1 303") == true)
    #expect(try shown(to: "Cy", port: port) == meme, "Bo alone is about to decide on it, and two are to")
  }

  @Test func labelsThatWereLeftOutStayOutWhenTheDatasetIsMoved() throws {
    let lines = (0..<20).map { number in
      #"{"file_name": null, "id": "l\#(number)", "text": "text \#(number)", "harm": \#(number % 2)}"#
    }
    _ = try program.write(lines.joined(separator: "\n"), to: "labelled/metadata.jsonl")
    let (process, _) = try opened(["--data", "labelled", "--relabel"])
    process.terminate()
    process.waitUntilExit()
    try FileManager.default.moveItem(
      at: program.home.appending(path: "labelled"), to: program.home.appending(path: "moved"))
    let moved = try program("label", "import", "labels.sqlite", "moved")
    #expect(moved.status == 0 && moved.output == "0 memes and 0 labels added, 0 known already\n", "\(moved.errors)")
    let taken = try program("label", "import", "taken.sqlite", "moved")
    #expect(taken.output == "20 memes and 20 labels added, 0 known already\n")
    // No run is there, so that the pages would not begin in any case.
    let late = try program("label", "taken.sqlite", "--data", "moved", "--relabel", "--run", "nowhere")
    #expect(late.status == 64 && late.errors.contains("--relabel comes too late for moved"), "\(late.errors)")
    let without = try program("label", "taken.sqlite", "--relabel", "--run", "nowhere")
    #expect(without.status == 64 && without.errors.contains("give --data PATH too"), "\(without.errors)")
  }

  @Test func labelsComeAndGoOnTheCommandLine() throws {
    let rows = try program.write("id,task,label,annotator\nm1,harm,true,Ada\nm2,harm,false,Ada\n", to: "rows.csv")
    let taken = try program("label", "import", "labels.sqlite", "memes")
    #expect(taken.status == 0 && taken.output == "300 memes and 0 labels added, 0 known already\n")
    let labels = try program("label", "import", "labels.sqlite", rows)
    #expect(labels.output == "0 memes and 2 labels added, 0 known already\n")
    let folder = try program("label", "export", "labels.sqlite", "--format", "hugging-face", "-o", "out")
    #expect(folder.status == 0)
    let dataset = try Dataset.read(program.home.appending(path: "out"), strict: true)
    #expect(dataset.memes.count == 300 && dataset.memes[1].labels == ["harm": .binary(true)])
    let bad = try program.write("id,task,label\nm1,harm,perhaps\n", to: "bad.csv")
    let refused = try program("label", "import", "labels.sqlite", bad)
    #expect(refused.status == 65 && refused.errors.contains("bad.csv: 1 bad row, nothing was taken\n  line 2: "))
  }

  @Test func whatCannotBeginIsToldOf() throws {
    #expect(try program("label", "export", "nowhere.sqlite").status == 66)
    let empty = try program("label", "empty.sqlite")
    #expect(empty.status == 64 && empty.errors.contains("--data"))
    #expect(try program("label", "a.sqlite", "--data", "memes").errors.contains("--question"))
    #expect(try program("label", "a.sqlite", "--data", "memes", "--question", "x:binary=a,b").status == 64)
    #expect(try program("label", "a.sqlite", "--data", "memes", "--host", "0.0.0.0").status == 64)
    #expect(try program("label", "a.sqlite", "--data", "memes", "--question", "x:binary=a", "--task", "y").status == 64)
    _ = try program.write("no database", to: "text.sqlite")
    #expect(try program("label", "text.sqlite", "--data", "memes").status == 65)
    #expect(try program("label", "import", "b.sqlite", "nowhere").status == 66)
    let store = try LabelStore(at: program.home.appending(path: "a.sqlite"))
    #expect(try store.tasks().isEmpty && store.memeCount() == 0, "nothing is added before it is told")
  }

  @Test func whatIsNotThereLeavesNoNewStore() throws {
    for command in [["label", "import", "new.sqlite", "nowhere"], ["label", "new.sqlite", "--data", "nowhere"]] {
      #expect(try program(command).status == 66)
      let names = try FileManager.default.contentsOfDirectory(atPath: program.home.path)
      #expect(!names.contains { $0.hasPrefix("new.sqlite") }, "\(command)")
    }
    for option in ["--annotator", "--images"] {
      let refused = try program("label", "import", "new.sqlite", "memes", option, "Ada")
      #expect(refused.status == 64 && refused.errors.contains("--annotator and --images"), "\(refused.errors)")
      #expect(!FileManager.default.fileExists(atPath: program.home.appending(path: "new.sqlite").path))
    }
    // A file has not all labels of its task; which there are may be said beside it.
    let half = try program.write("id,text,task,label\na,words,tone,calm\n", to: "half.csv")
    let refused = try program("label", "import", "half.sqlite", half)
    let said = "tone:multiclass=calm,angry"
    #expect(refused.status == 65 && refused.errors.contains("--question \"tone:multiclass=calm,"), "\(refused.errors)")
    let wrong = try program("label", "import", "half.sqlite", half, "--question", "tone:multiclass=angry,sad")
    #expect(wrong.status == 65 && wrong.errors.contains("nothing was taken"), "\(wrong.errors)")
    #expect(try program("label", "import", "half.sqlite", half, "--question", said).status == 0)
    #expect(try program("label", "export", "half.sqlite").output.contains("\"annotator\":\"file\""))
    #expect(try program("label", "import", "labels.sqlite", "memes").status == 0)
    #expect(try program("label", "import", "labels.sqlite", "nowhere").status == 66)
    let store = try LabelStore(at: program.home.appending(path: "labels.sqlite"))
    #expect(try store.memeCount() == 300)
  }

  @Test func picturesThatAreNotThereAreToldOf() throws {
    let rows = try program.write(
      (0..<5).map { "{\"id\":\"p\($0)\",\"file_name\":\"\($0).png\",\"text\":\"words\"}\n" }.joined(), to: "rows.jsonl")
    let taken = try program("label", "import", "labels.sqlite", rows)
    #expect(taken.status == 0 && taken.output == "5 memes and 0 labels added, 0 known already\n")
    #expect(taken.errors.contains("5 memes have no picture yet:\n  line 1: there is no picture '0.png' in "))
    #expect(taken.errors.contains("; the meme 'p2' is kept with its text alone\n  … and 2 more"), "\(taken.errors)")
  }

  /// Such tasks are refused, and those that an earlier program took are told of as bad data.
  @Test func tasksThatAreNamedLikeColumnsAreToldOf() throws {
    let rows = try program.write("id,task,label\nm1,split,true\n", to: "rows.csv")
    #expect(try program("label", "import", "labels.sqlite", "memes").status == 0)
    let refused = try program("label", "import", "labels.sqlite", rows)
    #expect(refused.status == 65 && refused.errors.contains("cannot be named 'split'"), "\(refused.errors)")
    // No run is there, so that the pages would not begin in any case.
    let asked = try program("label", "labels.sqlite", "--question", "split:binary=yes", "--run", "nowhere")
    #expect(asked.status == 65 && asked.errors.contains("cannot be named 'split'"), "\(asked.errors)")
    let store = try LabelStore(at: program.home.appending(path: "labels.sqlite"))
    try store.write { database in
      try database.execute(sql: "INSERT INTO task (name, kind, labels) VALUES ('split', 'binary', '[\"yes\"]')")
    }
    try store.close()
    for output in [[], ["--output", "out"]] as [[String]] {
      let exported = try program(["label", "export", "labels.sqlite", "--format", "hugging-face"] + output)
      #expect(exported.status == 65 && exported.errors.contains("cannot be named 'split'"), "\(exported.errors)")
      #expect(!exported.errors.contains("expected a store"), "\(exported.errors)")
    }
    #expect(!FileManager.default.fileExists(atPath: program.home.appending(path: "out").path))
  }
}
