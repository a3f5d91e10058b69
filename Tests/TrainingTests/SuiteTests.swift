import Foundation
import Metrics
import Testing

@testable import Methods
@testable import Training

@Suite struct SuiteTests {
  private static let good = """
    title: a title
    datasets:
      - {name: memes, task: bad}
      - {name: drawn, draw: 200}
    methods:
      - name: semimemes
      - name: wide concat
        recipe: concat
        set: [settings.head.hidden=512]
      - name: cmml-clip
        encoders: [a/b]
    encoders: [lite]
    labels: [0.05, 150]
    seeds: [42, 7]
    metrics: [auroc, f1-macro]
    published:
      - {dataset: memes, task: bad, method: semimemes, encoder: lite, labels: 0.05, metric: auroc, value: 0.7, source: S}
    """

  private func message(_ yaml: String, _ overrides: [String] = []) -> String {
    do {
      _ = try BenchmarkSuite(yaml: yaml, source: "mine.yaml", overrides: overrides)
      return "accepted"
    } catch {
      return "\(error)"
    }
  }

  private func plan(
    _ yaml: String = good, bindings: [String: URL] = ["memes": URL(fileURLWithPath: "/data/memes")],
    methods: [String]? = nil, skipsUnbound: Bool = false
  ) throws -> BenchmarkPlan {
    try BenchmarkPlan(
      BenchmarkSuite(yaml: yaml, source: "mine.yaml"), name: "mine", source: URL(fileURLWithPath: "/suites/mine.yaml"),
      bindings: bindings, methods: methods, skipsUnbound: skipsUnbound, folder: URL(fileURLWithPath: "/out"))
  }

  @Test func cellsAreTheWholeProductWithResolvedRecipes() throws {
    let plan = try plan()
    #expect(plan.cells.count == 2 * 3 * 2 * 2)
    #expect(Set(plan.cells.map(\.path)).count == plan.cells.count)
    let first = plan.cells[0]
    #expect(first.path == "cells/memes-bad/semimemes-lite-0.05-42")
    #expect(first.recipe.data == "/data/memes" && first.recipe.task == "bad" && first.recipe.labels == 0.05)
    #expect(first.recipe.seed == 42 && first.recipe.encoder == "lite" && first.recipeName == "semimemes-lite")
    // Seed by seed, so that every method is scored early.
    #expect(plan.cells.prefix(6).allSatisfy { $0.place.seed == 42 && $0.place.dataset == "memes" })
    let wide = try #require(plan.cells.first { $0.place.method == "wide concat" })
    #expect(wide.recipeName == "concat-lite" && wide.path.contains("/wide-concat-lite-"))
    #expect(try wide.recipe.yaml.contains("hidden: 512"))
    let own = try #require(plan.cells.first { $0.place.method == "cmml-clip" })
    #expect(own.recipe.encoder == "a/b" && own.recipeName == "cmml-clip-clip")
    #expect(plan.cells.contains { $0.path == "cells/memes-bad/cmml-clip-a-b-150-7" })
    let drawn = try #require(plan.cells.last)
    #expect(drawn.recipe.data == "/out/corpora/drawn-200" && drawn.recipe.task == nil)
    #expect(drawn.place.description == "drawn · cmml-clip · a/b · 150 labels · seed 7")
    #expect(plan.cellsByCorpus.map(\.count) == [8, 4, 8, 4], "one corpus a dataset, encoder and cleaning")
  }

  /// A method that reads more than features, or none, has a corpus of its own.
  @Test func methodsThatReadOtherThingsShareNoCorpus() throws {
    let several = try plan(
      Self.good.replacing("  - name: semimemes\n", with: "  - name: semimemes\n  - name: tib-va\n  - name: vilt\n"))
    #expect(several.cellsByCorpus.map(\.count) == [8, 4, 4, 4, 8, 4, 4, 4])
    for cells in several.cellsByCorpus {
      let requests = Set(cells.map(\.recipe.method.request))
      #expect(requests.count == 1)
    }
  }

