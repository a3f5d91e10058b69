import Foundation
import Testing

/// `pretrain` through the built program, and its runs as encoders and weights to start from.
@Suite(.serialized) struct PretrainTests {
  private let program: Program

  init() throws {
    program = try Program()
    let drawn = try program("data", "draw", "memes", "--memes", "80", "--quiet")
    #expect(drawn.status == 0, "\(drawn.errors)")
  }

  private func pretrain(_ arguments: String...) throws -> Program.Result {
    try program(
      ["pretrain", "--data", "memes", "--quiet", "--set", "settings.training.epochs=2"] + arguments
        + ["--set", "settings.training.batch_size=16", "--set", "settings.training.warm_up_epochs=1"])
  }

  private func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: program.home.appending(path: path).path)
  }

  @Test func aRunIsAnEncoderAndGoesOnFromAnother() throws {
    let dino = try pretrain(
      "--method", "dino", "--backbone", "resnet-nano", "--task", "mean", "--labels", "0.5", "--output", "dino", "--json"
    )
    #expect(dino.status == 0, "\(dino.errors)")
    let measured = try object(dino.output)
    #expect((measured["pictures"] as? Int ?? 0) > 40)
    let (before, after) = (measured["before"] as? [String: Double], measured["after"] as? [String: Double])
    #expect(before?["teacher_neighbour_auroc"] != nil && after?["teacher_entropy"] != nil)
    let report = try String(contentsOf: program.home.appending(path: "dino/report.html"), encoding: .utf8)
    #expect(report.contains("teacher_entropy") && !exists("dino/checkpoints"))

    #expect(try program("embed", "memes", "--encoder", "dino", "--quiet").status == 0)
    let trained = try program(
      "train", "--method", "logistic-regression", "--encoder", "dino", "--data", "memes", "--task", "mean", "--labels",
      "0.5", "--output", "linear", "--quiet")
    #expect(trained.status == 0, "\(trained.errors)")
    // The recipe of the model names the run by its whole path.
    let recipe = try String(contentsOf: program.home.appending(path: "linear/recipe.yaml"), encoding: .utf8)
    #expect(recipe.contains("encoder: \(program.home.appending(path: "dino").standardizedFileURL.path)"), "\(recipe)")

    // The other methods on features: 16 of a picture, and 384 of a text as the default encoder has them.
    for method in ["semimemes", "concat", "hate-clipper", "simclip", "cmml-clip"] {
      let parts = method == "semimemes" ? ["--set", "settings.auto_encoder.training.epochs=1"] : []
      let result = try program(
        [
          "train", "--method", method, "--encoder", "dino", "--data", "memes", "--task", "mean", "--labels", "0.5",
          "--set", "settings.training.epochs=1", "--output", "on-\(method)", "--quiet",
        ] + parts)
      #expect(result.status == 0, "\(method): \(result.errors)")
      let model = try String(contentsOf: program.home.appending(path: "on-\(method)/model.json"), encoding: .utf8)
      let shape = try object(model)["shape"] as? [String: Any]
      #expect(shape?["image_width"] as? Int == 16 && shape?["text_width"] as? Int == 384, "\(method): \(model)")
    }

    let tuned = try program(
      "train", "--method", "finetune", "--init", "dino", "--data", "memes", "--task", "mean", "--labels", "0.5",
      "--set", "settings.training.epochs=1", "--set", "settings.reads=words", "--output", "tuned", "--quiet")
    #expect(tuned.status == 0, "\(tuned.errors)")
    let tunedRecipe = try String(contentsOf: program.home.appending(path: "tuned/recipe.yaml"), encoding: .utf8)
    #expect(tunedRecipe.contains("name: resnet-nano"), "\(tunedRecipe)")
    let refused = try program("train", "--method", "concat", "--init", "dino", "--data", "memes", "--output", "no")
    #expect(refused.status == 64 && refused.errors.contains("--method finetune"))

    // From a file of weights, which the recipe names by its whole path too.
    let further = try pretrain(
      "--method", "cass", "--backbone", "resnet-nano,vit-nano16", "--init", "dino/teacher.safetensors,random",
      "--output", "cass")
    #expect(further.status == 0, "\(further.errors)")
    let file = program.home.appending(path: "dino/teacher.safetensors").standardizedFileURL.path
    let furtherRecipe = try String(contentsOf: program.home.appending(path: "cass/recipe.yaml"), encoding: .utf8)
    #expect(furtherRecipe.contains("weights: \(file)"), "\(furtherRecipe)")
    #expect(exists("cass/convolutional.safetensors") && exists("cass/transformer.safetensors"))
    let other = try pretrain("--method", "dino", "--backbone", "resnet18", "--init", "dino", "--output", "other")
    #expect(other.status == 64 && other.errors.contains("resnet-nano") && !exists("other"), "\(other.errors)")
  }

  @Test func aRunOfBothModalitiesReadsTextsByItsOwnNetwork() throws {
    let clip = try pretrain(
      "--method", "clip", "--backbone", "vit-nano16", "--output", "clip", "--json", "--set",
      "settings.text={family: bert, width: 24, layers: 1, heads: 2, inner_width: 48, dropout_rate: 0.1, text_length: 12, "
        + "weights: random}")
    #expect(clip.status == 0, "\(clip.errors)")
    #expect(exists("clip/clip.safetensors") && exists("clip/clip-text.safetensors"))
    // Where the network of the run is named too, what reads texts is taken up as well.
    let tuned = try program(
      "train", "--method", "finetune", "--init", "clip", "--backbone", "vit-nano16", "--data", "memes", "--task",
      "mean", "--labels", "0.5", "--set", "settings.training.epochs=1", "--set", "settings.reads=network", "--output",
      "tuned", "--json", "--quiet")
    #expect(tuned.status == 0, "\(tuned.errors)")
    let recipe = try String(contentsOf: program.home.appending(path: "tuned/recipe.yaml"), encoding: .utf8)
    #expect(recipe.contains("width: 24") && recipe.contains("name: vit-nano16"), "\(recipe)")
    let missing = try program(
      "train", "--method", "finetune", "--init", "clip", "--backbone", "resnet18", "--data", "memes", "--output", "no")
    #expect(missing.status == 64 && missing.errors.contains("those of resnet18 are wanted"), "\(missing.errors)")
    #expect(!exists("no"))
    let linear = try program(
      "train", "--method", "logistic-regression", "--encoder", "clip", "--data", "memes", "--task", "mean", "--labels",
      "0.5", "--output", "linear", "--json", "--quiet")
    // A weight for each of 24 features of either modality, and a bias.
    #expect(try object(linear.output)["parameters"] as? Int == 24 + 24 + 1, "\(linear.errors)")

    // The recipe for features of pretrainings, which reads the states of tokens and no padding.
    let tokens = try program(
      "train", "--method", "tib-va", "--encoder", "clip", "--data", "memes", "--task", "mean", "--labels", "0.5",
      "--set", "settings.training.epochs=1", "--output", "tokens", "--quiet")
    #expect(tokens.status == 0, "\(tokens.errors)")

    let sizes = ["family=bert", "width=24", "layers=1", "heads=2", "inner_width=48"].flatMap {
      ["--set", "settings.text.\($0)"]
    }
    let further = try program(
      ["pretrain", "--method", "clip", "--backbone", "vit-nano16", "--data", "memes", "--init", "clip", "--quiet"]
        + sizes + quick + ["--output", "further"])
    #expect(further.status == 0, "\(further.errors)")
    // The network for texts goes on from the run too.
    let resolved = try String(contentsOf: program.home.appending(path: "further/recipe.yaml"), encoding: .utf8)
    let run = program.home.appending(path: "clip").standardizedFileURL.path
    #expect(resolved.matches(of: /weights: (\S+)/).map { String($0.1) } == [run, run], "\(resolved)")
  }

  @Test func resumingWhatIsFinishedOrAnotherRunIsTold() throws {
    let arguments = ["--method", "dino", "--backbone", "vit-nano16", "--output", "run"]
    let first = try program(["pretrain", "--data", "memes", "--quiet", "--json"] + arguments + quick)
    #expect(first.status == 0, "\(first.errors)")
    let again = try program(["pretrain", "--data", "memes", "--resume"] + arguments + quick)
    #expect(again.status == 0 && again.errors.contains("is complete"), "\(again.errors)")
    #expect(try object(again.output)["pictures"] as? Int == object(first.output)["pictures"] as? Int)
    let changed = try program(["pretrain", "--data", "memes", "--resume", "--seed", "7"] + arguments + quick)
    #expect(changed.status == 64 && changed.errors.contains("another recipe"), "\(changed.errors)")
    let full = try program(["pretrain", "--data", "memes"] + arguments + quick)
    #expect(full.status == 64 && full.errors.contains("not empty"))
  }

  private let quick = ["training.epochs=1", "training.batch_size=16"].flatMap { ["--set", "settings.\($0)"] }

  /// Where pictures and features are kept once they were read.
  private let features = "cache/memesense/features"

  /// Of memes drawn with texts, of the same without, and of a dataset without a row. No picture is read for it.
  @Test(arguments: [("clip", "vit-nano16"), ("cass-mm", "resnet-nano,vit-nano16")])
  func memesThatFillNoBatchAreTold(_ method: String, _ backbones: String) throws {
    let rows = try String(contentsOf: program.home.appending(path: "memes/metadata.jsonl"), encoding: .utf8)
    for (folder, text) in [("textless", rows.replacing("\"text\":", with: "\"unread\":")), ("empty", "")] {
      let target = program.home.appending(path: folder)
      try FileManager.default.copyItem(at: program.home.appending(path: "memes"), to: target)
      try Data(text.utf8).write(to: target.appending(path: "metadata.jsonl"))
    }
    let known = "of the training memes have a picture and a text, expected at least the 60 of a batch"
    for (data, status, expected) in [
      ("memes", 64, [" \(known)", "or --set settings.training.batch_size="]),
      ("textless", 64, [" 0 \(known)", "or take a method that reads no texts, dino or cass"]),
      ("empty", 65, ["empty: not one meme could be read: there are no rows"]),
    ] {
      let result = try program(
        "pretrain", "--method", method, "--backbone", backbones, "--data", data, "--quiet", "--output", "x", "--set",
        "settings.training.batch_size=60", "--set", "settings.picture_side=32", "--set",
        "settings.text={family: bert, width: 24, layers: 1, heads: 2, inner_width: 48, dropout_rate: 0.1, text_length: 12, "
          + "weights: random}")
      #expect(result.status == status && expected.allSatisfy(result.errors.contains), "\(data): \(result.errors)")
      #expect(!exists("x") && !exists(features), "\(data)")
    }
  }

  /// Weights that are not there, or of another network, before any picture is read.
  @Test func weightsThatWillNotDoAreToldFirst() throws {
    var program = self.program
    program.environment["HF_HUB_CACHE"] = program.home.appending(path: "hub").path
    let file = try program.write("no tensors", to: "weights.safetensors")
    for (arguments, status, expected) in [
      (["dino", "--init", "resnet8"], 64, "no encoder is named 'resnet8'"),
      (["dino", "--init", "timm/resnet18.tv_in1k"], 66, "run 'memesense encoders get timm/resnet18.tv_in1k'"),
      (["cass", "--init", "\(file),random"], 65, "weights.safetensors"),
      (["clip", "--init", "lite"], 64, "the weights of lite are no vit-tiny16's"),
      (["clip", "--set", "settings.text.width=192"], 64, "instead of [30522, 192]"),
    ] {
      let result = try program(["pretrain", "--data", "memes", "--output", "x", "--method"] + arguments)
      #expect(result.status == status && result.errors.contains(expected), "\(arguments): \(result.errors)")
      #expect(!exists("x") && !exists(features), "\(arguments)")
    }
  }

  @Test func helpNamesWhatIsReadAndWhatCanBeStartedFrom() throws {
    func help(_ command: String) throws -> String {
      try program(command, "--help").output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
    let (pretraining, training) = (try help("pretrain"), try help("train"))
    #expect(pretraining.contains("their pictures, and by clip and cass-mm their texts"))
    #expect(pretraining.contains("or a file of weights") && training.contains("or a file of weights"))
  }

  @Test func wrongUsageIsTold() throws {
    for (arguments, expected) in [
      (["--output", "x"], "--method or --recipe"),
      (["--method", "dino", "--backbone", "resnet18,resnet50", "--output", "x"], "dino trains 1, not 2"),
      (["--method", "dino", "--backbone", "vgg", "--output", "x"], "no backbone 'vgg'"),
      (["--method", "byol", "--output", "x"], "no pretraining 'byol'"),
      (["--method", "cass", "--init", "a,b,c", "--output", "x"], "trains 2 networks, and 3 starting points are named"),
      (["--method", "dino", "--output", "x"], "no dataset is named"),
      (["--method", "dino", "--data", "memes", "--task", "cruel", "--output", "x"], "Its tasks: mean"),
      (["--method", "dino", "--data", "memes", "--data", "./memes", "--output", "x"], "memes twice"),
      (
        ["--method", "dino", "--data", "memes", "--task", "mean", "--labels", "0.0001", "--output", "x"],
        "rounds to none"
      ),
      (
        ["--method", "dino", "--backbone", "vit-tiny16", "--set", "settings.crops.local_side=40", "--output", "x"],
        "multiple of 16"
      ),
    ] {
      let result = try program(["pretrain"] + arguments)
      #expect(result.status == 64 && result.errors.contains(expected) && !exists("x"), "\(arguments): \(result.errors)")
    }
    let missing = try program("pretrain", "--method", "dino", "--data", "nowhere", "--output", "x")
    #expect(missing.status == 66 && missing.errors.contains("nowhere"))
  }
}
