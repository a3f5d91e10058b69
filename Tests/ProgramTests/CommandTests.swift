import Foundation
import Testing

/// The text and the exit status of commands that need no model.
@Suite struct CommandTests {
  let program: Program
  init() throws { program = try Program() }

  @Test func helpTeachesEveryCommand() throws {
    let help = try program("--help")
    #expect(help.status == 0)
    for name in [
      "demo", "data", "embed", "pretrain", "train", "evaluate", "predict", "serve", "score", "recipe", "encoders",
      "benchmark", "label",
    ] {
      #expect(help.output.contains("  \(name) "), "\(name)")
      #expect(try program(name, "--help").output.contains("USAGE: memesense \(name)"))
    }
  }

  /// As `2>&1 | head -1` leaves it: work goes on without listeners, and results that nobody takes are an error.
  @Test func aPipeThatNobodyReadsIsNoCrash() throws {
    func ended(_ arguments: [String], _ attach: (Process, Pipe) -> Void) throws -> Process {
      let (process, pipe) = (program.process(arguments), Pipe())
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      attach(process, pipe)
      try pipe.fileHandleForReading.close()
      try process.run()
      process.waitUntilExit()
      return process
    }
    let drawing = try ended(["data", "draw", "unheard", "--memes", "20"]) { $0.standardError = $1 }
    #expect(drawing.terminationReason == .exit && drawing.terminationStatus == 0)
    #expect(FileManager.default.fileExists(atPath: program.home.appending(path: "unheard").path))
    let listing = try ended(["recipe", "list"]) { $0.standardOutput = $1 }
    #expect(listing.terminationReason == .exit && listing.terminationStatus != 0)
  }

  @Test func wrongUsageIsStatus64() throws {
    #expect(try program("fly").status == 64)
    #expect(try program("predict").status == 64)
    #expect(try program("train", "--recipe", "a", "--method", "b", "--output", "c").status == 64)
  }

  @Test func missingInputsAreStatus66AndNamed() throws {
    for arguments in [["data", "inspect", "nowhere"], ["data", "audit", "nowhere"], ["evaluate", "nowhere"]] {
      let result = try program(arguments)
      #expect(result.status == 66 && result.errors.contains("nowhere"), "\(result.errors)")
    }
    var offline = program
    offline.environment["HF_ENDPOINT"] = "http://no-such-host.invalid"
    let unresolved = try offline("encoders", "get", "org/name", "--quiet")
    #expect(unresolved.status == 66 && unresolved.errors.contains("no-such-host.invalid"), "\(unresolved.errors)")
  }

  /// It is asked for before any feature is computed.
  @Test func aDeviceThatIsNotThereIsStatus64AndNamed() throws {
    #expect(try program("data", "draw", "memes", "--memes", "100", "--quiet").status == 0)
    for arguments in [
      ["train", "--data", "memes", "--task", "mean", "--method", "concat", "--output", "run"],
      ["pretrain", "--data", "memes", "--method", "dino", "--output", "run"],
      ["embed", "--encoder", "lite", "memes"],
      ["benchmark", "demo", "--output", "run"],
    ] {
      let result = try program(arguments + ["--device", "cuda:77"])
      #expect(result.status == 64 && result.errors.contains("the device 'cuda:77' is not there"), "\(result.errors)")
    }
  }

  @Test func scoreGivesKnownNumbers() throws {
    let truth = try program.write(
      (0..<4).map { "{\"id\":\"\($0)\",\"labels\":{\"bad\":\($0 < 2 ? 1 : 0)}}" }.joined(separator: "\n"), to: "t.jsonl"
    )
    let predictions = try program.write(
      zip(0..<4, [0.9, 0.4, 0.6, 0.1]).map { "{\"id\":\"\($0)\",\"probabilities\":{\"bad\":\($1)}}" }
        .joined(separator: "\n"), to: "p.jsonl")
    let arguments = ["score", "--truth", truth, "--predictions", predictions, "--task-kind", "binary"]
    let scores = try object(program(arguments + ["--json"]).output)
    #expect(scores["auroc"] as? Double == 0.75)
    #expect(scores["accuracy"] as? Double == 0.5)
    #expect(try program(arguments + ["--metric", "auroc"]).output == "0.75\n")
    let unknown = try program(arguments + ["--metric", "beauty"])
    #expect(unknown.status == 64 && unknown.errors.contains("beauty"))
    let broken = try program.write(
      (0..<4).map { "{\"id\":\"\($0)\",\"probabilities\":{\"bad\":\($0)}}" }.joined(separator: "\n"), to: "broken.jsonl"
    )
    let refused = try program(["score", "--truth", truth, "--predictions", broken, "--task-kind", "binary"])
    #expect(refused.status == 65 && refused.errors.contains("broken.jsonl:3:"), "\(refused.errors)")
  }

