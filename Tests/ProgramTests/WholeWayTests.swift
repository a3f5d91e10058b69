import Foundation
import Testing

/// From drawn memes to predictions through the built program, with the real default encoders.
@Suite(.serialized) struct WholeWayTests {
  /// The corpus and the runs that all tests of the suite look at; made once.
  static let demo = Result {
    let program = try Program()
    let result = try program(
      "demo", "--memes", "240", "--labels", "0.2", "--seeds", "1", "--output", "demo", "--json", "--quiet")
    return (program: program, result: result)
  }

  let program: Program
  let demo: Program.Result
  init() throws { (program, demo) = try Self.demo.get() }

  private var corpus: String { program.home.appending(path: "demo/corpus-240").path }

  @Test func theDemoComparesMethodsAndWritesAReport() throws {
    #expect(demo.status == 0, "\(demo.errors)")
    #expect(demo.errors.isEmpty, "quiet means silent: \(demo.errors)")
    let auroc = try #require(object(demo.output)["auroc"] as? [String: [String: Any]])
    #expect(Set(auroc.keys) == ["image-only", "text-only", "concat", "logistic-regression", "semimemes"])
    #expect(auroc.values.allSatisfy { (0.2...1).contains($0["mean"] as? Double ?? -1) })
    let report = try String(contentsOf: program.home.appending(path: "demo/report.html"), encoding: .utf8)
    #expect(report.contains("\"jpeg\":\"") && report.contains("semimemes"))
    #expect(report.components(separatedBy: "<script>").count == 3, "the library and the page's own script")
  }

  @Test func evaluateRepeatsTheScoresOfTraining() throws {
    let evaluated = try object(program("evaluate", "demo/concat-42", "--json", "--quiet").output)
    let measured = try #require(evaluated["metrics"] as? [String: Any])
    let file = program.home.appending(path: "demo/concat-42/metrics.json")
    let trained = try object(String(contentsOf: file, encoding: .utf8))
    let splits = try #require(trained["metrics"] as? [String: [String: Any]])
    for key in ["auroc", "average_precision", "f1_macro", "accuracy", "brier"] {
      #expect(measured[key] as? Double == splits["test"]?[key] as? Double, "\(key)")
    }
    // The run's own predictions, scored as files, say the same.
    let truth = try truthFile()
    let scored = try program(
      "score", "--truth", truth, "--predictions", "demo/concat-42/predictions-test.jsonl", "--task-kind", "binary",
      "--metric", "auroc")
    // Foundation's JSON reader is off by a last bit now and then.
    let (fromFiles, fromRun) = (Double(scored.output.trimmingCharacters(in: .newlines)), measured["auroc"] as? Double)
    #expect(try abs(#require(fromFiles) - #require(fromRun)) < 1e-15, "\(scored.errors)")
  }

  private func truthFile() throws -> String {
    let metadata = try String(contentsOfFile: corpus + "/metadata.jsonl", encoding: .utf8)
    let predicted = try String(
      contentsOf: program.home.appending(path: "demo/concat-42/predictions-test.jsonl"), encoding: .utf8)
    let ids = try Set(predicted.split(separator: "\n").map { try object(String($0))["id"] as? String ?? "" })
    let rows = try metadata.split(separator: "\n").map { try object(String($0)) }
    let lines = rows.compactMap { row -> String? in
      let name = row["file_name"] as? String ?? ""
      guard let id = [row["id"] as? String, name].compactMap({ $0 }).first(where: ids.contains) else { return nil }
      return "{\"id\":\"\(id)\",\"labels\":{\"mean\":\(row["mean"] as? Int ?? -1)}}"
    }
    return try program.write(lines.joined(separator: "\n"), to: "truth.jsonl")
  }

  @Test func predictionWorksOnEitherModalityAlone() throws {
    let images = try FileManager.default.contentsOfDirectory(atPath: corpus + "/images").sorted()
    let image = "\(corpus)/images/\(images[0])"
    var seen: Set<Double> = []
    for arguments in [[image], ["--text", "you look like this"], [image, "--text", "you look like this"]] {
      let result = try program(["predict", "demo/semimemes-42"] + arguments)
      #expect(result.status == 0, "\(result.errors)")
      let line = try object(result.output)
      let probabilities = try #require(line["probabilities"] as? [String: Double])
      let value = try #require(probabilities["mean"])
      #expect((0...1).contains(value) && line["id"] is String && line["labels"] is [String: Int])
      seen.insert(value)
    }
    #expect(seen.count == 3, "image, text and both are three different questions")
  }

