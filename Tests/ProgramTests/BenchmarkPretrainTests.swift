import Foundation
import Testing

/// Pretrainings of `memesense benchmark` through the built program, with tiny networks on the memes of the demo's tests.
@Suite(.serialized) struct BenchmarkPretrainTests {
  let program: Program
  init() throws { program = try WholeWayTests.demo.get().program }

  private static let small =
    "task=mean, labels=0.5, settings.training.batch_size=32, settings.training.warm_up_epochs=0"
  private static let networks =
    "settings.convolutional.name=resnet-nano, settings.transformer.name=vit-nano16, settings.picture_side=32"

  private static let methods = """
      - {name: logistic-regression, encoders: [lite, dino, "untrained:convolutional"]}
      - {name: finetune, init: [dino, "untrained:transformer"], set: [settings.training.epochs=1]}
    """

  private func suite(dino: String = "settings.training.epochs=1", methods: String = methods) -> String {
    """
    title: Tiny networks
    datasets:
      - {name: drawn, task: mean}
      - {name: beside, unlabelled: true}
    pretrainings:
      - {name: untrained, recipe: cass, set: [\(Self.small), settings.training.epochs=0, \(Self.networks)]}
      - name: dino
        init: "untrained:convolutional"
        datasets: [drawn]
        set: [\(Self.small), settings.backbone.name=resnet-nano, settings.picture_side=48, settings.crops.side=32,
          settings.crops.local_side=32, \(dino)]
    methods:
    \(methods)
    encoders: [lite]
    labels: [0.2]
    seeds: [42]
    metrics: [auroc, accuracy]
    published: []
    """
  }

  private func arguments(_ suite: String, _ output: String) throws -> [String] {
    let file = try program.write(suite, to: "\(output).yaml")
    // One cell at a time has all cores, as in 'train': gradients of convolutions depend on how many there are.
    return [
      "benchmark", file, "--data", "drawn=demo/corpus-240", "--jobs", "1", "--output", output, "--json", "--quiet",
    ]
  }

  /// Runs a suite into `output` and returns the program's answer.
  private func run(_ suite: String, _ output: String) throws -> (Program.Result, [String: Any]) {
    let result = try program(try arguments(suite, output))
    return (result, result.output.isEmpty ? [:] : try object(result.output))
  }

  private func data(_ path: String) throws -> Data { try Data(contentsOf: program.home.appending(path: path)) }

  private func text(_ path: String) throws -> String { String(decoding: try data(path), as: UTF8.self) }

  /// The rows of a file of JSON lines.
  private func rows(_ path: String) throws -> [[String: Any]] {
    try text(path).split(separator: "\n").map { try object(String($0)) }
  }

  /// A run keeps its name when it is trained anew; what stands on it must not keep its scores.
  @Test func cellsOnARunOutsideAreTrainedAnewWithIt() throws {
    let outside = program.home.appending(path: "outside")
    func pretrain(seed: Int) throws {
      try? FileManager.default.removeItem(at: outside)
      let settings = [
        "training.epochs=0", "training.batch_size=32", "training.warm_up_epochs=0", "picture_side=32", "crops.side=32",
        "crops.local_side=32",
      ]
      let result = try program(
        [
          "pretrain", "--method", "dino", "--backbone", "resnet-nano", "--data", "demo/corpus-240", "--seed", "\(seed)",
          "--output", "outside", "--quiet",
        ] + settings.flatMap { ["--set", "settings.\($0)"] })
      #expect(result.status == 0, "\(result.errors)")
    }
    let suite = """
      title: On a run
      datasets:
        - {name: drawn, task: mean}
      methods:
        - {name: logistic-regression, encoders: [lite, \(outside.path)]}
        - {name: finetune, init: [\(outside.path)], set: [settings.training.epochs=1]}
      encoders: [lite]
      labels: [0.2]
      seeds: [42]
      metrics: [auroc]
      published: []
      """
    try pretrain(seed: 1)
    let first = try run(suite, "on-a-run")
    #expect(first.0.status == 0 && first.1["finished"] as? Int == 3, "\(first.0.errors)")
    #expect(try run(suite, "on-a-run").1["kept"] as? Int == 3)
    try pretrain(seed: 2)
    let changed = try run(suite, "on-a-run")
    #expect(changed.1["finished"] as? Int == 3 && changed.1["kept"] as? Int == 1, "\(changed.0.errors)")
  }

