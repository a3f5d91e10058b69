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
}
