import Foundation
import Metrics
import Testing
import Torch

@testable import Methods
@testable import Training

/// Pretrainings of suites: what is read, what methods mean by their names, and how long they are expected to take.
@Suite struct SuitePretrainingTests {
  private static let good = """
    title: a title
    datasets:
      - {name: memes, task: bad}
      - {name: more, unlabelled: true}
    pretrainings:
      - {name: start, recipe: cass, set: [settings.training.epochs=0]}
      - {name: dino, init: "start:convolutional", datasets: [memes], set: [task=bad, settings.training.epochs=3]}
      - {name: both, recipe: cass-mm, init: start}
    methods:
      - name: image-only
        encoders: [lite, dino, "both:transformer", "dino,lite"]
      - {name: finetune, init: [random, both, dino, org/model]}
    encoders: [lite]
    labels: [0.05]
    seeds: [42, 7]
    metrics: [auroc]
    published: []
    """

  private func plan(
    _ yaml: String = good, more: Bool = true, overrides: [String] = [], methods: [String]? = nil, device: Device? = nil
  ) throws -> BenchmarkPlan {
    var bindings = ["memes": URL(fileURLWithPath: "/data/memes")]
    if more { bindings["more"] = URL(fileURLWithPath: "/data/more") }
    return try BenchmarkPlan(
      BenchmarkSuite(yaml: yaml, source: "mine.yaml", overrides: overrides), name: "mine", source: nil,
      bindings: bindings, methods: methods, device: device, folder: URL(fileURLWithPath: "/out"))
  }

  private func message(_ old: String, _ new: String) -> String {
    do {
      _ = try plan(Self.good.replacing(old, with: new))
      return "accepted"
    } catch {
      return "\(error)"
    }
  }

