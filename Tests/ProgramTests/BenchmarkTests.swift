import Foundation
import Testing

/// `memesense benchmark` through the built program, on the memes that the demo's tests have drawn and embedded.
@Suite(.serialized) struct BenchmarkTests {
  let program: Program
  init() throws { program = try WholeWayTests.demo.get().program }

  private func suite(
    methods: String = "  - {name: logistic-regression}\n  - {name: concat, set: [settings.training.epochs=5]}",
    labels: String = "[0.2]"
  ) -> String {
    """
    title: Small
    datasets:
      - {name: drawn, task: mean}
    methods:
    \(methods)
    encoders: [lite]
    labels: \(labels)
    seeds: [42, 43]
    metrics: [auroc, accuracy]
    published: []
    """
  }

  /// Runs a suite into `output` and returns the program's answer.
  private func run(_ suite: String, _ output: String, _ further: String...) throws -> (Program.Result, [String: Any]) {
    let file = try program.write(suite, to: "\(output).yaml")
    let result = try program(
      ["benchmark", file, "--data", "drawn=demo/corpus-240", "--output", output, "--json", "--quiet"] + further)
    return (result, result.output.isEmpty ? [:] : try object(result.output))
  }

  private func text(_ path: String) throws -> String {
    try String(contentsOf: program.home.appending(path: path), encoding: .utf8)
  }