  @Test func networksAndCellsEqualThoseOfTheOtherCommandsAndAreKept() throws {
    let (result, answer) = try run(suite(), "self")
    #expect(result.status == 0, "\(result.errors)")
    #expect(answer["finished"] as? Int == 5 && result.errors.contains("without: beside"))
    let pretrained = try program(
      [
        "pretrain", "--method", "dino", "--data", "demo/corpus-240", "--init",
        "self/pretrainings/untrained-42:convolutional",
        "--output", "alone", "--quiet", "--set", "settings.training.epochs=1", "--set", "settings.picture_side=48",
      ]
        + [
          "backbone.name=resnet-nano", "crops.side=32", "crops.local_side=32", "training.batch_size=32",
          "training.warm_up_epochs=0",
        ]
        .flatMap { ["--set", "settings.\($0)"] })
    #expect(pretrained.status == 0, "\(pretrained.errors)")
    let networks = "self/pretrainings/dino-42/teacher.safetensors"
    #expect(try data("alone/teacher.safetensors") == data(networks))
    let trained = try program(
      "train", "--method", "finetune", "--init", "self/pretrainings/dino-42", "--data", "demo/corpus-240", "--task",
      "mean", "--labels", "0.2", "--seed", "42", "--set", "settings.training.epochs=1", "--output", "tuned-alone",
      "--quiet")
    #expect(trained.status == 0, "\(trained.errors)")
    let cells = "self/cells/drawn-mean"
    #expect(try data("tuned-alone/model.safetensors") == data("\(cells)/finetune-lite-dino-0.2-42/model.safetensors"))
    #expect(try text("\(cells)/logistic-regression-dino-0.2-42/recipe.yaml").contains("self/pretrainings/dino-42"))

    // Rows name what was pretrained, and no folder.
    let results = try rows("self/results.jsonl")
    #expect(results.map { $0["encoder"] as? String } == ["lite", "dino", "untrained:convolutional", "lite", "lite"])
    #expect(results.map { $0["init"] as? String } == [nil, nil, nil, "dino", "untrained:transformer"])
    #expect(try !text("self/results.csv").contains(program.home.path))
    let measured = try rows("self/pretrainings.jsonl")
    #expect(
      measured.map { $0["pretraining"] as? String } == ["untrained:convolutional", "untrained:transformer", "dino"])
    #expect(measured.map { $0["epochs"] as? Int } == [0, 0, 1])
    #expect(measured.allSatisfy { $0["neighbour_auroc_after"] is Double && $0["seconds"] is Double })
    #expect(try text("self/pretrainings.csv").hasPrefix("pretraining,method,recipe,backbone,datasets,seed,pictures,"))
    // What dino began as is its control.
    let group = try #require((answer["groups"] as? [[String: Any]])?.first)
    let controls = try #require(group["controls"] as? [[String: Any]])
    #expect(controls.map { $0["control"] as? String } == ["logistic-regression · untrained:convolutional"])
    let page = try text("self/report.html")
    #expect(page.contains("What does pretraining bring?"))
    #expect(page.contains("neighbour AUROC while pretraining") && page.contains("finetune · untrained:transformer"))
    for measure in ["entropy", "mean entropy", "outputs deviation"] {
      #expect(page.contains(">\(measure) while pretraining<"), "\(measure)")
    }
    #expect(!page.contains("pairing while pretraining"), "nothing was trained by CLIP")
    #expect(try text("self/table.md").contains("| untrained:convolutional | resnet-nano |"))

    let before = try text("self/pretrainings/dino-42/metrics.json")
    #expect(try run(suite(), "self").1["kept"] as? Int == 5)
    // Seconds differ from training to training, so equal bytes are those of the first one.
    #expect(try text("self/pretrainings/dino-42/metrics.json") == before)