  @Test func recipesAreListedShownAndChecked() throws {
    let list = try program("recipe", "list").output
    #expect(list.contains("semimemes-lite") && list.contains("dino-lite"))
    let pretraining = try program.write(program("recipe", "show", "dino-lite").output, to: "dino.yaml")
    #expect(try program("recipe", "validate", pretraining).output.contains("'memesense pretrain' with dino"))
    let shown = try program("recipe", "show", "semimemes-lite").output
    let good = try program.write(shown, to: "good.yaml")
    #expect(try program("recipe", "validate", good).status == 0)
    for arguments in [["show", "semimemes-lite"], ["validate", good]] {
      let output = try program(["recipe"] + arguments + ["--json"]).output
      let recipe = try #require(JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
      #expect(recipe["method"] as? String == "semimemes" && recipe["settings"] is [String: Any])
    }
    let bad = try program.write(shown.replacing("epochs: 100", with: "epoch: 100"), to: "bad.yaml")
    let refused = try program("recipe", "validate", bad)
    #expect(refused.status == 64 && refused.errors.contains("settings.auto_encoder.training"), "\(refused.errors)")
    #expect(try program("recipe", "show", "nothing").errors.contains("semimemes-lite"))
  }

  @Test func inspectNamesBadRowsByFileAndLine() throws {
    _ = try program.write(
      "{\"file_name\":\"a.jpg\",\"text\":\"one\",\"bad\":1}\n{broken\n{\"file_name\":\"b.jpg\",\"text\":\"two\",\"bad\":0}\n",
      to: "data/metadata.jsonl")
    _ = try program.write("x", to: "data/a.jpg")
    let result = try program("data", "inspect", program.home.appending(path: "data").path)
    #expect(result.status == 0)
    #expect(result.output.contains("metadata.jsonl:2: "), "\(result.output)")
    #expect(result.output.contains("metadata.jsonl:3: "), "\(result.output)")
    #expect(try program("data", "inspect", program.home.appending(path: "data").path, "--strict").status == 65)
  }

  @Test func hashesFromElsewhereAreCompared() throws {
    let zeros = String(repeating: "0", count: 64)
    let file = try program.write(
      [zeros, "", zeros, String(repeating: "f", count: 64), zeros.dropLast(8) + "7fffffff"].joined(separator: "\r\n")
        + "\n",
      to: "hashes.txt")
    let found = try object(program("data", "near-hashes", file).output)
    #expect(found["hashes"] as? Int == 4 && found["different"] as? Int == 3 && found["pair_count"] as? Int == 1)
    let pair = try #require((found["pairs"] as? [[String: Any]])?.first)
    #expect(pair["lines"] as? [Int] == [1, 5] && pair["distance"] as? Int == 31)
    #expect(try object(program("data", "near-hashes", file, "--distance", "30").output)["pair_count"] as? Int == 0)
    let bad = try program("data", "near-hashes", try program.write(zeros + "\nxyz\n", to: "bad.txt"))
    #expect(bad.status == 65 && bad.errors.contains("bad.txt:2: "), "\(bad.errors)")
  }

  @Test func encodersAreListedWithTheirFolder() throws {
    let list = try program("encoders", "list", "--json")
    #expect(list.output.contains("\"lite\"") && list.output.contains(".dependencies/encoders"))
    #expect(try program("encoders", "get", "lite").status == 0)
    #expect(try program("encoders", "get", "nothing").status == 64)
  }

