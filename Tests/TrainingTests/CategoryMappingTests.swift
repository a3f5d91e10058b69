import Foundation
import MemeData
import Testing

@testable import Methods
@testable import Training

@Suite struct CategoryMappingTests {
  private func source(_ task: LabelTask, _ label: String) -> CategoryMapping.Source {
    .init(task: task.name, label: label)
  }

  @Test func namesOfLabelsSayWhatTheyFeed() {
    let mami = LabelTask(
      name: "kind", kind: .multilabel, labels: ["shaming", "stereotype", "objectification", "violence"])
    let usual = CategoryMapping(usualFor: [mami])
    #expect(usual.moderations["harassment"] == [source(mami, "shaming")])
    #expect(usual.moderations["hate"] == [source(mami, "stereotype")])
    #expect(usual.moderations["sexual"] == [source(mami, "objectification")])
    #expect(usual.moderations["violence"] == [source(mami, "violence")])
    #expect(usual.perspective["TOXICITY"] == mami.labels.map { source(mami, $0) })
    #expect(usual.perspective["THREAT"] == [source(mami, "violence")])
  }

  @Test func denialsFeedNothing() {
    let memotion = LabelTask(
      name: "offensive", kind: .multiclass, labels: ["not_offensive", "slight", "very_offensive", "hateful_offensive"])
    let usual = CategoryMapping(usualFor: [memotion])
    #expect(
      usual.moderations == [
        "harassment": [source(memotion, "very_offensive")], "hate": [source(memotion, "hateful_offensive")],
      ])
    let levels = LabelTask(
      name: "harm", kind: .multiclass, labels: ["not harmful", "somewhat harmful", "very harmful"])
    #expect(
      CategoryMapping(usualFor: [levels]).perspective == [
        "TOXICITY": [source(levels, "somewhat harmful"), source(levels, "very harmful")]
      ])
  }

  @Test func aBinaryTaskWithoutAMeaningIsHarassment() {
    let task = LabelTask(name: "x", kind: .binary, labels: ["mean"])
    let usual = CategoryMapping(usualFor: [task])
    #expect(usual.moderations == ["harassment": [source(task, "mean")]])
    #expect(usual.perspective == ["TOXICITY": [source(task, "mean")]])
    let moods = LabelTask(name: "mood", kind: .multiclass, labels: ["happy", "sad"])
    #expect(CategoryMapping(usualFor: [moods]).moderations.isEmpty)
  }

  @Test func categoriesAreFedByTheirLabelsAlone() {
    let task = LabelTask(name: "x", kind: .multilabel, labels: ["hateful", "kind"])
    var mapping = CategoryMapping(usualFor: [task])
    mapping.moderations["violence"] = []
    let fed = mapping.categories(fedBy: source(task, "hateful"))
    #expect(fed.moderations == ["hate"] && fed.perspective == ["TOXICITY", "IDENTITY_ATTACK"])
    let none = mapping.categories(fedBy: source(task, "kind"))
    #expect(none.moderations.isEmpty && none.perspective.isEmpty)
    #expect(mapping.fed == fed)
    #expect(mapping.unfed.moderations == CategoryMapping.moderationCategories.filter { $0 != "hate" })
    #expect(mapping.unfed.perspective.count == CategoryMapping.perspectiveAttributes.count - 2)
  }

  @Test func exclusiveClassesAddUpAndOthersDoNot() {
    let classes = LabelTask(name: "c", kind: .multiclass, labels: ["a", "b", "d"])
    let flags = LabelTask(name: "f", kind: .multilabel, labels: ["a", "b"])
    var prediction = Prediction(id: "1", probabilities: [0.3, 0.5, 0.2], task: classes)
    prediction.tasks = ["f": Prediction(id: "1", probabilities: [0.25, 0.75], task: flags)]
    func score(_ sources: [(LabelTask, String)]) -> Double {
      prediction.score(of: sources.map { source($0, $1) }, tasks: [classes, flags])
    }
    #expect(score([(classes, "a"), (classes, "d")]) == 0.5)
    #expect(score([(flags, "a"), (flags, "b")]) == 0.75)
    #expect(score([(classes, "a"), (flags, "b")]) == 0.75)
    #expect(score([]) == 0)
  }

  @Test func foreignCategoriesAndLabelsAreRefused() {
    let task = LabelTask(name: "x", kind: .binary, labels: ["mean"])
    var mapping = CategoryMapping(usualFor: [task])
    #expect(mapping.fault(for: [task]) == nil)
    mapping.moderations["sexual"] = [.init(task: "x", label: "kind")]
    #expect(mapping.fault(for: [task])?.contains("moderations.sexual names the label 'kind'") == true)
    mapping.moderations = ["hatred": []]
    #expect(mapping.fault(for: [task])?.contains("no category 'hatred'") == true)
    mapping.moderations = [:]
    mapping.perspective = ["toxicity": []]
    #expect(mapping.fault(for: [task])?.contains("TOXICITY") == true)
  }

  /// Bundles of before there was a service have no categories.
  @Test func bundlesWithoutCategoriesHaveTheUsualOnes() throws {
    let name = "concat-lite"
    let recipe = try Recipe(yaml: RecipeLibrary.text(named: name), source: name)
    let task = LabelTask(name: "x", kind: .binary, labels: ["hateful"])
    let description = ModelBundle.Description(
      shape: ProblemShape(imageWidth: 2, textWidth: 2, task: task), recipe: recipe)
    let data = try JSON.pretty(description)
    #expect(try JSONDecoder().decode(ModelBundle.Description.self, from: data).categories == description.categories)
    var object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    object["categories"] = nil
    let old = try JSONDecoder().decode(
      ModelBundle.Description.self, from: JSONSerialization.data(withJSONObject: object))
    #expect(old.categories.moderations == ["hate": [.init(task: "x", label: "hateful")]])
  }
}