    // Another recipe: it and what takes its networks are trained anew, and nothing else.
    let changed = try run(suite(dino: "settings.training.epochs=2"), "self")
    #expect(changed.0.status == 0 && changed.1["finished"] as? Int == 5 && changed.1["kept"] as? Int == 3)
    #expect(try rows("self/pretrainings.jsonl").map { $0["epochs"] as? Int } == [0, 0, 2])
  }

  @Test func anUntrainedNetworkIsWhatItBeganAsButForItsStatistics() throws {
    let arguments = ["pretrain", "--data", "demo/corpus-240", "--method", "cass", "--quiet", "--json", "--output"]
    let settings = ["convolutional.name=resnet-nano", "transformer.name=vit-nano16", "picture_side=32"].flatMap {
      ["--set", "settings.\($0)"]
    }
    let untrained = try program(arguments + ["begun"] + settings + ["--set", "settings.training.epochs=0"])
    #expect(untrained.status == 0, "\(untrained.errors)")
    let again = try program(arguments + ["begun-again"] + settings + ["--set", "settings.training.epochs=0"])
    #expect(again.status == 0, "\(again.errors)")
    for network in ["convolutional", "transformer"] {
      #expect(try data("begun/\(network).safetensors") == data("begun-again/\(network).safetensors"))
    }
    let measured = try object(untrained.output)
    let (before, after) = (measured["before"] as? [String: Double], measured["after"] as? [String: Double])
    #expect(before?["transformer_deviation"] == after?["transformer_deviation"], "a ViT has no batch statistics")
    #expect(before?["convolutional_deviation"] != after?["convolutional_deviation"])
  }

  @Test func aKilledPretrainingGoesOnWhereItWas() throws {
    let long = suite(dino: "settings.training.epochs=24")
    let killed = program.process(try arguments(long, "killed-self"))
    killed.standardOutput = FileHandle.nullDevice
    try killed.run()
    let folder = program.home.appending(path: "killed-self/pretrainings/dino-42")
    for _ in 0..<2400 where killed.isRunning {
      let files =
        (try? FileManager.default.contentsOfDirectory(atPath: folder.appending(path: "checkpoints").path)) ?? []
      if files.contains("dino.safetensors") { break }
      Thread.sleep(forTimeInterval: 0.05)
    }
    #expect(killed.isRunning, "the benchmark ended before it could be killed")
    kill(killed.processIdentifier, SIGKILL)
    killed.waitUntilExit()
    let control = try text("killed-self/pretrainings/untrained-42/metrics.json")

    let resumed = try run(long, "killed-self")
    #expect(resumed.0.status == 0, "\(resumed.0.errors)")
    #expect(try text("killed-self/pretrainings/untrained-42/metrics.json") == control, "it was kept")
    // Its seconds would be those of the second half alone.
    let row = try #require(try rows("killed-self/pretrainings.jsonl").last)
    #expect(row["seconds"] is NSNull && row["epochs"] as? Int == 24)
    #expect(try run(long, "whole-self").0.status == 0)
    let networks = "pretrainings/dino-42/teacher.safetensors"
    #expect(try data("killed-self/\(networks)") == data("whole-self/\(networks)"))
    let model = "cells/drawn-mean/logistic-regression-dino-0.2-42/model.safetensors"
    #expect(try data("killed-self/\(model)") == data("whole-self/\(model)"))
  }

  /// The unlabelled memes beside are part of what a pretraining is.
  @Test func otherMemesToLearnFromTrainAnew() throws {
    #expect(try program("data", "draw", "beside-memes", "--memes", "80", "--quiet").status == 0)
    let methods = "  - {name: logistic-regression, encoders: [lite, \"untrained:convolutional\"]}"
    func run() throws -> [String: Any] {
      let result = try program(
        try arguments(suite(methods: methods), "beside-self") + ["--data", "beside=beside-memes"])
      #expect(result.status == 0, "\(result.errors)")
      return try object(result.output)
    }
    #expect(try run()["kept"] as? Int == 0)
    let row = try #require(try rows("beside-self/pretrainings.jsonl").first)
    #expect(row["datasets"] as? String == "drawn + beside" && row["pictures"] as? Int ?? 0 > 168)
    #expect(try run()["kept"] as? Int == 2)
    let metadata = try text("beside-memes/metadata.jsonl").split(separator: "\n")
    _ = try program.write(metadata.dropLast().joined(separator: "\n") + "\n", to: "beside-memes/metadata.jsonl")
    #expect(try run()["kept"] as? Int == 1, "all but the cell on the pretraining")
  }

  @Test func aFailedPretrainingFailsOnlyWhatNeedsIt() throws {
    let (result, answer) = try run(suite(dino: "settings.training.batch_size=5000"), "failed-self")
    #expect(result.status == 1 && answer["finished"] as? Int == 3)
    #expect(result.errors.contains("1 of 2 pretrainings and 2 of 5 cells have no result"), "\(result.errors)")
    #expect(result.errors.contains("failed: dino · seed 42: dino: "), "\(result.errors)")
    let failures = try rows("failed-self/results.jsonl").compactMap { $0["failure"] as? String }
    #expect(
      failures.count == 2 && failures.allSatisfy { $0.contains("it needs pretrainings/dino-42, which failed: dino: ") })
    #expect(try rows("failed-self/pretrainings.jsonl").last?["failure"] is String)
    #expect(try text("failed-self/report.html").contains("Pretrainings without a result"))
  }
}