  @Test func tasksOfADatasetAreLearnedTogetherEachFirstInItsOwnCells() throws {
    let together = Self.good
      .replacing("task: bad}", with: "task: bad}\n  - {name: memes, task: kind}\n  - {name: memes, task: tone}")
      .replacing(
        "  - name: semimemes\n", with: "  - name: semimemes\n  - {name: all, recipe: simclip, together: true}\n")
    let plan = try plan(together)
    let cells = plan.cells.filter { $0.place.method == "all" }
    #expect(cells.count == 3 * 2 * 2, "none of the dataset of one task")
    #expect(Set(cells.map { $0.recipe.task }) == ["bad,kind,tone", "kind,bad,tone", "tone,bad,kind"])
    #expect(cells.allSatisfy { $0.recipe.task?.hasPrefix($0.place.task!) == true })
    #expect(plan.cells.filter { $0.place.method != "all" }.allSatisfy { $0.recipe.task == $0.place.task })
    #expect(try BenchmarkSuite(yaml: StrictYAML.text(of: plan.suite), source: "").methods[1].together == true)

    #expect(
      message(together.replacing("name: memes, task: ", with: "name: memes, unlabelled: true, task: ")).contains(
        "the suite has several tasks of no dataset"))
    #expect { try self.plan(together.replacing("recipe: simclip", with: "recipe: concat")) } throws: {
      "\($0)".contains("'all' of the suite: together is for simclip, not for concat")
    }
    #expect { try self.plan(together, bindings: [:], methods: ["all"], skipsUnbound: true) } throws: {
      "\($0)"
        == "nothing is left to train of all: of no dataset that is bound the suite has several tasks to learn together"
    }
    #expect(message(together.replacing("task: kind", with: "task: \"bad,kind\"")).contains("'bad,kind' are several"))
  }

  @Test func methodsCanBeChosen() throws {
    let chosen = try plan(methods: ["cmml-clip", "semimemes"])
    #expect(chosen.cells.count == 24 && chosen.chosenCells.count == 16)
    #expect(chosen.chosenCells.allSatisfy { $0.place.method != "wide concat" })
    #expect(BenchmarkProgress(chosen, jobs: 1).cells.count == 16)
    #expect(try plan().chosenCells.count == 24)
    #expect { try plan(methods: ["semimemes", "concat"]) } throws: {
      "\($0)" == "the suite has no method 'concat'; it has semimemes, wide concat, cmml-clip"
    }
  }

  @Test func namesWithLikeFilesAreRefused() {
    let alike = Self.good.replacing(
      "  - name: semimemes\n", with: "  - name: semimemes\n  - name: wide-concat\n    recipe: concat\n")
    #expect(throws: RecipeError.self) { try plan(alike) }
  }

  @Test func datasetsAreBoundOrNamed() throws {
    func refusal(_ bindings: [String: URL], skipsUnbound: Bool = false) -> String {
      do {
        _ = try plan(bindings: bindings, skipsUnbound: skipsUnbound)
        return "accepted"
      } catch {
        return "\(error)"
      }
    }
    #expect(
      refusal([:])
        == "the suite does not say where 'memes' lies: give --data memes=PATH, or --skip-unbound to go without")
    #expect(refusal(["meems": URL(fileURLWithPath: "/")]).contains("no dataset 'meems' for --data meems=…; it has"))
    let without = try plan(bindings: [:], skipsUnbound: true)
    #expect(without.unbound == ["memes"] && without.cells.allSatisfy { $0.place.dataset == "drawn" })
    let beside = try plan(
      Self.good.replacing("task: bad}\n  -", with: "task: bad, data: ../memes}\n  -"), bindings: [:])
    #expect(beside.cells[0].recipe.data == "/memes", "relative to the suite's file")
  }

  @Test func mistakesAreNamedWithLineAndKey() {
    #expect(message(Self.good) == "accepted")
    #expect(
      message(Self.good.replacing("set: [", with: "sett: ["))
        == "mine.yaml: line 9: unknown key 'methods.1.sett'. Did you mean 'set'?")
    #expect(message(Self.good.replacing("seeds: [42, 7]\n", with: "")) == "mine.yaml: the key 'seeds' is missing")
    #expect(
      message(Self.good.replacing("seeds: [", with: "sedes: ["))
        == "mine.yaml: the key 'seeds' is missing; line 14 has 'sedes'")
    #expect(message(Self.good.replacing("seeds: [42, 7]", with: "seeds: many")).contains("line 14: 'seeds' should be"))
    #expect(
      message(Self.good.replacing("labels: [0.05, 150]", with: "labels: [0.05, -1]")).contains("line 13: 'labels'"))
    #expect(message(Self.good.replacing("seeds: [42, 7]", with: "seeds: []")).contains("'seeds': the list is empty"))
    #expect(message(Self.good.replacing("[42, 7]", with: "[42, 42]")).contains("'seeds': '42' stands twice"))
    #expect(message(Self.good.replacing("[42, 7]", with: "[5000000000]")).contains("seed 5000000000 is too large"))
    let metric = message(Self.good.replacing("[auroc, f1-macro]", with: "[auroc, beauty]"))
    #expect(
      metric.contains("line 15: 'metrics.1'") && metric.contains("there is no metric 'beauty'; choose one of auroc"))
    #expect(
      message(Self.good.replacing("method: semimemes, enc", with: "method: smimemes, enc")).contains("'smimemes'"))
    #expect(message(Self.good.replacing("dataset: memes,", with: "dataset: meems,")).contains("the dataset 'meems'"))
    #expect(message(Self.good.replacing("draw: 200", with: "draw: 20")).contains("100 to 20000 can be drawn"))
    #expect(
      message(Self.good.replacing("set: [", with: "encoders: []\n    set: [")).contains("an empty list encoders"))
    #expect(message("- a").contains("a suite is a YAML mapping of keys; see 'memesense benchmark show harmeme'"))
    #expect(message(Self.good, ["seed=[1]"]).contains("there is no key 'seed' in the suite. Did you mean 'seeds'?"))
    #expect(message(Self.good, ["seeds=[1]", "labels=[0.1]"]) == "accepted")
  }

  @Test func figuresBesideNoCellAreNamed() throws {
    for (old, new, part) in [
      ("lite, labels: 0.05", "lit, labels: 0.05", "is of the encoder 'lit', for"),
      ("labels: 0.05, metric: auroc", "labels: 0.5, metric: f1", "is of 0.5 labels and f1, for"),
      ("memes, task: bad, method", "memes, task: worse, method", "is of the task 'worse', for"),
    ] {
      let suite = try BenchmarkSuite(yaml: Self.good.replacing(old, with: new), source: "mine.yaml")
      #expect { try suite.requireCellsOfPublished(source: "mine.yaml") } throws: {
        "\($0)".hasPrefix("mine.yaml: ") && "\($0)".contains(part)
      }
    }
    try BenchmarkSuite(yaml: Self.good, source: "mine.yaml").requireCellsOfPublished(source: "mine.yaml")

    // Nor has a method that learns several tasks together a cell on a dataset of one.
    let together = Self.good.replacing("draw: 200}", with: "draw: 200}\n  - {name: drawn, task: kind}")
      .replacing("  - name: semimemes\n", with: "  - {name: semimemes, recipe: simclip, together: true}\n")
    let suite = try BenchmarkSuite(yaml: together, source: "mine.yaml")
    #expect { try suite.requireCellsOfPublished(source: "mine.yaml") } throws: {
      "\($0)".contains("is of the task 'bad', for")
    }
  }

  @Test func recipesThatDoNotFitAreNamedWithTheirMethod() {
    for (old, new, part) in [
      ("settings.head.hidden=512", "settings.head.hiden=512", "the method 'wide concat' of the suite: --set"),
      ("recipe: concat", "recipe: konkat", "no recipe for the method 'konkat'"),
    ] {
      do {
        _ = try plan(Self.good.replacing(old, with: new))
        Issue.record("\(new) was accepted")
      } catch {
        #expect("\(error)".contains(part), "\(error)")
      }
    }
  }

  // MARK: Time left

  private func result(_ cell: BenchmarkCell, seconds: Double?) throws -> CellResult {
    let json = """
      {"place": \(String(decoding: try JSONEncoder().encode(cell.place), as: UTF8.self)), "recipe": "r",
       "taskKind": "binary", "labelled": 5, "unlabelled": 5, "parameters": 1, "scores": {"test": {"auroc": 0.5}}
       \(seconds.map { ", \"seconds\": \($0)" } ?? "")}
      """
    return try JSONDecoder().decode(CellResult.self, from: Data(json.utf8))
  }

  @Test func theTimeLeftIsThatOfCellsLikeThoseToCome() throws {
    let plan = try plan(Self.good.replacing("  - {name: drawn, draw: 200}\n", with: ""))
    let cells = plan.cells  // 3 methods × 2 label counts × 2 seeds
    var progress = BenchmarkProgress(plan, jobs: 2)
    let start = ContinuousClock.now
    func left(after seconds: Int) -> Double? { progress.secondsLeft(at: start + .seconds(seconds)) }
    #expect(left(after: 0) == nil)
    // semimemes at 5 % was kept: 100 s; each other cell is taken to last as long until something nearer is known.
    progress.observe(.kept(try result(cells[0], seconds: 100)), at: start)
    #expect(left(after: 0) == 550)
    // Concat at 5 % took 10 s. Two jobs: 3 more of semimemes, 3 of concat at 10 s, 4 of CMML at the mean of 55 s.
    progress.observe(.started(cells[1]), at: start)
    progress.observe(.finished(cells[1], try result(cells[1], seconds: 9)), at: start + .seconds(10))
    #expect(left(after: 10) == 275)
    // One of semimemes that has run for 40 s counts with 60 s.
    progress.observe(.started(cells[3]), at: start + .seconds(10))
    #expect(left(after: 50) == 255)
    progress.observe(.failed(cells[3], reason: "x"), at: start + .seconds(60))
    #expect(left(after: 60) == 225)
    #expect(progress.doneCount == 3 && progress.failureCount == 1 && progress.keptCount == 1)
    let table = try #require(progress.table(of: .auroc))
    #expect(table.name == "memes · bad" && table.labels == ["5 %", "150 labels"])
    #expect(table.rows.map(\.method) == ["semimemes · lite", "wide concat · lite", "cmml-clip · a/b"])
    #expect(table.rows[0].scores[0].done == 1 && table.rows[0].scores[0].of == 2)
    #expect(table.rows[0].scores[0].spread == Spread(mean: 0.5) && table.rows[2].scores[1].spread == nil)
  }

  /// Datasets are read one after the other; what earlier calls finished of later ones is known before.
  @Test func whatWasFinishedEarlierIsDoneUntilItProvesToBeOfSomethingElse() throws {
    let plan = try plan(Self.good.replacing("  - {name: drawn, draw: 200}\n", with: ""))
    let cells = plan.cells  // 3 methods × 2 label counts × 2 seeds
    var progress = BenchmarkProgress(plan, jobs: 1)
    let now = ContinuousClock.now
    progress.observe(.found(try cells.prefix(4).map { try result($0, seconds: 10) }), at: now)
    #expect(progress.doneCount == 4 && progress.keptCount == 0 && progress.secondsLeft(at: now) == 80)
    progress.observe(.kept(try result(cells[0], seconds: 10)), at: now)
    #expect(progress.doneCount == 4 && progress.keptCount == 1)
    progress.observe(.waiting(cells[1]), at: now)
    progress.observe(.waiting(cells[11]), at: now)
    #expect(progress.doneCount == 3 && progress.secondsLeft(at: now) == 90)
    progress.observe(.failed(cells[2], reason: "x"), at: now)
    #expect(progress.doneCount == 3 && progress.failureCount == 1)
    progress.observe(.started(cells[1]), at: now)
    let table = try #require(progress.table(of: .auroc))
    #expect(table.rows.map { $0.scores.map(\.done) } == [[1, 1], [0, 0], [0, 0]])
    progress.observe(.finished(cells[1], try result(cells[1], seconds: 10)), at: now + .seconds(10))
    #expect(progress.doneCount == 4 && progress.secondsLeft(at: now + .seconds(10)) == 80)
  }

  @Test func rowsOfResultsAreTidyAndExact() throws {
    let plan = try plan()
    let cell = plan.cells[0]
    var result = try result(cell, seconds: 0.1)
    result.scores["test"] = ["auroc": 1.0 / 3]
    let failure = BenchmarkRun.Failure(cell: cell, reason: "a \"bad\", thing\nhappened")
    let lineEnd = BenchmarkRun.Failure(cell: cell, reason: "two\r\nlines")
    #expect(String(decoding: ResultRow.csv(plan.rows(of: [], [lineEnd])), as: UTF8.self).hasSuffix(",\"two\nlines\"\n"))
    let csv = String(decoding: ResultRow.csv(plan.rows(of: [result], [failure])), as: UTF8.self)
    #expect(
      csv.hasPrefix(
        "dataset,task,method,recipe,encoder,label_ratio,labels,unlabelled,seed,parameters,seconds,peak_mb,validation_auroc,"
      ))
    #expect(csv.contains("\nmemes,bad,semimemes,r,lite,0.05,5,5,42,1,0.1,,"))
    #expect(csv.contains(",0.3333333333333333,"))
    #expect(csv.hasSuffix(",\"a \"\"bad\"\", thing\nhappened\"\n"))
    let lines = try ResultRow.jsonLines(plan.rows(of: [result], [failure])).split(separator: UInt8(ascii: "\n"))
    let rows = try lines.map { try #require(JSONSerialization.jsonObject(with: Data($0)) as? [String: Any]) }
    #expect(rows.count == 2 && rows[0]["test_auroc"] as? Double == 1.0 / 3 && rows[0]["failure"] is NSNull)
    #expect(rows[0].keys.sorted() == rows[1].keys.sorted() && rows[1]["test_auroc"] is NSNull)
    #expect(rows[1]["failure"] as? String == failure.reason)
  }
}