  @Test func brokenPicturesAreNamedAndNothingCrashes() throws {
    let bytes = try Data(
      contentsOf: URL(
        fileURLWithPath: corpus + "/images/"
          + FileManager.default.contentsOfDirectory(atPath: corpus + "/images").sorted()[0]))
    for (name, data) in [
      ("cut.jpg", bytes.prefix(bytes.count / 3)), ("empty.png", Data()), ("page.jpg", Data("<html>".utf8)),
    ] {
      let file = program.home.appending(path: name)
      try data.write(to: file)
      let result = try program("predict", "demo/concat-42", file.path)
      #expect(!result.wasKilled && result.status == 65, "\(name): \(result.errors)")
      #expect(result.errors.contains(name), "\(result.errors)")
    }
    #expect(try program("predict", "demo/concat-42", "missing.jpg").status == 66)
  }

  @Test func damagedRunsAreRefused() throws {
    let files = FileManager.default
    let run = program.home.appending(path: "damaged")
    try files.copyItem(at: program.home.appending(path: "demo/concat-42"), to: run)
    let model = run.appending(path: "model.safetensors")
    let bytes = try Data(contentsOf: model)
    try bytes.prefix(bytes.count - 100).write(to: model)
    let cut = try program("predict", "damaged", "--text", "x")
    #expect(!cut.wasKilled && cut.status == 65 && cut.errors.contains("model.safetensors"), "\(cut.errors)")
    try bytes.write(to: model)
    try Data("{".utf8).write(to: run.appending(path: "model.json"))
    #expect(try program("predict", "damaged", "--text", "x").status == 66)
  }

  @Test func aKilledTrainingResumesToTheSameBytes() throws {
    let arguments = [
      "train", "--data", corpus, "--task", "mean", "--labels", "0.2", "--quiet", "--set",
      "settings.auto_encoder.training.epochs=400",
    ]
    let whole = try program(arguments + ["--output", "whole"])
    #expect(whole.status == 0, "\(whole.errors)")
    let killed = program.process(arguments + ["--output", "killed"])
    killed.standardOutput = FileHandle.nullDevice
    try killed.run()
    let log = program.home.appending(path: "killed/checkpoints/image-to-text.safetensors")
    // Wait for a checkpoint, so that there is something to resume from.
    for _ in 0..<600 where !FileManager.default.fileExists(atPath: log.path) && killed.isRunning {
      Thread.sleep(forTimeInterval: 0.1)
    }
    #expect(killed.isRunning, "the training ended before it could be killed")
    kill(killed.processIdentifier, SIGKILL)
    killed.waitUntilExit()
    #expect(try program(arguments + ["--output", "killed"]).status == 64, "a begun run needs --resume")
    let resumed = try program(arguments + ["--output", "killed", "--resume"])
    #expect(resumed.status == 0, "\(resumed.errors)")
    let (first, second) = try (weights("whole"), weights("killed"))
    #expect(first == second)
  }

  /// A folder of the corpus's pictures in which one stands in two splits.
  private func leakyDataset() throws -> String {
    let images = try FileManager.default.contentsOfDirectory(atPath: corpus + "/images").sorted()
    let rows = [
      ("a", images[0], "first words", 1, "train"), ("b", images[1], "second words", 0, "train"),
      ("c", images[2], "Third words", 1, "train"), ("d", "cut.jpg", "third words!", 0, "train"),
      ("e", images[3], "fifth words", 0, "validation"), ("f", images[0], "sixth words", 0, "test"),
    ]
    let lines = rows.map { id, image, text, bad, split in
      "{\"id\":\"\(id)\",\"file_name\":\"\(image)\",\"text\":\"\(text)\",\"bad\":\(bad),\"split\":\"\(split)\"}"
    }
    let folder = program.home.appending(path: "leaky-\(UUID().uuidString)")
    _ = try program.write(
      lines.joined(separator: "\n"), to: folder.lastPathComponent + "/metadata.jsonl")
    for image in images[0...3] {
      try FileManager.default.copyItem(
        at: URL(fileURLWithPath: "\(corpus)/images/\(image)"), to: folder.appending(path: image))
    }
    try Data("\u{FF}\u{D8}".utf8).write(to: folder.appending(path: "cut.jpg"))
    return folder.path
  }

