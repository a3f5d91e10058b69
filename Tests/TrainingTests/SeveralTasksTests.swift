import Foundation
import MemeData
import Metrics
import Testing

@testable import Methods
@testable import Training

/// A run that learns two tasks of the same memes, some of which have a label for the first alone.
@Suite struct SeveralTasksTests {
  private func corpus() throws -> Corpus {
    let (one, several) = (SmallProblem.tasks[0], SmallProblem.tasks[1])
    func memes(_ split: Split, _ count: Int, seed: UInt64) -> [Meme] {
      let features = SmallProblem.features(count: count, seed: seed)
      return (0..<count).map { row in
        var labels = [one.name: SmallProblem.label(row, of: one, in: features)]
        if row % 3 != 0 { labels[several.name] = SmallProblem.label(row, of: several, in: features) }
        return Meme(id: "\(split) \(row)", image: nil, text: "t", labels: labels, split: split)
      }
    }
    let dataset = Dataset(
      name: "small", root: URL(fileURLWithPath: "/small"), format: .huggingFace, tasks: [one, several],
      memes: memes(.train, 90, seed: 7) + memes(.validation, 60, seed: 8))
    return try Corpus(dataset) { memes in
      SmallProblem.features(count: memes.count, seed: memes[0].split == .train ? 7 : 8)
    }
  }

  private func recipe(_ tasks: String, method: String = "simclip-lite") throws -> Recipe {
    try Recipe(
      yaml: RecipeLibrary.text(named: method), source: "",
      overrides: ["task=\"\(tasks)\"", "labels=1", "settings.training.epochs=5"])
  }

  @Test func eachTaskIsLearnedChosenByAndScored() throws {
    let temporary = try TemporaryFolder()
    let folder = temporary.url.appending(path: "run")
    let recipe = try recipe("one, several")
    let outcome = try TrainingRun(recipe: recipe, folder: folder, observer: SilentObserver())
      .execute(on: corpus(), resumes: false)
    let first = try #require(outcome.summary.metrics["validation"])
    let second = try #require(outcome.summary.tasks?["several"]?["validation"])
    #expect(first.kind == .binary && first.count == 60)
    #expect(second.kind == .multiclass && second.count == 40)
    // The kept epoch's score is the mean of both.
    let metric = try #require(recipe.selection).metric
    let mean = try (#require(first[metric]?.value) + #require(second[metric]?.value)) / 2
    let kept = try #require(outcome.summary.epoch)
    #expect(abs(try #require(outcome.epochs[kept - 1].score) - mean) < 1e-12)
    let scores = outcome.epochs.compactMap(\.score)
    #expect(scores.count == 5 && scores.max() == outcome.epochs[kept - 1].score)

    for (name, labels) in [("validation", ["harmful"]), ("validation-several", ["a", "b", "c"])] {
      let lines = try Data(contentsOf: folder.appending(path: "predictions-\(name).jsonl")).split(separator: 10)
      let predictions = try lines.map { try JSONDecoder().decode(Prediction.self, from: Data($0)) }
      #expect(predictions.count == 60 && predictions.allSatisfy { $0.probabilities.keys.sorted() == labels })
      #expect(Set(predictions.map { $0.probabilities[labels[0]]! }).count > 30)
    }
    let description = try JSONDecoder().decode(
      ModelBundle.Description.self, from: Data(contentsOf: folder.appending(path: "model.json")))
    #expect(description.shape.tasks == Array(SmallProblem.tasks.prefix(2)))
  }

  @Test func tasksThatCannotBeLearnedTogetherAreNamed() throws {
    let temporary = try TemporaryFolder()
    let corpus = try corpus()
    func message(_ recipe: Recipe) throws -> String {
      let folder = temporary.url.appending(path: "run")
      let run = TrainingRun(recipe: recipe, folder: folder, observer: SilentObserver())
      let error = try #require(throws: (any Error).self) { try run.execute(on: corpus, resumes: false) }
      #expect(!FileManager.default.fileExists(atPath: folder.path))
      return "\(error)"
    }
    #expect(try message(recipe("one,one")).contains("twice"))
    #expect(try message(recipe("one,none")).contains("has no task 'none'"))
    #expect(try message(recipe("one,several", method: "concat-lite")).contains("simclip"))
  }
}