  @Test func eachIsTrainedOnceASeedFromWhatStandsAboveIt() throws {
    let plan = try plan()
    #expect(
      plan.pretrainings.map(\.path)
        == [42, 7].flatMap { seed in ["start", "dino", "both"].map { "pretrainings/\($0)-\(seed)" } })
    let (start, dino, both) = (plan.pretrainings[3], plan.pretrainings[4], plan.pretrainings[5])
    #expect(start.recipeName == "cass-lite" && start.recipe.seed == 7 && start.needs.isEmpty)
    #expect(start.recipe.data == ["/data/memes", "/data/more"] && start.datasets == ["memes", "more"])
    #expect(dino.recipe.data == ["/data/memes"] && dino.recipe.task == "bad" && dino.needs == [start.path])
    #expect(dino.recipe.method.backbones.map(\.weights.model) == ["/out/pretrainings/start-7:convolutional"])
    // Without a network's name each takes what is of its own kind.
    #expect(
      both.recipe.method.backbones.map(\.weights.model) == ["/out/pretrainings/start-7", "/out/pretrainings/start-7"])
    #expect(both.needs == [start.path])
    #expect(plan.pretrainings.map(\.recipe.method.training.epochs) == [0, 3, 10, 0, 3, 10])
    #expect(
      try self.plan(overrides: ["pretraining_epochs=1"]).pretrainings.map(\.recipe.method.training.epochs) == [
        0, 1, 1, 0, 1, 1,
      ])
  }

  @Test func methodsTakeThemAsEncodersAndAsStartingPoints() throws {
    let plan = try plan()
    let cells = plan.cells.filter { $0.place.seed == 7 }
    #expect(
      cells.map(\.place.encoder) == ["lite", "dino", "both:transformer", "dino,lite"]
        + [String](repeating: "lite", count: 4))
    #expect(
      cells.prefix(4).map(\.recipe.encoder) == [
        "lite", "/out/pretrainings/dino-7", "/out/pretrainings/both-7:transformer", "/out/pretrainings/dino-7,lite",
      ])
    #expect(cells.map(\.place.start) == [nil, nil, nil, nil, "random", "both:convolutional", "dino", "org/model"])
    #expect(cells.map(\.needs.count) == [0, 1, 1, 1, 0, 1, 1, 0])
    #expect(cells[5].path == "cells/memes-bad/finetune-lite-both-convolutional-0.05-7")
    let tuned = cells[4...].compactMap { $0.recipe.method as? FineTune }
    #expect(
      tuned.map(\.backbone.weights.model) == [
        nil, "/out/pretrainings/both-7:convolutional", "/out/pretrainings/dino-7", "org/model",
      ])
    #expect(tuned.map(\.pictureSide) == [96, 96, 96, 96] && tuned[1].textNetwork.weights == tuned[1].backbone.weights)
    // One corpus for what needs no pretraining; the others wait for those of their own seed alone.
    #expect(plan.cellsByCorpus.filter { $0.contains { $0.needs.isEmpty } }.map(\.count) == [2, 4])
    #expect(plan.cellsByCorpus.allSatisfy { Set($0.filter { !$0.needs.isEmpty }.map(\.place.seed)).count <= 1 })
    let places = cells.map(\.place)
    #expect(
      places.map(places.methodLabel).suffix(5) == [
        "image-only · dino,lite", "finetune · random", "finetune · both:convolutional", "finetune · dino",
        "finetune · org/model",
      ])
  }

  /// CLIP's recipes are for features of one scale and width, which those of pretrainings are not.
  @Test func methodsOnThemHaveTheSmallRecipe() throws {
    let others = Self.good.replacing("name: image-only", with: "name: semimemes")
      .replacing("[lite, dino,", with: "[a/b, dino,")
    let cells = try plan(others).cells.filter { $0.place.seed == 7 && $0.place.method == "semimemes" }
    #expect(cells.map(\.recipeName) == ["semimemes-clip"] + [String](repeating: "semimemes-lite", count: 3))
  }

  /// Where what stands above has them in the same sizes.
  @Test func networksForTextsAreTakenUpToo() throws {
    let further = """
        - {name: again, recipe: cass-mm, init: both}
        - {name: pair, recipe: clip, init: both}
        - {name: one, recipe: clip, init: "both:transformer"}
        - {name: deep, recipe: clip, init: both, set: [settings.text.layers=4]}
        - {name: two, recipe: cass-mm, init: "both:convolutional,start:transformer"}
      """
    let plan = try plan(Self.good.replacing("methods:\n", with: "\(further)\nmethods:\n"))
    func texts(_ name: String) -> String? {
      let method = plan.pretrainings.first { $0.name == name && $0.seed == 7 }?.recipe.method
      return ((method as? CASSMM)?.text ?? (method as? CLIPPretraining)?.text)?.weights.model
    }
    #expect(texts("both") == "lite", "of CASS there are none")
    let run = "/out/pretrainings/both-7"
    #expect(["again", "pair", "one"].map(texts) == [run, run, "\(run):transformer"])
    #expect(texts("deep") == "lite" && texts("two") == "lite")
  }

  @Test func publishedFiguresAreOfOneStartingPoint() throws {
    let place = "dataset: memes, task: bad, method: finetune, encoder: lite, labels: 0.05, metric: auroc"
    func suite(_ start: String) throws -> BenchmarkSuite {
      let figures = "published:\n  - {\(place), value: 0.7, source: S\(start)}"
      return try BenchmarkSuite(yaml: Self.good.replacing("published: []", with: figures), source: "mine.yaml")
    }
    let own = try suite(", init: dino")
    try own.requireCellsOfPublished(source: "mine.yaml")
    let places = try plan().cells.map(\.place).filter { own.published(for: $0, metric: .auroc) != nil }
    #expect(places.map(\.start) == ["dino", "dino"])
    for (start, expected) in [(", init: dyno", "the init 'dyno'"), ("", "the init 'none'")] {
      #expect { try suite(start).requireCellsOfPublished(source: "mine.yaml") } throws: { "\($0)".contains(expected) }
    }
  }

  @Test func unlabelledDatasetsHaveNoCellsAndMayBeMissing() throws {
    let without = try plan(more: false)
    #expect(without.unbound == ["more"] && without.cells.allSatisfy { $0.place.dataset == "memes" })
    #expect(without.pretrainings.allSatisfy { $0.recipe.data == ["/data/memes"] })
    #expect(message("{name: memes, task: bad}", "{name: memes, unlabelled: true}").contains("all are unlabelled"))
    let first = Self.good.replacing("datasets: [memes]", with: "datasets: [more, memes]")
    #expect { try plan(first, more: false) } throws: {
      "\($0)".contains("'dino' of the suite: it learns from 'more' first")
    }
  }

  @Test func modelsThatAreNotAtHandAreLeftOutWhereTheSuiteCanDoWithout() throws {
    let optional = try plan(Self.good.replacing("org/model]", with: "org/model], optional: true"))
    #expect(optional.absent == ["finetune from org/model"])
    #expect(optional.cells.count == 14 && optional.cells.allSatisfy { $0.place.start != "org/model" })
    #expect(try plan().absent.isEmpty)
    let alone = Self.good.replacing("[random, both, dino, org/model]", with: "[org/model], optional: true")
    #expect { try plan(alone, methods: ["finetune"]) } throws: {
      "\($0)".contains("nothing is left to train of finetune: not at hand are finetune from org/model")
    }
    #expect(try plan(alone, methods: ["image-only"]).chosenCells.count == 8)
  }

  @Test func networksStartFromFilesToo() throws {
    let plan = try plan(Self.good.replacing("org/model]", with: "resnet18-f37072fd.pth]"))
    let starts = plan.cells.compactMap { ($0.recipe.method as? FineTune)?.backbone.weights.model }
    #expect(starts.contains { $0.hasPrefix("/") && $0.hasSuffix("/resnet18-f37072fd.pth") }, "\(starts)")
  }

  /// Chosen methods are trained with the pretrainings that they need, and with what these start from.
  @Test func pretrainingsOfMethodsThatAreNotTrainedAreNotTrained() throws {
    let yaml = Self.good.replacing("init: [random, both, dino, org/model]", with: "init: [random, dino]")
    func names(_ methods: [String]?) throws -> [String] {
      try plan(yaml, overrides: ["seeds=[42]"], methods: methods).chosenPretrainings.map(\.name)
    }
    #expect(try names(["finetune"]) == ["start", "dino"])
    #expect(try names(["image-only"]) == ["start", "dino", "both"])
    #expect(try names(nil) == ["start", "dino", "both"])
  }

  @Test func theDeviceReachesThem() throws {
    // Cells would share the memory of a GPU.
    #expect(try self.plan().usualJobs == Runtime.threadCount)
    let plan = try plan(device: .cuda(0))
    #expect(plan.usualJobs == 1)
    #expect(plan.pretrainings.allSatisfy { $0.recipe.device == .cuda(0) })
    #expect(plan.cells.allSatisfy { $0.recipe.device == .cuda(0) })
  }

  @Test func mistakesAreNamed() throws {
    #expect(message("title: a", "title: b") == "accepted")
    for (old, new, expected) in [
      ("name: dino,", "name: lite,", "'lite' cannot be a name"),
      ("name: dino,", "name: \"a:b\",", "'a:b' cannot be a name"),
      ("name: dino,", "name: start,", "'start' stands twice"),
      ("datasets: [memes]", "datasets: [meems]", "'dino' learns from the dataset 'meems', which the suite has not"),
      ("datasets: [memes]", "datasets: []", "datasets must name some"),
      ("init: \"start:convolutional\"", "init: both", "'dino' starts from 'both', which must stand above it"),
      (
        "start:convolutional", "start:vit",
        "the pretraining 'start' leaves no network 'vit'; expected convolutional or transformer"
      ),
      (
        "start:convolutional", "start:transformer",
        "'dino' of the suite: 'start:transformer' has no weights of resnet18, but of vit-tiny16"
      ),
      ("start:convolutional", "a,b", "dino trains one network, and 2 starting points are named; name one"),
      ("recipe: cass-mm", "recipe: byol", "the pretraining 'both' of the suite: there is no pretraining 'byol'"),
      ("epochs=3", "epoches=3", "there is no key 'epoches'"),
      ("both:transformer", "both:teacher", "the pretraining 'both' leaves no network 'teacher'"),
      (
        "[lite, dino,", "[lite, dyno,",
        "'dyno' is no pretraining of the suite and no model; expected start, dino, both, lite, random"
      ),
      ("[random, both,", "[random, bth,", "'bth' is no pretraining of the suite and no model"),
      ("name: finetune,", "name: concat,", "the method 'concat' of the suite: init is for finetune, not for concat"),
      ("[random, both, dino, org/model]", "[]", "'finetune' has an empty list init"),
      ("[random, both, dino, org/model]", "[random, both, random]", "'random' stands twice"),
      (
        "init: [random, both, dino, org/model]", "optional: true",
        "'finetune' of the suite is optional, and neither init nor its recipe names what could be missing"
      ),
      ("seeds:", "pretraining_epochs: 0\nseeds:", "'pretraining_epochs': it is 0; expected at least 1"),
      ("init: start}", "inti: start}", "unknown key 'pretrainings.2.inti'. Did you mean 'init'?"),
    ] {
      #expect(message(old, new).contains(expected), "\(message(old, new))")
    }
  }

  @Test func suitesComeBackFromTheirOwnText() throws {
    let suite = try BenchmarkSuite(yaml: Self.good, source: "mine.yaml")
    let text = try StrictYAML.text(of: suite)
    #expect(try StrictYAML.text(of: BenchmarkSuite(yaml: text, source: "again")) == text)
  }

  /// What an earlier version wrote of a cell without pretrainings is still the same cell.
  @Test func recordsOfCellsWithoutPretrainingsAreAsTheyWere() throws {
    let definition = CellRecord.Definition(recipe: "r", data: "d", pretrainings: nil)
    let line = String(decoding: try JSON.line(definition), as: UTF8.self)
    #expect(line == "{\"data\":\"d\",\"recipe\":\"r\"}\n")
    let place = try plan().cells[0].place
    #expect(!String(decoding: try JSON.line(place), as: UTF8.self).contains("start"))
    let starts = PretrainingRecord.Definition(recipe: "r", data: ["d"], starts: ["a"])
    let other = PretrainingRecord.Definition(recipe: "r", data: ["d"], starts: ["b"])
    #expect(starts.digest != other.digest)
  }

  /// Where a pretraining began at a network of no epoch, that one is its control.
  @Test func controlsAreWhatPretrainingsBeganAs() throws {
    let encoders = "encoders: [lite, dino, \"both:transformer\", \"dino,lite\", \"start:convolutional\"]"
    let plan = try plan(
      Self.good.replacing("encoders: [lite, dino, \"both:transformer\", \"dino,lite\"]", with: encoders))
    let places = plan.cells.map(\.place).filter { $0.seed == 7 }
    #expect(
      places.map { plan.control(of: $0)?.encoder } == [
        nil, "start:convolutional", "start:transformer", "start:convolutional,lite", nil, nil, "lite", "lite", nil,
      ])
    #expect(
      places.suffix(4).map { plan.control(of: $0)?.start } == [nil, "start:convolutional", "start:convolutional", nil])
  }

  // MARK: Time left

  private func result(of pretraining: BenchmarkPretraining, seconds: Double?) throws -> PretrainingResult {
    let json = """
      {"name": "\(pretraining.name)", "seed": \(pretraining.seed), "pictures": 5, "parameters": 1, "epochs": [],
       "before": {}, "after": {} \(seconds.map { ", \"seconds\": \($0)" } ?? "")}
      """
    return try JSONDecoder().decode(PretrainingResult.self, from: Data(json.utf8))
  }

  @Test func theTimeLeftIsThatOfPretrainingsLikeThoseToCome() throws {
    let all = try plan().pretrainings  // of 0, 3 and 10 epochs, twice
    var progress = PretrainingProgress(all)
    let start = ContinuousClock.now
    func left(after seconds: Int) -> Double? { progress.secondsLeft(at: start + .seconds(seconds)) }
    #expect(left(after: 0) == nil)
    progress.observe(.kept(try result(of: all[0], seconds: 4)), of: all[0], at: start)
    #expect(left(after: 0) == nil, "nothing was trained yet")
    // An epoch of DINO took 6 s: with the 4 s of the control 10 s an epoch for what is unknown, 4 s for the other control.
    progress.observe(.started, of: all[1], at: start)
    progress.observe(.epoch(done: 1, total: 3), of: all[1], at: start + .seconds(6))
    #expect(abs((left(after: 6) ?? 0) - (24 + 100 + 4 + 30 + 100)) < 1e-9)
    // It took 18 s in all: the other is taken to last as long, and 22 / 3 s an epoch are for what is unknown.
    progress.observe(.finished(try result(of: all[1], seconds: 18)), of: all[1], at: start + .seconds(18))
    #expect(abs((left(after: 18) ?? 0) - (4 + 18 + 2 * 220.0 / 3)) < 1e-9)
    for pretraining in all[2...] { progress.observe(.failed(reason: "x"), of: pretraining, at: start) }
    #expect(left(after: 20) == 0 && progress.doneCount == 6)
  }
}
