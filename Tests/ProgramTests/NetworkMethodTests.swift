import Foundation
import Testing

/// Systems that train networks of their own, and the one on two encoders' features, from drawn memes to an answer.
@Suite(.serialized) struct NetworkMethodTests {
  /// The memes and the cache that all tests share; made once.
  private static let drawn = Result {
    let program = try Program()
    let memes = try program("data", "draw", "memes", "--memes", "80", "--quiet")
    return (program: program, memes: memes)
  }

  private static let layers = ["width=12", "heads=2", "inner_width=24"]
  private static let network = layers.map { "network.\($0)" } + ["weights=random"]

  /// Settings by which seconds are enough.
  private static let cases: [(method: String, settings: [String])] = [
    ("bert-resnet18", ["network.path_width=16", "network.fused_width=8"]),
    ("cmml", ["picture_side=32", "text_hidden=16", "hidden=16", "training.batch_size=16"]),
    (
      "ext-pie",
      layers.map { "text.\($0)" } + ["text.layers=1", "text.weights=random", "picture_side=32", "embedding_width=16"]
    ),
    ("lxmert", network + ["network.text_layers=1", "network.region_layers=1", "network.cross_layers=1"]),
    ("vilt", network + ["network.layers=1", "network.picture_side=32", "network.patch=16"]),
    ("visualbert", network + ["network.layers=1"]),
  ]