  /// `results.csv` as one dictionary a row. No field of these suites has a comma in it.
  private func rows(_ output: String) throws -> [[String: String]] {
    let lines = try text("\(output)/results.csv").split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    return lines.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(lines[0], $0)) }
  }

  /// What `evaluate --json` says.
  private struct Evaluated: Decodable {
    struct Metrics: Decodable {
      let auroc: Double
      let averagePrecision: Double
      let f1Macro: Double
      let accuracy: Double
      let brier: Double
      let logLoss: Double

      enum CodingKeys: String, CodingKey {
        case auroc, accuracy, brier
        case averagePrecision = "average_precision"
        case f1Macro = "f1_macro"
        case logLoss = "log_loss"
      }

      var byName: [String: Double] {
        [
          "auroc": auroc, "average_precision": averagePrecision, "f1_macro": f1Macro, "accuracy": accuracy,
          "brier": brier, "log_loss": logLoss,
        ]
      }
    }

    let metrics: Metrics
  }

  @Test func cellsEqualSingleTrainingsToTheLastBit() throws {
    let (result, answer) = try run(suite(), "equal", "--jobs", "1")
    #expect(result.status == 0, "\(result.errors)")
    #expect(answer["finished"] as? Int == 4 && answer["kept"] as? Int == 0)
    let rows = try rows("equal")
    #expect(rows.count == 4)
    for (method, extra) in [("logistic-regression", []), ("concat", ["--set", "settings.training.epochs=5"])] {
      let single = "single-\(method)"
      let trained = try program(
        [
          "train", "--method", method, "--data", "demo/corpus-240", "--task", "mean", "--labels", "0.2", "--seed", "43",
          "--output", single, "--quiet",
        ] + extra)
      #expect(trained.status == 0, "\(trained.errors)")
      let cell = "equal/cells/drawn-mean/\(method)-lite-0.2-43"
      for file in ["model.safetensors", "predictions-test.jsonl", "predictions-validation.jsonl"] {
        let (one, other) = (program.home.appending(path: single), program.home.appending(path: cell))
        #expect(
          try Data(contentsOf: one.appending(path: file)) == Data(contentsOf: other.appending(path: file)),
          "\(method): \(file)")
      }
      // JSONSerialization is off by a last bit now and then; JSONDecoder is not.
      let evaluated = try JSONDecoder().decode(
        Evaluated.self, from: Data(program("evaluate", single, "--json", "--quiet").output.utf8))
      let row = try #require(rows.first { $0["method"] == method && $0["seed"] == "43" })
      for (key, value) in evaluated.metrics.byName {
        #expect(row["test_\(key)"] == "\(value)", "\(method): \(key)")
      }
      #expect(try program("evaluate", cell, "--json", "--quiet").output.contains("\"auroc\""))
    }
    // The tables say the mean of what the rows say.
    let aurocs = rows.filter { $0["method"] == "concat" }.compactMap { $0["test_auroc"].flatMap(Double.init) }
    let group = try #require((answer["groups"] as? [[String: Any]])?.first)
    let summary = try #require((group["rows"] as? [[String: Any]])?.first { $0["method"] as? String == "concat" })
    let spread = try #require((summary["scores"] as? [[String: Any]])?.first)
    #expect(abs((spread["mean"] as? Double ?? .nan) - (aurocs[0] + aurocs[1]) / 2) < 1e-15)
    #expect(abs((spread["deviation"] as? Double ?? .nan) - abs(aurocs[0] - aurocs[1]) / 2.squareRoot()) < 1e-15)
    #expect((group["comparisons"] as? [Any])?.count == 1)
    let mean = String(format: "%.3f", (aurocs[0] + aurocs[1]) / 2)
    #expect(try text("equal/table.md").contains(mean))
    let page = try text("equal/report.html")
    #expect(page.contains(mean) && page.contains("Is the best better than the rest?"))
  }

  /// The series of each of a page's charts.
  private func charts(_ page: String) throws -> [[[String: Any]]] {
    try page.components(separatedBy: "<script type=\"application/json\" class=\"option\">").dropFirst().map {
      part -> [[String: Any]] in
      let end = try #require(part.range(of: "</script>"))
      return try object(String(part[..<end.lowerBound]))["series"] as? [[String: Any]] ?? []
    }
  }

  /// Certainty, costs and curves stand there, and what to type for the rest.
  @Test func thePageHasWhatAChoiceNeeds() throws {
    let (result, answer) = try run(suite(), "page", "--jobs", "1")
    #expect(result.status == 0, "\(result.errors)")
    let group = try #require((answer["groups"] as? [[String: Any]])?.first)
    let comparison = try #require((group["comparisons"] as? [[String: Any]])?.first)
    #expect(comparison["metric"] as? String == "auroc")
    let memes = try #require((comparison["difference"] as? [String: Any])?["memes"] as? [String: Any])
    let isSure = try #require(memes["lower"] as? Double) > 0
    let summaries = try #require(group["rows"] as? [[String: Any]])
    func summary(_ method: String) throws -> [String: Any] {
      try #require(summaries.first { $0["method"] as? String == method })
    }
    func score(_ method: String) throws -> String {
      let scores = try summary(method)["scores"] as? [[String: Any]]
      let spread = try #require(scores?.first)
      return ["mean", "deviation"].map { String(format: "%.3f", spread[$0] as? Double ?? .nan) }
        .joined(separator: "\u{A0}±\u{A0}")
    }
    let best = try #require(comparison["best"] as? String)
    let other = try #require(comparison["other"] as? String)
    let (bestScore, otherScore) = (try score(best), try score(other))
    let page = try text("page/report.html")
    let certainty = isSure ? "the lead holds over test memes" : "the lead is not sure"
    #expect(
      page.contains(
        "labels: \(best) has the best auroc, \(bestScore), ahead of \(other) (\(otherScore); \(certainty))."))

    let concat = try summary("concat")
    let parameters = try #require(concat["parameters"] as? Int)
    let table = try text("page/table.md")
    #expect(table.contains("## What it costs, drawn · mean") && table.contains("| concat | \(parameters) | "))
    #expect(table.contains("peak memory, MB") && page.contains("What it costs, drawn · mean"))

    let drawings = try charts(page)
    func names(_ series: [[String: Any]]) -> [String] {
      series.filter { $0["type"] as? String == "line" }.compactMap { $0["name"] as? String }
    }
    let curves = drawings.filter { names($0) == ["logistic-regression", "concat"] }
    #expect(curves.count == 3, "ROC, precision and recall, reliability")
    let drawnArea = try #require(curves.first.flatMap { area($0, of: "concat") })
    let cells = try rows("page").filter { $0["method"] == "concat" && $0["seed"] == "42" }
    let auroc = try #require(cells.first?["test_auroc"].flatMap(Double.init))
    #expect(abs(drawnArea - auroc) < 1e-4)

    let log = program.home.appending(path: "page/cells/drawn-mean/concat-lite-0.2-42/log.jsonl")
    let epochs = try String(contentsOf: log, encoding: .utf8).split(separator: "\n").map { try object(String($0)) }
    let losses = epochs.compactMap { $0["loss"] as? Double }
    let stage = try #require(epochs.first?["stage"] as? String)
    #expect(page.contains("concat: loss, \(stage)") && !page.contains("logistic-regression: loss"))
    let drawn = try #require(drawings.first { names($0) == [stage] }?.first?["data"] as? [[Double]])
    #expect(losses.count == 5 && drawn.count == 5)
    #expect(zip(drawn, losses).allSatisfy { abs($0[1] - $1) < 1e-4 })

    let cell = "page/cells/drawn-mean/\(best)-lite-0.2-42"
    #expect(page.contains("memesense evaluate \(cell) --report \(cell).html"))
    let evaluated = try program("evaluate", cell, "--report", "\(cell).html", "--quiet")
    #expect(evaluated.status == 0, "\(evaluated.errors)")
    #expect(try text("\(cell).html").contains("Memes, right and wrong"))

    // A method that was trained by epochs is missed where its log is; one that was not is not.
    try FileManager.default.removeItem(at: log)
    #expect(try run(suite(), "page", "--jobs", "1").1["kept"] as? Int == 4)
    #expect(try text("page/report.html").contains("There is no log of the training of concat."))
  }

  /// The drawn memes with two further tasks that can be learned from their texts: how long a text is, of three classes, and
  /// which of eight letters it has.
  private func corpusOfSeveralTasks() throws -> String {
    let corpus = program.home.appending(path: "demo/corpus-240")
    let rows = try String(contentsOf: corpus.appending(path: "metadata.jsonl"), encoding: .utf8).split(separator: "\n")
    let labelled = try rows.map { row -> String in
      var entry = try object(String(row))
      let text = (entry["text"] as? String ?? "").lowercased()
      entry["size"] = text.count < 57 ? "short" : text.count < 69 ? "middle" : "long"
      entry["letters"] = "bcfghjkw".filter(text.contains).map(String.init)
      return String(decoding: try JSONSerialization.data(withJSONObject: entry), as: UTF8.self)
    }
    _ = try program.write(labelled.joined(separator: "\n"), to: "several/metadata.jsonl")
    let images = program.home.appending(path: "several/images")
    if !FileManager.default.fileExists(atPath: images.path) {
      try FileManager.default.copyItem(at: corpus.appending(path: "images"), to: images)
    }
    return images.deletingLastPathComponent().path
  }

  /// Truth and probability of one label by `scored-test.jsonl` of a cell.
  private func answers(_ cell: String, of label: String) throws -> [(isTrue: Bool, p: Double)] {
    try text("\(cell)/scored-test.jsonl").split(separator: "\n").map { line in
      let row = try object(String(line))
      let isTrue = row["label"].map { $0 as? String == label } ?? ((row["labels"] as? [String: Int])?[label] == 1)
      return (isTrue, try #require((row["probabilities"] as? [String: Double])?[label]))
    }
  }

  /// Each class and each of the most frequent labels has curves of its own, which are of the cells' answers.
  @Test func tasksOfSeveralClassesOrLabelsHaveCurvesForEach() throws {
    let several = try corpusOfSeveralTasks()
    let yaml = suite()
      .replacing("{name: drawn, task: mean}", with: "{name: drawn, task: size}\n  - {name: drawn, task: letters}")
      .replacing("auroc, accuracy", with: "auroc, f1_macro").replacing("[42, 43]", with: "[42]")
    let file = try program.write(yaml, to: "several.yaml")
    let result = try program("benchmark", file, "--data", "drawn=\(several)", "--output", "several-suite", "--quiet")
    #expect(result.status == 0, "\(result.errors)")
    let page = try text("several-suite/report.html")
    let drawings = try page.matches(
      of: /<figcaption[^>]*>([^<]+)<[\s\S]*?<script type="application\/json" class="option">([^<]*)<\/script>/
    ).map { match in (title: String(match.1), series: try object(String(match.2))["series"] as? [[String: Any]] ?? []) }
    let titles = drawings.map(\.title)
    func curves(_ name: String) -> [String] {
      titles.filter { $0.hasPrefix("\(name), ") }.map { String($0.dropFirst(name.count + 2)) }
    }
    #expect(curves("ROC").prefix(3) == ["long", "middle", "short"])
    let shown = Array(curves("ROC").dropFirst(3))
    #expect(shown.count == 6 && shown == shown.sorted() && curves("Reliability") == shown)
    #expect(curves("Precision and recall") == curves("ROC") && titles.contains("Reliability"))
    #expect(page.contains("Of 8 labels those of the most test memes have curves."))
    let findings = page.firstMatch(of: /<p class="summary">([^<]+)</).map { $0.1.split(separator: "\n") } ?? []
    #expect(findings.map { $0.prefix(15) } == ["drawn · size, 2", "drawn · letters"])
    let cell = "several-suite/cells/drawn-letters/concat-lite-0.2-42"
    let counts = try "bcfghjkw".map { letter in
      try (letter: String(letter), count: answers(cell, of: String(letter)).count { $0.isTrue })
    }
    let least = try #require(counts.filter { shown.contains($0.letter) }.map(\.count).min())
    #expect(counts.filter { !shown.contains($0.letter) }.allSatisfy { $0.count <= least })

    for (task, labels) in [("size", ["long", "middle", "short"]), ("letters", shown)] {
      for label in labels {
        let answers = try answers("several-suite/cells/drawn-\(task)/concat-lite-0.2-42", of: label)
        let (positive, negative) = (answers.filter(\.isTrue), answers.filter { !$0.isTrue })
        let won = positive.reduce(0.0) { sum, one in
          sum + negative.reduce(0.0) { $0 + (one.p > $1.p ? 1 : one.p == $1.p ? 0.5 : 0) }
        }
        let auroc = won / Double(positive.count * negative.count)
        let drawn = try #require(drawings.first { $0.title == "ROC, \(label)" })
        let drawnArea = try #require(area(drawn.series, of: "concat"))
        #expect(abs(drawnArea - auroc) < 1e-3, "\(task): \(label)")
      }
    }
  }

  /// The area under one of a chart's curves, whose points go from left to right.
  private func area(_ series: [[String: Any]], of name: String) -> Double? {
    guard let points = series.first(where: { $0["name"] as? String == name })?["data"] as? [[Double]] else {
      return nil
    }
    return zip(points, points.dropFirst()).reduce(0.0) { $0 + ($1.1[0] - $1.0[0]) * ($1.1[1] + $1.0[1]) / 2 }
  }

  /// A cell of several tasks is `train` with its own task first.
  @Test func tasksAreLearnedTogetherAsTrainDoes() throws {
    let several = try corpusOfSeveralTasks()
    let methods = """
        - {name: alone, recipe: simclip, set: [settings.training.epochs=2]}
        - {name: together, recipe: simclip, together: true, set: [settings.training.epochs=2]}
      """
    let yaml = suite(methods: methods).replacing("[42, 43]", with: "[42]")
      .replacing("{name: drawn, task: mean}", with: "{name: drawn, task: mean}\n  - {name: drawn, task: size}")
    let file = try program.write(yaml, to: "together.yaml")
    let result = try program(
      "benchmark", file, "--data", "drawn=\(several)", "--jobs", "1", "--output", "together", "--quiet")
    #expect(result.status == 0, "\(result.errors)")
    let trained = try program(
      "train", "--method", "simclip", "--data", several, "--task", "size,mean", "--labels", "0.2", "--set",
      "settings.training.epochs=2", "--output", "size-and-mean", "--quiet")
    #expect(trained.status == 0, "\(trained.errors)")
    let cell = "together/cells/drawn-size/together-lite-0.2-42"
    for file in ["model.safetensors", "predictions-test.jsonl", "predictions-test-mean.jsonl"] {
      let (one, other) = ("size-and-mean/\(file)", "\(cell)/\(file)")
      #expect(
        try Data(contentsOf: program.home.appending(path: one))
          == Data(contentsOf: program.home.appending(path: other)), "\(file)")
    }
    let rows = try rows("together")
    #expect(
      rows.map { "\($0["task"] ?? "") \($0["method"] ?? "")" } == [
        "mean alone", "mean together", "size alone", "size together",
      ])
    // Each is scored on its own task.
    for row in rows {
      let cell = "together/cells/drawn-\(row["task"] ?? "")/\(row["method"] ?? "")-lite-0.2-42"
      let metrics = try object(text("\(cell)/metrics.json"))["metrics"] as? [String: [String: Any]]
      let logLoss = try #require(metrics?["test"]?["log_loss"] as? Double)
      #expect(try abs(#require(row["test_log_loss"].flatMap(Double.init)) - logLoss) < 1e-14)
      let answers = try text("\(cell)/scored-test.jsonl")
      #expect(answers.contains("\"mean\"") == (row["task"] == "mean"))
      #expect(answers.contains("\"short\"") == (row["task"] == "size"))
    }
  }

  /// A picture of the training split put into the test split three times.
  @Test func scoresWithoutLeakingTestMemesStandBesideTheOfficialOnes() throws {
    let corpus = program.home.appending(path: "demo/corpus-240")
    let rows = try String(contentsOf: corpus.appending(path: "metadata.jsonl"), encoding: .utf8).split(separator: "\n")
    let picture = try #require(
      try rows.map { try object(String($0)) }.first { $0["split"] as? String == "train" }?["file_name"] as? String)
    let leaks = (0..<3).map { index in
      "{\"id\":\"leak-\(index)\",\"file_name\":\"\(picture)\",\"text\":\"t\",\"mean\":\(index % 2),\"split\":\"test\"}"
    }
    let leaky = URL(
      fileURLWithPath: try program.write(
        (rows.map(String.init) + leaks).joined(separator: "\n"), to: "leaky/metadata.jsonl")
    ).deletingLastPathComponent()
    try FileManager.default.copyItem(at: corpus.appending(path: "images"), to: leaky.appending(path: "images"))
    let file = try program.write(suite(), to: "leaky.yaml")
    func benchmark() throws -> [String: Any] {
      let result = try program(
        "benchmark", file, "--data", "drawn=leaky", "--jobs", "1", "--output", "leaky-suite", "--json", "--quiet")
      #expect(result.status == 0, "\(result.errors)")
      return try object(result.output)
    }
    _ = try benchmark()
    let first = try rowsByName("leaky-suite")
    for (name, row) in first {
      let cell = "leaky-suite/cells/drawn-mean/\(name)"
      let answer = Data(try program("evaluate", cell, "--deduplicated", "--json", "--quiet").output.utf8)
      let (official, rest) = try (
        JSONDecoder().decode(Evaluated.self, from: answer).metrics, JSONDecoder().decode(Rest.self, from: answer)
      )
      let leaked = rest.deduplicated.leaked
      #expect(Set(leaked).isSuperset(of: ["leak-0", "leak-1", "leak-2"]))
      #expect(row["test_leaks"] == "\(leaked.count)")
      for (key, value) in official.byName { #expect(row["test_\(key)"] == "\(value)", "\(name): \(key)") }
      for (key, value) in try #require(rest.deduplicated.metrics["mean"]).byName {
        #expect(row["test_deduplicated_\(key)"] == "\(value)", "\(name): \(key)")
      }
      #expect(row["test_log_loss"] != row["test_deduplicated_log_loss"])
    }
    #expect(try text("leaky-suite/table.md").contains("Without the test memes that leak"))

    // A cell of a version that did not count so is kept, and counted from its answers.
    for name in first.keys {
      let record = program.home.appending(path: "leaky-suite/cells/drawn-mean/\(name).json")
      var object = try object(String(contentsOf: record, encoding: .utf8))
      var result = try #require(object["result"] as? [String: Any])
      var scores = try #require(result["scores"] as? [String: Any])
      scores["test_deduplicated"] = nil
      result["scores"] = scores
      result["leakedTestMemes"] = nil
      object["result"] = result
      object["leaks"] = nil
      try JSONSerialization.data(withJSONObject: object).write(to: record)
    }
    #expect(try benchmark()["kept"] as? Int == 4)
    for (name, row) in try rowsByName("leaky-suite") {
      #expect(row["test_leaks"] == first[name]?["test_leaks"])
      for metric in ["auroc", "accuracy", "log_loss"] {
        let key = "test_deduplicated_\(metric)"
        // Foundation's JSON reader is off by a last bit now and then.
        let (now, before) = (row[key].flatMap(Double.init) ?? .nan, first[name]?[key].flatMap(Double.init) ?? .nan)
        #expect(abs(now - before) < 1e-14, "\(name): \(key)")
      }
    }

    // A split file of one method leaves other training memes, and none that test memes look like.
    let entries = try (rows.map(String.init) + leaks).map { try object($0) }
    func isTraining(_ entry: [String: Any]) -> Bool { entry["split"] as? String == "train" }
    let few = entries.filter(isTraining).dropFirst().prefix(100) + entries.filter { !isTraining($0) }
    let lines = few.map { entry in
      "{\"id\":\"\(entry["id"] ?? entry["file_name"] ?? "")\",\"split\":\"\(entry["split"] ?? "")\"}"
    }
    _ = try program.write(lines.joined(separator: "\n"), to: "few.jsonl")
    let methods = """
        - {name: all, recipe: logistic-regression}
        - {name: few, recipe: logistic-regression, set: [split_file=few.jsonl]}
      """
    let splits = try program.write(suite(methods: methods), to: "splits.yaml")
    let result = try program("benchmark", splits, "--data", "drawn=leaky", "--output", "splits", "--quiet")
    #expect(result.status == 0, "\(result.errors)")
    let cells = try self.rows("splits").filter { $0["seed"] == "42" }
    let (all, fewer) = (try #require(cells.first), try #require(cells.last))
    let (most, least) = try (#require(all["test_leaks"]), #require(fewer["test_leaks"]))
    #expect(all["labels"] != fewer["labels"] && Int(most) ?? 0 > Int(least) ?? 0)
    #expect(result.output.contains("drawn · mean: up to \(most) test memes stand in"))
    let table = try text("splits/table.md")
    #expect(table.contains("Up to \(most) test memes show the same"))
    #expect(table.contains("| 20 % | all | \(most) |") && table.contains("| 20 % | few | \(least) |"))
    #expect(table.contains("| all | 20 % (\(all["labels"] ?? "")) |"))
    #expect(table.contains("**"), "the methods are rivals all the same")
  }

  /// What `evaluate --deduplicated --json` says besides.
  private struct Rest: Decodable {
    struct Deduplicated: Decodable {
      let leaked: [String]
      let metrics: [String: Evaluated.Metrics]
    }

    let deduplicated: Deduplicated
  }

  /// Rows of a benchmark by the names of their cells' folders.
  private func rowsByName(_ folder: String) throws -> [String: [String: String]] {
    Dictionary(
      uniqueKeysWithValues: try rows(folder).map { row in
        ("\(row["method"] ?? "")-lite-0.2-\(row["seed"] ?? "")", row)
      })
  }

  @Test func finishedCellsAreKeptAndChangedOnesTrainedAnew() throws {
    #expect(try run(suite(), "kept").0.status == 0)
    func metrics(_ method: String) throws -> String {
      try text("kept/cells/drawn-mean/\(method)-lite-0.2-42/metrics.json")
    }
    let before = try (linear: metrics("logistic-regression"), concat: metrics("concat"))
    let again = try run(suite(), "kept")
    #expect(again.1["kept"] as? Int == 4)
    // Seconds differ from training to training, so equal bytes are those of the first one.
    #expect(try metrics("logistic-regression") == before.linear && metrics("concat") == before.concat)
    // A kill may come after the result and before the checkpoints are gone.
    let checkpoints = program.home.appending(path: "kept/cells/drawn-mean/concat-lite-0.2-42/checkpoints")
    try FileManager.default.createDirectory(at: checkpoints, withIntermediateDirectories: true)
    #expect(try run(suite(), "kept").1["kept"] as? Int == 4)
    #expect(!FileManager.default.fileExists(atPath: checkpoints.path))

    let changed = suite().replacing("epochs=5", with: "epochs=6")
    let (result, answer) = try run(changed, "kept")
    #expect(result.status == 0 && answer["finished"] as? Int == 4 && answer["kept"] as? Int == 2, "\(result.errors)")
    #expect(try metrics("logistic-regression") == before.linear)
    let epochs = try text("kept/cells/drawn-mean/concat-lite-0.2-42/log.jsonl").split(separator: "\n").count
    #expect(epochs == 6)
  }

  /// What an earlier call finished stays in the tables; what is missing of other methods is not missed.
  @Test func chosenMethodsAloneAreTrained() throws {
    let first = try run(suite(), "chosen", "--methods", "concat")
    #expect(first.0.status == 0, "\(first.0.errors)")
    #expect(first.1["finished"] as? Int == 2 && first.1["cells"] as? Int == 4)
    #expect(try rows("chosen").map { $0["method"] } == ["concat", "concat"])
    let cells = program.home.appending(path: "chosen/cells/drawn-mean").path
    #expect(try FileManager.default.contentsOfDirectory(atPath: cells).allSatisfy { $0.hasPrefix("concat-") })
    let second = try run(suite(), "chosen", "--methods", "logistic-regression").1
    #expect(second["finished"] as? Int == 4 && second["kept"] as? Int == 2)
    #expect(try text("chosen/table.md").contains("| concat |"))

    // Of methods that are not trained, what is of another recipe does not count and is not touched.
    let model = "chosen/cells/drawn-mean/concat-lite-0.2-42/metrics.json"
    let before = try text(model)
    let changed = suite().replacing("epochs=5", with: "epochs=6")
    #expect(try run(changed, "chosen", "--methods", "logistic-regression").1["finished"] as? Int == 2)
    #expect(try text(model) == before)
    #expect(try run(changed, "chosen", "--methods", "logistic-regression, concat").1["finished"] as? Int == 4)
    #expect(try text(model) != before)

    let unknown = try run(suite(), "chosen", "--methods", "konkat").0
    #expect(unknown.status == 64, "\(unknown.errors)")
    #expect(unknown.errors.contains("the suite has no method 'konkat'; it has logistic-regression, concat"))
    #expect(try run(suite(), "chosen", "--methods", ",").0.status == 64)
  }

  @Test func aKilledSuiteGoesOnWhereItWas() throws {
    let methods = "  - {name: logistic-regression}\n  - {name: concat, set: [settings.training.epochs=300]}"
    let file = try program.write(suite(methods: methods), to: "killed.yaml")
    let arguments = ["benchmark", file, "--data", "drawn=demo/corpus-240", "--jobs", "1", "--output", "killed-suite"]
    let killed = program.process(arguments + ["--quiet"])
    killed.standardOutput = FileHandle.nullDevice
    try killed.run()
    let folder = program.home.appending(path: "killed-suite/cells/drawn-mean")
    let checkpoint = folder.appending(path: "concat-lite-0.2-42/checkpoints")
    let log = folder.appending(path: "concat-lite-0.2-42/log.jsonl")
    for _ in 0..<1200 where killed.isRunning {
      let size = (try? Data(contentsOf: log).count) ?? 0
      let files = (try? FileManager.default.contentsOfDirectory(atPath: checkpoint.path)) ?? []
      if size > 1000 || !files.isEmpty { break }
      Thread.sleep(forTimeInterval: 0.05)
    }
    #expect(killed.isRunning, "the benchmark ended before it could be killed")
    kill(killed.processIdentifier, SIGKILL)
    killed.waitUntilExit()
    let kept = try text("killed-suite/cells/drawn-mean/logistic-regression-lite-0.2-42/metrics.json")

    let resumed = try program(arguments + ["--json"])
    let answer = try object(resumed.output)
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(answer["finished"] as? Int == 4 && answer["kept"] as? Int == 1)
    #expect(try text("killed-suite/cells/drawn-mean/logistic-regression-lite-0.2-42/metrics.json") == kept)
    #expect(
      resumed.errors.contains("4/4  drawn · mean · concat · lite · 20 % · seed 43: auroc 0."), "\(resumed.errors)")
    // Its seconds would be those of the second half alone.
    let row = try #require(try rows("killed-suite").first { $0["method"] == "concat" && $0["seed"] == "42" })
    #expect(row["seconds"]?.isEmpty == true && row["peak_mb"]?.isEmpty == false)
    let whole = try run(suite(methods: methods), "whole-suite", "--jobs", "1")
    #expect(whole.0.status == 0)
    let (first, second) = try (
      Data(
        contentsOf: program.home.appending(path: "whole-suite/cells/drawn-mean/concat-lite-0.2-42/model.safetensors")),
      Data(contentsOf: folder.appending(path: "concat-lite-0.2-42/model.safetensors"))
    )
    #expect(first == second)
  }

  @Test func aFailedCellIsToldAndTheOthersAreTrained() throws {
    let methods = """
        - {name: logistic-regression}
        - {name: wild, recipe: simclip, set: [settings.network.siamese=true]}
      """
    let figure =
      "{dataset: drawn, task: mean, method: logistic-regression, encoder: lite, labels: 0.5, metric: auroc, "
      + "value: 0.7123, source: \"a paper | table 3\"}"
    let file = suite(methods: methods, labels: "[0.2, 0.5]")
      .replacing("published: []", with: "published:\n  - \(figure)")
    let (result, answer) = try run(file, "failed")
    #expect(result.status == 1 && answer["finished"] as? Int == 4)
    #expect(result.errors.contains("4 of 8 cells have no result"), "\(result.errors)")
    #expect(
      result.errors.contains("failed: drawn · mean · wild · lite · 20 % · seed 42: simclip: images have 1280 features"))
    let failures = try #require(answer["failures"] as? [[String: Any]])
    #expect(failures.count == 4)
    let all = try rows("failed")
    let wild = all.filter { $0["method"] == "wild" }
    #expect(wild.count == 4 && wild.allSatisfy { $0["failure"]?.contains("images have 1280 features") == true })
    #expect(wild.allSatisfy { $0["test_auroc"]?.isEmpty == true })
    let page = try text("failed/report.html")
    #expect(page.contains("Cells without a result"))

    // What has a result: scores against labels with a band of one deviation, and the published one beside its own.
    let series = try #require(charts(page).first)
    func data(_ kind: String) throws -> [[Double]] {
      try #require(series.first { $0["type"] as? String == kind }?["data"] as? [[Double]])
    }
    let (band, line) = (try data("custom"), try data("line"))
    #expect(series.allSatisfy { $0["name"] as? String == "logistic-regression" } && band.count == 2 && line.count == 2)
    let table = try text("failed/table.md").split(separator: "\n")
    for (index, ratio) in ["0.2", "0.5"].enumerated() {
      let scores = all.filter { $0["method"] == "logistic-regression" && $0["label_ratio"] == ratio }
        .compactMap { $0["test_auroc"].flatMap(Double.init) }
      let (mean, deviation) = ((scores[0] + scores[1]) / 2, abs(scores[0] - scores[1]) / 2.0.squareRoot())
      let percent = [20.0, 50.0][index]
      let expected = [percent, mean - deviation, mean + deviation]
      #expect(zip(band[index], expected).allSatisfy { abs($0 - $1) < 1e-5 }, "\(band[index]), expected \(expected)")
      #expect(line[index][0] == percent && abs(line[index][1] - mean) < 1e-5)
      let row = try #require(table.first { $0.hasPrefix("| logistic-regression | \(Int(percent)) % (") })
      let measured = String(format: "%.3f ± %.3f", mean, deviation)
      #expect(row.contains("| \(measured)\(index == 1 ? "<br>published 0.7123 [1]" : "") |"), "\(row)")
    }
    #expect(table.contains("[1] Published, not measured here: a paper \\| table 3."))
    #expect(page.components(separatedBy: "<span class=\"published\">published 0.7123 [1]</span>").count == 2)
  }

  /// The commands that a page says to type next, as one types them.
  private func commands(_ page: String) throws -> [String] {
    let parts = page.components(separatedBy: "<pre tabindex=\"0\"><code>")
    let listing = try #require(parts.last?.components(separatedBy: "</code>").first)
    let lines = listing.split(separator: "\n").filter { !$0.hasPrefix("<span") }
    return lines.map { String($0).replacing("&#39;", with: "'") }
  }

  /// Has a shell run a command in the tests' folder.
  private func enter(_ command: String) throws {
    let shell = program.process([])
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.arguments = ["-c", command]
    shell.environment?["PATH"] = "\(Program.executable.deletingLastPathComponent().path):/usr/bin:/bin"
    shell.standardOutput = FileHandle.nullDevice
    shell.standardError = FileHandle.nullDevice
    try shell.run()
    shell.waitUntilExit()
    #expect(shell.terminationStatus == 0, "\(command)")
  }

  /// What a suite calls its methods is no part of what their cells are, and what it writes can be read and typed whatever names
  /// and paths have in them.
  @Test func namesAreFree() throws {
    func suite(_ name: String) -> String {
      self.suite(
        methods: """
            - {name: "\(name)", recipe: logistic-regression}
            - {name: cleaned, recipe: logistic-regression, set: [text_cleaning=semimemes]}
          """
      ).replacing("title: Small", with: "title: \"Small | *memes*\"")
    }
    let folder = "bob's memes/named"
    let cells = "\(folder)/cells/drawn-mean"
    #expect(try run(suite("linear (probe)"), folder).0.status == 0)
    let (renamed, answer) = try run(suite("linear [probe]"), folder)
    #expect(renamed.status == 0 && answer["kept"] as? Int == 4, "\(renamed.errors)")
    #expect(try Set(rows(folder).map { $0["method"] }) == ["linear [probe]", "cleaned"])
    let table = try text("\(folder)/table.md")
    #expect(table.hasPrefix("# Small \\| \\*memes\\*\n") && table.contains("| linear \\[probe\\] |"))
    #expect(table.contains("--data drawn=demo/corpus-240 --output 'bob'\\''s memes/named' --json --quiet`\n"))

    let page = try text("\(folder)/report.html")
    let commands = try commands(page)
    #expect(commands.count == 3 && commands[0].hasPrefix("memesense evaluate 'bob'\\''s memes/named/cells/"))
    #expect(commands[1].hasPrefix("memesense data inspect ") && commands[2].hasPrefix("memesense benchmark show "))
    for command in commands.prefix(2) { try enter(command) }
    // As HTML has it.
    let quoted = "&#39;bob&#39;\\&#39;&#39;s memes/named/"
    let data = try text("\(folder)/data-drawn.html")
    #expect(data.contains("Words on the memes") && data.contains("--report \(quoted)data-drawn.html&#39;"))
    let files = try FileManager.default.contentsOfDirectory(atPath: program.home.appending(path: cells).path)
    let best = try #require(files.first { $0.hasSuffix(".html") })
    #expect(try text("\(cells)/\(best)").contains("memesense predict \(quoted)cells/"))

    // One seed of a method is missing, and by the first metric none has a value.
    let record = program.home.appending(path: "\(cells)/linear--probe--lite-0.2-43.json")
    try FileManager.default.removeItem(at: record)
    let arguments = ["benchmark", "\(folder).yaml", "--data", "drawn=demo/corpus-240", "--output", folder]
    let partial = try program(
      arguments + ["--methods", "cleaned", "--set", "metrics=[mami_b, auroc]", "--quiet"])
    #expect(partial.status == 0 && partial.output.contains("\nlinear [probe] (1 of 2 seeds)  "), "\(partial.errors)")
    #expect(try text("\(folder)/table.md").contains("| linear \\[probe\\] (1 of 2 seeds) |"))
    let without = try text("\(folder)/report.html")
    #expect(without.contains("linear [probe] (1 of 2 seeds)"))
    #expect(without.contains("drawn · mean: no method has a value of mami_b, which ranks them."))

    // It comes last, although what is kept of the other method is of features that are looked at later.
    let whole = try program(arguments)
    #expect(whole.status == 0)
    #expect(
      whole.errors.contains("4/4  drawn · mean · linear [probe] · lite · 20 % · seed 43: auroc"), "\(whole.errors)")
  }

  @Test func anEncoderThatIsNotThereFailsItsCellsOnly() throws {
    let both = suite().replacing("[lite]", with: "[lite, nobody/nothing]")
    let (result, answer) = try run(both, "encoders")
    #expect(result.status == 1 && answer["finished"] as? Int == 4, "\(result.errors)")
    let failures = try #require(answer["failures"] as? [[String: Any]])
    #expect(
      failures.count == 4 && failures.allSatisfy { ($0["reason"] as? String)?.contains("nobody/nothing") == true })
  }

  @Test func mistakesAreToldBeforeAnythingIsTrained() throws {
    let mistyped = try run(suite().replacing("seeds:", with: "sedes:"), "mistyped").0
    #expect(mistyped.status == 64 && mistyped.errors.contains("mistyped.yaml: the key 'seeds' is missing; line "))
    let unbound = try program("benchmark", "harmeme", "--output", "unbound")
    #expect(unbound.status == 64 && unbound.errors.contains("give --data harmeme=PATH"), "\(unbound.errors)")
    let stray = try program("benchmark", "harmeme", "--data", "harmeme", "--output", "unbound")
    #expect(stray.status == 64 && stray.errors.contains("NAME=PATH"))
    let unknown = try program("benchmark", "nothing")
    #expect(unknown.status == 64 && unknown.errors.contains("there is no suite 'nothing'; there are ablation"))
    let missing = try program("benchmark", "nowhere.yaml")
    #expect(missing.status == 66 && missing.errors.contains("nowhere.yaml"))
    _ = try program.write("mine", to: "full/notes.txt")
    let full = try run(suite(), "full").0
    #expect(full.status == 64 && full.errors.contains("holds no benchmark"), "\(full.errors)")
    #expect(try text("full/notes.txt") == "mine")
    #expect(try program("benchmark", "harmeme", "--data", "harmeme=x", "--jobs", "0").status == 64)
  }

  @Test func suitesAreListedShownAndChecked() throws {
    #expect(try program("benchmark", "list").output.contains("semimemes-mami"))
    let shown = try program("benchmark", "show", "harmeme").output
    let file = try program.write(shown, to: "mine.yaml")
    let checked = try program("benchmark", "validate", file)
    #expect(checked.status == 0 && checked.output.contains(": 240 cells, HarMeme"), "\(checked.errors)")
    let broken = try program.write(shown.replacing("name: simclip", with: "name: simklip"), to: "broken.yaml")
    let refused = try program("benchmark", "validate", broken)
    #expect(refused.status == 64 && refused.errors.contains("simklip"), "\(refused.errors)")
  }
}