  @Test func encodersThatCannotBeFetchedAreToldWithWhatToDo() throws {
    var offline = program
    let folder = program.home.appending(path: "encoders").path
    // Port 1 is reserved, and closed on every machine.
    offline.environment = ["MEMESENSE_ENCODERS": folder, "PIP_INDEX_URL": "http://127.0.0.1:1/simple"]
    let refused = try offline("encoders", "get", "lite")
    #expect(refused.status == 66)
    for part in ["http://127.0.0.1:1/simple/", "Scripts/setup", "into \(folder) by hand"] {
      #expect(refused.errors.contains(part), "\(refused.errors)")
    }
    offline.environment["PIP_INDEX_URL"] = "not an address"
    #expect(try offline("encoders", "get", "lite").status == 64)
  }

  @Test func whatPeopleHaveIsNotWrittenOver() throws {
    let mine = try program.write("mine", to: "drawn/image-only-42/mine.txt")
    let demo = try program("demo", "--output", "drawn", "--memes", "240", "--quiet")
    #expect(demo.status == 64 && demo.errors.contains("drawn/image-only-42"), "\(demo.errors)")
    #expect(FileManager.default.fileExists(atPath: mine))
    let suite = try program.write("# my notes\n" + program("benchmark", "show", "demo").output, to: "own/suite.yaml")
    let benchmark = try program("benchmark", suite, "--output", "own", "--set", "seeds=[42]", "--quiet")
    #expect(benchmark.status == 64 && benchmark.errors.contains("written over"), "\(benchmark.errors)")
    #expect(try String(contentsOfFile: suite, encoding: .utf8).hasPrefix("# my notes"))
    #expect(try program("data", "draw", "drawn").status == 64)
  }

  @Test func whatCannotBeIsToldBeforeAnythingIsRead() throws {
    for (option, value) in [("--seed", "4294967296"), ("--read-texts", "")] {
      let result = try program("train", "--data", "nowhere", option, value, "--output", "x")
      #expect(result.status == 64 && !result.errors.contains("nowhere"), "\(option): \(result.errors)")
    }
    let language = try program("ocr", "nothing.jpg", "--language", "")
    #expect(!language.wasKilled && language.status == 66, "\(language.errors)")
    #expect(language.errors.contains("language ''"))
  }

  @Test func damagedFilesOfAnEncoderAreNotTakenForWhole() throws {
    let folder = program.home.appending(path: "torn")
    let whole = Program.root.appending(path: ".dependencies/encoders")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for name in ["efficientnet-lite0", "minilm-l6"] {
      try FileManager.default.copyItem(at: whole.appending(path: name), to: folder.appending(path: name))
    }
    try Data("torn".utf8).write(to: folder.appending(path: "minilm-l6/vocab.txt"))
    var offline = program
    offline.environment = ["MEMESENSE_ENCODERS": folder.path, "PIP_INDEX_URL": "http://127.0.0.1:1/simple"]
    let torn = try offline("encoders", "get", "lite")
    #expect(torn.status == 66 && torn.errors.contains("http://127.0.0.1:1"), "it is fetched again: \(torn.errors)")
    // An empty variable is none: the files above the program are found.
    offline.environment["MEMESENSE_ENCODERS"] = ""
    #expect(try offline("encoders", "get", "lite").status == 0)
  }

  @Test func theFilesOfAnEncoderAreTold() throws {
    let answer = try object(program("encoders", "get", "lite", "--json").output)
    let files = try #require(answer["files"] as? [[String: Any]])
    #expect(answer["name"] as? String == "lite" && files.count == 4)
    #expect(files.allSatisfy { ($0["sha256"] as? String)?.count == 64 && ($0["bytes"] as? Int ?? 0) > 0 })
  }

  @Test func modelsOfTheHubAreNotFetchedUnasked() throws {
    var offline = program
    offline.environment = ["HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": program.home.appending(path: "hub").path]
    let refused = try offline("encoders", "get", "openai/clip")
    #expect(refused.status == 66 && refused.errors.contains("HF_HUB_OFFLINE"), "\(refused.errors)")
    #expect(try offline("encoders", "get", "../etc").status == 64)
    let list = try object(offline("encoders", "list", "--json").output)
    #expect((list["hub"] as? [Any])?.isEmpty == true)
  }
}
