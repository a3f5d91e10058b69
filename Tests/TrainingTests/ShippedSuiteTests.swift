import Encoders
import Foundation
import Metrics
import Testing

@testable import Methods
@testable import Training

/// The suites that come with the program: their cells, and what stands in them because it was published so.
@Suite struct ShippedSuiteTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func suite(_ name: String) throws -> BenchmarkSuite {
    try BenchmarkSuite(yaml: SuiteLibrary.text(named: name), source: name)
  }

  /// The plan of a suite where the hub's cache has some models.
  private func plan(_ suite: BenchmarkSuite, cached models: [String] = []) throws -> BenchmarkPlan {
    let anywhere = Dictionary(suite.datasets.map { ($0.name, URL(fileURLWithPath: "/data")) }) { first, _ in first }
    return try BenchmarkPlan(
      suite, name: "shipped", source: nil, bindings: anywhere, folder: URL(fileURLWithPath: "/out"),
      cache: cache(of: models))
  }

  /// A cache of the hub with models that have all files and nothing in them.
  private func cache(of models: [String]) throws -> HubCache {
    let commit = String(repeating: "a", count: 40)
    for model in models {
      let name = "models--" + model.replacing("/", with: "--")
      try Data(commit.utf8).write(to: folder.folder("\(name)/refs").appending(path: "main"))
      let snapshot = try folder.folder("\(name)/snapshots/\(commit)")
      for file in ["config.json", "model.safetensors"] { try Data().write(to: snapshot.appending(path: file)) }
    }
    return HubCache(folder: folder.url)
  }

  @Test func everyOneMakesCells() throws {
    let names = try SuiteLibrary.names
    #expect(
      names == [
        "ablation", "ablation-mami", "demo", "harmeme", "memotion", "selfsupervised", "selfsupervised-hateful-memes",
        "semimemes-hateful-memes", "semimemes-mami", "sentiment-levels", "simclip-tasks",
      ])
    for name in names {
      let suite = try suite(name)
      let plan = try plan(suite)
      #expect(!plan.cells.isEmpty && plan.cells.count % (suite.seeds.count * suite.labels.count) == 0, "\(name)")
      try suite.requireCellsOfPublished(source: name)
      let methods = Set(plan.cells.map(\.place.method))
      #expect(suite.methods.allSatisfy { methods.contains($0.name) || $0.optional == true }, "\(name)")
      // Every published figure stands beside a cell of the suite, but those of methods that lack what they start from.
      for figure in suite.published where methods.contains(figure.method) {
        let beside = plan.cells.filter { suite.published(for: $0.place, metric: figure.metric) == figure }
        #expect(beside.count == suite.seeds.count, "\(name): \(figure)")
      }
      let again = try BenchmarkSuite(yaml: StrictYAML.text(of: suite), source: name)
      #expect(try StrictYAML.text(of: again) == StrictYAML.text(of: suite))
    }
  }

  /// But `finetune`, which is compared by what it starts from.
  @Test func theSmallSuitesHaveEveryMethodWithASmallRecipeTheQuickOnesFirst() throws {
    let small = try RecipeLibrary.names.filter {
      $0.hasSuffix("-lite") && !$0.contains("-without-") && !$0.hasPrefix("finetune-")
    }
    for name in ["harmeme", "memotion"] {
      let suite = try suite(name)
      #expect(Set(suite.methods.map { "\($0.name)-lite" }) == Set(small), "\(name)")
      // Networks of their own take minutes a cell.
      let readFeatures = try plan(suite).cells.prefix(suite.methods.count).map(\.recipe.method.request.readsFeatures)
      #expect(readFeatures == readFeatures.filter(\.self) + readFeatures.filter { !$0 }, "\(name)")
    }
  }

  @Test func memotionsOtherTasksAreAnOverrideAway() throws {
    let suite = try BenchmarkSuite(
      yaml: SuiteLibrary.text(named: "memotion"), source: "memotion",
      overrides: ["datasets=[{name: memotion7k, task: offensive}]"])
    #expect(suite.datasets.map(\.task) == ["offensive"])
    #expect(try plan(suite).cells.count == 225)
  }

  @Test func whatLacksItsWeightsIsLeftOutOfMAMIsTable() throws {
    var suite = try suite("semimemes-mami")
    let none = try plan(suite)
    #expect(
      none.absent == [
        "cmml from timm/resnet18.tv_in1k", "visualbert from uclanlp/visualbert-vqa-coco-pre and regions.safetensors",
        "ext-pie from timm/resnet18.tv_in1k and distilbert/distilbert-base-uncased",
        "vilt from dandelin/vilt-b32-mlm", "lxmert from unc-nlp/lxmert-base-uncased and regions.safetensors",
      ])
    #expect(Set(none.cells.map(\.place.method)) == ["semimemes", "cmml-clip", "tib-va", "logistic-regression"])
    let models = ["timm/resnet18.tv_in1k", "uclanlp/visualbert-vqa-coco-pre", "dandelin/vilt-b32-mlm"]
    #expect(
      try plan(suite, cached: models).absent == [
        "visualbert from regions.safetensors", "ext-pie from distilbert/distilbert-base-uncased",
        "lxmert from unc-nlp/lxmert-base-uncased and regions.safetensors",
      ])

    let regions = folder.url.appending(path: "regions.safetensors")
    try Data().write(to: regions)
    for index in suite.methods.indices where ["visualbert", "lxmert"].contains(suite.methods[index].name) {
      suite.methods[index].set = ["settings.regions=\(regions.path)"]
    }
    let whole = try plan(
      suite, cached: models + ["distilbert/distilbert-base-uncased", "unc-nlp/lxmert-base-uncased"])
    #expect(whole.absent.isEmpty && whole.cells.count == 9 * 3 * 5)
    // Eight published methods by two metrics at three numbers of labels.
    #expect(suite.published.count == 8 * 2 * 3)
    for figure in suite.published {
      #expect(whole.cells.count { suite.published(for: $0.place, metric: figure.metric) == figure } == 5, "\(figure)")
    }
    let fusion = try #require(whole.cells.first { $0.place.method == "tib-va" })
    #expect(fusion.recipeName == "tib-va-clip")
    #expect(fusion.recipe.selection == EpochSelection(metric: .mamiB, ties: .latest))
  }

  @Test func theAblationOfMAMIDecaysTheLearningRateAsPublished() throws {
    let cells = try plan(suite("ablation-mami")).cells.prefix(4)
    #expect(cells.allSatisfy { $0.recipeName == "semimemes-clip" })
    let methods = cells.compactMap { $0.recipe.method as? SemiMemes }
    #expect(methods.map(\.usesAutoEncoders) == [true, false, true, false])
    #expect(methods.map(\.loss) == [.distributionBalanced, .distributionBalanced, .crossEntropy, .crossEntropy])
    func decays(_ labelRatio: Double) -> [Double] {
      methods.map { $0.training.stageSettings(labelRatio: labelRatio).learningRateDecay }
    }
    #expect(decays(0.3) == [0.85, 0.85, 0.95, 0.95])
    #expect(decays(0.1) == [0.90, 0.90, 0.97, 0.90])
    #expect(decays(0.05).prefix(3) == [0.93, 0.93, 0.99])
  }

  /// As `run.sh` of Hate-CLIPper's code has it (reference 04 §2 and §4).
  @Test func theCrossFusionIsSetAsItsCodeSetsIt() throws {
    let cells = try plan(suite("semimemes-hateful-memes")).cells
    let cell = try #require(cells.first { $0.place.method == "hate-clipper (cross)" })
    let method = try #require(cell.recipe.method as? HateCLIPper)
    var expected = HateCLIPper.Configuration()
    expected.fusion = .cross
    (expected.mapWidth, expected.preOutputWidth) = (32, 32)
    (expected.mapDropoutRate, expected.fusionDropoutRate, expected.preOutputDropoutRate) = (0.2, 0.4, 0.1)
    #expect(method.network == expected)
    let training = method.training
    #expect(training.batchSize == 16 && training.epochs == 20 && training.gradientClip == 0.1)
    #expect(training.learningRate == 1e-4 && training.weightDecay == 1e-4)
  }
}
