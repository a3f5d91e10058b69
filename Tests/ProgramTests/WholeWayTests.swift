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

  /// Weights and scores stay as they are; temperature and threshold stand beside them, and predictions are made by them.
  @Test func aCalibrationIsReportedBesideTheScoresAndAppliedToPredictions() throws {
    // So many epochs that the model is surer than it is right.
    let arguments = [
      "train", "--method", "concat", "--data", corpus, "--task", "mean", "--labels", "0.3", "--json", "--quiet",
      "--set",
      "settings.training.epochs=60",
    ]
    let result = try program(arguments + ["--calibrate", "--output", "calibrated"])
    #expect(result.status == 0, "\(result.errors)")
    let plain = try program(arguments + ["--output", "plain"])
    let (trained, without) = try (object(result.output), object(plain.output))
    #expect(try weights("calibrated") == weights("plain"))
    #expect(
      try #require(trained["metrics"] as? NSDictionary).isEqual(to: #require(without["metrics"] as? [String: Any])))
    #expect(without["calibration"] == nil)
    let calibration = try #require(trained["calibration"] as? [String: Any])
    let after = try #require((calibration["test"] as? [String: NSDictionary])?["mean"])
    let tasks = try #require(calibration["tasks"] as? [String: [String: Any]])
    let part = try #require((tasks["mean"]?["parts"] as? [[String: Any]])?.first)
    let temperature = try #require(part["temperature"] as? Double)
    let threshold = try #require(part["threshold"] as? Double)
    #expect(temperature != 1 || threshold != 0.5, "the test has nothing to look at")

    let evaluated = try object(program("evaluate", "calibrated", "--json", "--quiet").output)
    #expect(
      try #require((evaluated["calibrated"] as? [String: Any])?["mean"] as? NSDictionary) == after)
    #expect(after["auroc"] as? Double == (evaluated["metrics"] as? [String: Any])?["auroc"] as? Double)
    let table = try program("evaluate", "calibrated", "--quiet").output
    #expect(table.contains("What its calibration changes"))

    func answer(_ arguments: String...) throws -> (probability: Double, label: Int, isCalibrated: Bool?) {
      let line = try object(program(["predict", "calibrated", "--text", "you look like this"] + arguments).output)
      let probability = try #require((line["probabilities"] as? [String: Double])?["mean"])
      return (probability, try #require((line["labels"] as? [String: Int])?["mean"]), line["calibrated"] as? Bool)
    }
    let (raw, scaled) = try (answer("--uncalibrated"), answer())
    #expect(raw.isCalibrated == nil && scaled.isCalibrated == true)
    let expected = 1 / (1 + exp(-log(raw.probability / (1 - raw.probability)) / temperature))
    #expect(abs(scaled.probability - expected) < 1e-12)
    #expect(raw.label == (raw.probability > 0.5 ? 1 : 0) && scaled.label == (scaled.probability > threshold ? 1 : 0))

    try FileManager.default.removeItem(at: program.home.appending(path: "calibrated/calibration.json"))
    let refused = try program("predict", "calibrated", "--text", "x")
    #expect(refused.status == 66 && refused.errors.contains("there is no calibration.json"), "\(refused.errors)")
  }

  /// What is exported for MAMI and scored against the competition's truth is what the program says of the run.
  @Test func anExportForMAMIScoresAsTheRunDoes() throws {
    let header = "file_name\tmisogynous\tshaming\tstereotype\tobjectification\tviolence\tText Transcription"
    func row(_ index: Int) -> (name: String, flags: [Int], text: String) {
      let kinds = (0..<4).map { (index >> $0) & 1 == 1 && index % 3 != 0 }
      let words = zip(["shame", "kitchen", "body", "hit"], kinds).filter { $1 != (index % 7 == 0) }.map(\.0)
      return (
        "\(index).jpg", [kinds.contains(true) ? 1 : 0] + kinds.map { $0 ? 1 : 0 }, "you \(words.joined(separator: " "))"
      )
    }
    func table(_ range: Range<Int>) -> String {
      ([header] + range.map(row).map { "\($0.name)\t\($0.flags.map(String.init).joined(separator: "\t"))\t\($0.text)" })
        .joined(separator: "\n")
    }
    _ = try program.write(table(0..<160), to: "mami/training.csv")
    _ = try program.write(table(160..<220), to: "mami/test.tsv")
    let truth = (160..<220).map(row).map { "\($0.name)\t\($0.flags.map(String.init).joined(separator: "\t"))" }
    _ = try program.write(truth.joined(separator: "\n"), to: "mami-truth.txt")
    let picture = try FileManager.default.contentsOfDirectory(atPath: corpus + "/images").sorted()[0]
    let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(corpus)/images/\(picture)"))
    for index in 0..<220 { try bytes.write(to: program.home.appending(path: "mami/\(index).jpg")) }
    let trained = try program(
      "train", "--method", "logistic-regression", "--data", "mami", "--task", "misogyny", "--output", "mami-run",
      "--quiet")
    #expect(trained.status == 0, "\(trained.errors)")
    let exported = try program("export", "mami-run", "--format", "mami", "--output", "answer.txt", "--quiet")
    #expect(exported.status == 0, "\(exported.errors)")
    let answer = try String(contentsOf: program.home.appending(path: "answer.txt"), encoding: .utf8)
    let lines = answer.split(separator: "\n")
    #expect(lines.count == 60 && lines[0].hasPrefix("160.jpg\t") && lines[0].split(separator: "\t").count == 6)
    let evaluated = try #require(
      object(program("evaluate", "mami-run", "--json", "--quiet").output)["metrics"] as? [String: Any])
    for metric in ["mami_a", "mami_b"] {
      let scored = try program(
        "score", "--truth", "mami-truth.txt", "--predictions", "answer.txt", "--task-kind", "multilabel", "--metric",
        metric)
      let (found, expected) = (Double(scored.output.trimmingCharacters(in: .newlines)), evaluated[metric] as? Double)
      #expect(try abs(#require(found) - #require(expected)) < 1e-15, "\(metric): \(scored.errors)")
      #expect(expected.map { $0 > 0.2 && $0 < 1 } == true, "\(metric) tells nothing: \(String(describing: expected))")
    }
    #expect(
      try program("export", "mami-run", "--format", "mami", "--task-a", "--output", "a.txt", "--quiet").status == 0)
    let taskA = try program(
      "score", "--truth", "mami-truth.txt", "--predictions", "a.txt", "--task-kind", "binary", "--metric", "mami-a")
    let alone = try #require(Double(taskA.output.trimmingCharacters(in: .newlines)))
    #expect(try abs(alone - #require(evaluated["mami_a"] as? Double)) < 1e-15)
    let wrong = try program("export", "mami-run", "--format", "hateful-memes", "--output", "b.csv", "--quiet")
    #expect(wrong.status == 64 && wrong.errors.contains("one yes-or-no label"), "\(wrong.errors)")
  }

  @Test func classesAreMergedInEveryTable() throws {
    let words = ["good": "love sun", "fair": "chair table", "bad": "hate rain"]
    let rows = (0..<120).map { index in
      let (kind, word) = words.sorted { $0.key < $1.key }[index % 3]
      let split = index % 4 == 0 ? "test" : index % 4 == 1 ? "validation" : "train"
      return #"{"id":"\#(index)","file_name":null,"text":"\#(word) \#(index)","mood":"\#(kind)","split":"\#(split)"}"#
    }
    _ = try program.write(rows.joined(separator: "\n"), to: "moods/metadata.jsonl")
    let trained = try program(
      "train", "--method", "logistic-regression", "--data", "moods", "--output", "moods-run", "--quiet")
    #expect(trained.status == 0, "\(trained.errors)")
    let result = try program(
      "evaluate", "moods-run", "--merge", "kind=good,fair", "--deduplicated", "--json", "--quiet")
    #expect(result.status == 0, "\(result.errors)")
    let answer = try object(result.output)
    let rest = try #require(answer["deduplicated"] as? [String: Any])
    #expect((rest["leaked"] as? [Any])?.isEmpty == true)
    let all = try #require(answer["metrics"] as? NSDictionary)
    #expect(all.isEqual((rest["metrics"] as? [String: Any])?["mood"]), "nothing leaks, so that both are the same")
    #expect(result.output.contains("\"kind\""))
  }

  @Test func aCalibrationNeedsLabelledValidationMemes() throws {
    let rows = (0..<20).map { index in
      let (label, split) = (index % 2, index < 12 ? "train" : index < 16 ? "validation" : "test")
      let labels = split == "validation" ? "" : ",\"bad\":\(label)"
      return
        "{\"id\":\"\(index)\",\"file_name\":null,\"text\":\"text \(label) \(index)\"\(labels),\"split\":\"\(split)\"}"
    }
    let data = URL(fileURLWithPath: try program.write(rows.joined(separator: "\n"), to: "texts/metadata.jsonl"))
    let result = try program(
      "train", "--method", "logistic-regression", "--data", data.deletingLastPathComponent().path, "--calibrate",
      "--output", "unfit", "--quiet")
    #expect(
      result.status == 64 && result.errors.contains("a calibration is fitted on validation memes"), "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: program.home.appending(path: "unfit/recipe.yaml").path))
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
    #expect(try program("predict", "demo/semimemes-42", "--text", "-10 points").status == 0)
    #expect(try program("predict", "demo/semimemes-42", "--text", "").status == 64)
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
    let data = program.home.appending(path: "growing")
    try FileManager.default.copyItem(at: URL(filePath: corpus), to: data)
    let arguments = [
      "train", "--data", data.path, "--task", "mean", "--labels", "0.2", "--quiet", "--set",
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
    // Without one meme all splits may be others, and what was learned from may be tested on.
    let rows = try String(contentsOf: data.appending(path: "metadata.jsonl"), encoding: .utf8)
    _ = try program.write(rows.split(separator: "\n").dropLast().joined(separator: "\n"), to: "growing/metadata.jsonl")
    let others = try program(arguments + ["--output", "killed", "--resume"])
    #expect(others.status == 64 && others.errors.contains("other rows"), "\(others.errors)")
    _ = try program.write(rows, to: "growing/metadata.jsonl")
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
    // An earlier list may be replaced, and nothing else: above all not what the dataset consists of.
    #expect(try program("data", "audit", data, "--quiet", "--fix", "clean.jsonl").status == 1)
    let annotations = URL(fileURLWithPath: data).appending(path: "metadata.jsonl")
    let rows = try Data(contentsOf: annotations)
    let refused = try program("data", "audit", data, "--quiet", "--fix", annotations.path)
    #expect(refused.status == 64 && refused.errors.contains("stays as it is"), "\(refused.errors)")
    #expect(try Data(contentsOf: annotations) == rows)
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