  @Test(arguments: cases.indices) func isTrainedScoredAndAsked(_ index: Int) throws {
    let (program, memes) = try Self.drawn.get()
    #expect(memes.status == 0, "\(memes.errors)")
    let (method, settings) = Self.cases[index]
    let changes = (settings + ["training.epochs=1"]).flatMap { ["--set", "settings.\($0)"] }
    let trained = try program(
      ["train", "--method", method, "--data", "memes", "--task", "mean", "--labels", "0.5", "--output", method]
        + ["--json", "--quiet"] + changes)
    #expect(trained.status == 0, "\(trained.errors)")
    let splits = try #require(object(trained.output)["metrics"] as? [String: [String: Any]])

    let evaluated = try program("evaluate", method, "--json", "--quiet")
    #expect(evaluated.status == 0, "\(evaluated.errors)")
    let metrics = try #require(object(evaluated.output)["metrics"] as? [String: Any])
    for key in ["accuracy", "brier"] {
      let (value, expected) = try (#require(metrics[key] as? Double), #require(splits["test"]?[key] as? Double))
      #expect((0...1).contains(value) && abs(value - expected) < 1e-5, "\(key)")
    }

    // A meme, its picture alone, and words alone.
    let folder = program.home.appending(path: "memes/images")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    let picture = "memes/images/\(names[0])"
    let pictures = try program(
      "predict", method, picture, picture, "--text", "you look like this", "--text", "")
    let words = try program("predict", method, "--text", "you look like this")
    #expect(pictures.status == 0 && words.status == 0, "\(pictures.errors)\(words.errors)")
    let answers = (pictures.output + words.output).split(separator: "\n")
    #expect(answers.count == 3)
    for answer in answers {
      let probabilities = try #require(object(String(answer))["probabilities"] as? [String: Double])
      #expect(try (0...1).contains(#require(probabilities["mean"])), "\(answer)")
    }
  }

  /// A safetensors file of two regions of three features for each picture, as a detector's script writes it.
  private func writeRegions(of pictures: [String], to name: String, feature: (Int) -> Float = { Float($0 % 7) }) throws
  {
    let keys = try pictures.flatMap { picture -> [UInt8] in
      let sum = Process()
      let output = Pipe()
      sum.executableURL = URL(fileURLWithPath: "/usr/bin/sha256sum")
      sum.arguments = [picture]
      sum.standardOutput = output
      try sum.run()
      let digits = Array(String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self).prefix(64))
      return try stride(from: 0, to: 64, by: 2).map { try #require(UInt8(String(digits[$0...$0 + 1]), radix: 16)) }
    }
    let count = pictures.count
    let features = (0..<count * 6).map(feature)
    let boxes = (0..<count).flatMap { _ in [0, 0, 0.5, 1, 0.5, 0, 1, 1] as [Float] }
    var body = Data(keys)
    var header: [String: Any] = ["keys": ["dtype": "U8", "shape": [count, 32], "data_offsets": [0, body.count]]]
    for (key, numbers, width) in [("boxes", boxes, 4), ("features", features, 3)] {
      let start = body.count
      for number in numbers { withUnsafeBytes(of: number.bitPattern.littleEndian) { body.append(contentsOf: $0) } }
      header[key] = ["dtype": "F32", "shape": [count, 2, width], "data_offsets": [start, body.count]]
    }
    var json = try JSONSerialization.data(withJSONObject: header)
    json.append(contentsOf: [UInt8](repeating: 32, count: (8 - json.count % 8) % 8))
    let length = withUnsafeBytes(of: UInt64(json.count).littleEndian) { Data($0) }
    let (program, _) = try Self.drawn.get()
    try (length + json + body).write(to: program.home.appending(path: name))
  }

  /// From a detector's file to an answer, and what is said where it does not fit.
  @Test(arguments: ["visualbert", "lxmert"])
  func aDetectorsRegionsAreTrainedOnAndAsked(_ method: String) throws {
    let (program, _) = try Self.drawn.get()
    let (regions, broken) = ("\(method).safetensors", "\(method)-nan.safetensors")
    let (detected, spoilt) = ("\(method)-detected", "\(method)-spoilt")
    let folder = program.home.appending(path: "memes/images")
    let pictures = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map {
      "\(folder.path)/\($0)"
    }
    try writeRegions(of: pictures, to: regions)
    let settings = try #require(Self.cases.first { $0.method == method }).settings + ["training.epochs=1"]
    func train(_ output: String, on regions: String) throws -> Program.Result {
      try program(
        ["train", "--method", method, "--data", "memes", "--task", "mean", "--labels", "0.5", "--output", output]
          + ["--quiet"] + (settings + ["regions=\(regions)"]).flatMap { ["--set", "settings.\($0)"] })
    }
    let trained = try train(detected, on: regions)
    #expect(trained.status == 0, "\(trained.errors)")
    #expect(try program("evaluate", detected, "--json", "--quiet").status == 0)
    let seen = try program("predict", detected, pictures[0], pictures[1], "--text", "same", "--text", "same")
    #expect(seen.status == 0, "\(seen.errors)")
    let answers = try seen.output.split(separator: "\n").map {
      try #require((object(String($0))["probabilities"] as? [String: Double])?["mean"])
    }
    #expect(answers.count == 2 && answers[0] != answers[1], "what was detected in a picture counts")

    let other = Program.root.appending(path: "Documentation/report.png").path
    let unseen = try program("predict", detected, other, "--text", "same")
    #expect(unseen.status != 0 && !unseen.wasKilled && unseen.output.isEmpty)
    #expect(unseen.errors.contains("\(other): ") && unseen.errors.contains("has no regions of this picture"))

    // A file that was not written to its end.
    let file = program.home.appending(path: regions)
    let whole = try Data(contentsOf: file)
    try whole.dropLast(40).write(to: file)
    let cut = try program("predict", detected, pictures[0], "--text", "same")
    #expect(cut.status != 0 && !cut.wasKilled && cut.errors.contains(file.path))
    try whole.write(to: file)

    try writeRegions(of: pictures, to: broken) { $0 == 20 ? .nan : 1 }
    let refused = try train(spoilt, on: broken)
    #expect(refused.status != 0 && !refused.wasKilled)
    #expect(refused.errors.contains("picture 3 of 'features'") && refused.errors.contains("not a number"))
    #expect(!FileManager.default.fileExists(atPath: program.home.appending(path: spoilt).path))
  }

  /// Before a picture is read, and without a begun run in the way of the next command.
  @Test func weightsThatAreNotThereAreToldFirst() throws {
    let (program, _) = try Self.drawn.get()
    let result = try program(
      "train", "--recipe", "vilt-published", "--data", "memes", "--task", "mean", "--output", "no-weights")
    #expect(result.status != 0 && result.errors.contains("dandelin/vilt-b32-mlm"), "\(result.errors)")
    #expect(!result.errors.contains("Reading"))
    #expect(!FileManager.default.fileExists(atPath: program.home.appending(path: "no-weights").path))
  }
}