  @Test func anAuditFindsALeakAndTheCleanedListHasNone() throws {
    let data = try leakyDataset()
    let found = try program("data", "audit", data, "--json", "--quiet", "--fix", "clean.jsonl")
    #expect(found.status == 1 && found.errors.isEmpty, "\(found.errors)")
    let report = try object(found.output)
    let pairs = try #require(report["pairs"] as? [[String: Any]])
    #expect(pairs.count == 1 && pairs[0]["ids"] as? [String] == ["a", "f"])
    #expect(pairs[0]["splits"] as? [String] == ["train", "test"] && pairs[0]["distance"] as? Int == 0)
    let broken = (report["images"] as? [String: Any])?["broken"] as? [[String: Any]]
    #expect(broken?.map { $0["id"] as? String } == ["d"])
    let conflicts = report["text_conflicts"] as? [[String: Any]]
    #expect(conflicts?.map { $0["text"] as? String } == ["third words"])
    let list = try String(contentsOf: program.home.appending(path: "clean.jsonl"), encoding: .utf8)
    #expect(
      list.split(separator: "\n").map(String.init)
        == ["b", "c", "d"].map { "{\"id\":\"\($0)\",\"split\":\"train\"}" } + [
          "{\"id\":\"e\",\"split\":\"validation\"}", "{\"id\":\"f\",\"split\":\"test\"}",
        ])
    let table = try program("data", "audit", data)
    #expect(table.status == 1 && table.output.contains("same file") && table.output.contains("--split-file"))
    #expect(table.errors.contains("pictures 6/6"), "\(table.errors)")
    let clean = try program("data", "audit", data, "--split-file", "clean.jsonl")
    #expect(clean.status == 0, "\(clean.output)")
    #expect(try program("data", "audit", data, "--task", "beauty").status == 64)
    #expect(try program("data", "audit", corpus, "--split-file", "clean.jsonl").status == 65)
  }

  @Test func doubtfulLabelsAreNamedAndASplitFileDecidesWhoTakesPart() throws {
    let found = try program(
      "data", "audit", corpus, "--json", "--quiet", "--labels", "--task", "mean", "--fix", "half.jsonl")
    #expect(found.errors.isEmpty && [0, 1].contains(found.status), "\(found.errors)")
    let doubtful = try #require(object(found.output)["suspicious_labels"] as? [String: Any])
    let suspicions = try #require(doubtful["suspicions"] as? [[String: Any]])
    let confidences = suspicions.compactMap { $0["self_confidence"] as? Double }
    #expect(doubtful["examples"] as? Int == 240 && !suspicions.isEmpty)
    #expect(confidences.count == suspicions.count && confidences == confidences.sorted())
    #expect(suspicions.allSatisfy { $0["given"] as? String != $0["suggested"] as? String })
    // Half of the listed training memes take part in a training.
    let list = program.home.appending(path: "half.jsonl")
    var (lines, training) = ([Substring](), 0)
    for line in try String(contentsOf: list, encoding: .utf8).split(separator: "\n") {
      if line.contains("\"train\"") { training += 1 }
      if !line.contains("\"train\"") || training % 2 == 0 { lines.append(line) }
    }
    try Data(lines.joined(separator: "\n").utf8).write(to: list)
    let trained = try program(
      "train", "--method", "logistic-regression", "--data", corpus, "--split-file", "half.jsonl", "--task", "mean",
      "--labels",
      "1", "--output", "half", "--json", "--quiet")
    #expect(try object(trained.output)["labels"] as? Int == training / 2, "\(trained.errors)")
    let recipe = try String(contentsOf: program.home.appending(path: "half/recipe.yaml"), encoding: .utf8)
    #expect(recipe.contains("split_file: ") && recipe.contains("/half.jsonl"))
    let metrics = try #require(
      object(program("evaluate", "half", "--json", "--quiet").output)["metrics"] as? [String: Any])
    let scores = try #require(object(trained.output)["metrics"] as? [String: [String: Any]])
    #expect(try metrics["auroc"] as? Double == #require(scores["test"])["auroc"] as? Double)
  }

  private func weights(_ run: String) throws -> Data {
    try Data(contentsOf: program.home.appending(path: "\(run)/model.safetensors"))
  }
}
