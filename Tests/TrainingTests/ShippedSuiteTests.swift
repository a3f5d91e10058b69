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

  /// Figures of one metric, a row a method with what it starts from, a column a number of labels.
  private struct Figures {
    let suite: String
    let metric: Metric
    let labels: [Double]
    let rows: [String: [Double]]
  }

  /// Typed from the tables of the reference, whose sections are named, and not from the suites.
  private static let published = [
    // 01 §8, README for the first three, table 3 of the slides for the others.
    Figures(
      suite: "semimemes-mami", metric: .mamiB, labels: [0.05, 0.1, 0.3],
      rows: [
        "semimemes": [0.6782, 0.7113, 0.7413], "cmml-clip": [0.6438, 0.6878, 0.7242],
        "tib-va": [0.6392, 0.6886, 0.7104], "cmml": [0.5256, 0.5496, 0.5673], "visualbert": [0.5174, 0.5583, 0.6337],
        "ext-pie": [0.4139, 0.4139, 0.4422], "vilt": [0.5456, 0.5566, 0.6010], "lxmert": [0.5303, 0.5597, 0.6005],
      ]),
    // 01 §8, table 4 of the slides.
    Figures(
      suite: "semimemes-mami", metric: .auroc, labels: [0.05, 0.1, 0.3],
      rows: [
        "semimemes": [0.7989, 0.8145, 0.8310], "cmml-clip": [0.7664, 0.7956, 0.8289],
        "tib-va": [0.7093, 0.7901, 0.8333], "cmml": [0.5647, 0.5794, 0.6234], "visualbert": [0.5604, 0.6119, 0.6825],
        "ext-pie": [0.4761, 0.4833, 0.5043], "vilt": [0.5978, 0.6312, 0.6948], "lxmert": [0.5986, 0.6163, 0.6684],
      ]),
    // 01 §8, table 5 of the slides.
    Figures(
      suite: "ablation-mami", metric: .mamiB, labels: [0.3],
      rows: [
        "semimemes": [0.7433], "without CROM-AE": [0.7365], "without DB loss": [0.7316], "without both": [0.7074],
      ]),
    // 01 §8, README.
    Figures(
      suite: "semimemes-hateful-memes", metric: .auroc, labels: [0.05, 0.1, 0.3],
      rows: ["semimemes": [0.7011, 0.7281, 0.7765], "hate-clipper (cross)": [0.6973, 0.7196, 0.7731]]),
    // 04 §6, table 1, align, one layer before the output, test_seen.
    Figures(suite: "simclip-tasks", metric: .aurocBatched, labels: [1], rows: ["hate-clipper": [0.8546]]),
    // 11 §5.
    Figures(suite: "memotion", metric: .f1Macro, labels: [0.1], rows: ["ext-pie": [0.3565]]),
    // 07 §D.
    Figures(
      suite: "selfsupervised-hateful-memes", metric: .auroc, labels: [1],
      rows: [
        "finetune ResNet-50 at 224 timm/resnet50.a1_in1k": [0.5157], "finetune cass-224:convolutional": [0.5398],
        "finetune dino-resnet50-224": [0.5129], "finetune ResNet-50 at 384 timm/resnet50.a1_in1k": [0.5116],
        "finetune cass-384:convolutional": [0.5405], "finetune dino-resnet50-384": [0.532],
        "finetune ViT-B/16 at 224 timm/vit_base_patch16_224.augreg_in21k_ft_in1k": [0.51293],
        "finetune cass-224:transformer": [0.5196], "finetune dino-vit-224": [0.513],
        "finetune ViT-B/16 at 384 timm/vit_base_patch16_384.augreg_in21k_ft_in1k": [0.5],
        "finetune cass-384:transformer": [0.53386], "finetune dino-vit-384": [0.5002],
        "finetune with texts clip": [0.5761], "finetune with texts cass-mm:transformer": [0.5518],
        "finetune with texts cass-mm:convolutional": [0.5518],
      ]),
    Figures(
      suite: "selfsupervised-hateful-memes", metric: .accuracy, labels: [1],
      rows: [
        "finetune ResNet-50 at 224 timm/resnet50.a1_in1k": [0.5175], "finetune cass-224:convolutional": [0.5435],
        "finetune dino-resnet50-224": [0.5267], "finetune ResNet-50 at 384 timm/resnet50.a1_in1k": [0.511],
        "finetune cass-384:convolutional": [0.5475], "finetune dino-resnet50-384": [0.543],
        "finetune ViT-B/16 at 224 timm/vit_base_patch16_224.augreg_in21k_ft_in1k": [0.5235],
        "finetune cass-224:transformer": [0.5545], "finetune dino-vit-224": [0.5195],
        "finetune ViT-B/16 at 384 timm/vit_base_patch16_384.augreg_in21k_ft_in1k": [0.545],
        "finetune cass-384:transformer": [0.59], "finetune dino-vit-384": [0.624],
        "finetune with texts clip": [0.5915], "finetune with texts cass-mm:transformer": [0.6335],
        "finetune with texts cass-mm:convolutional": [0.5817],
      ]),
  ]

  @Test func publishedFiguresAreThoseOfTheReference() throws {
    let all = try SuiteLibrary.names.flatMap { name in try suite(name).published.map { (suite: name, figure: $0) } }
    for figures in Self.published {
      for (row, values) in figures.rows {
        for (labels, value) in zip(figures.labels, values) {
          let found = all.filter { entry in
            let name = [entry.figure.method, entry.figure.start].compactMap(\.self).joined(separator: " ")
            return entry.suite == figures.suite && entry.figure.metric == figures.metric && name == row
              && entry.figure.labels == labels
          }
          #expect(found.map(\.figure.value) == [value], "\(figures.suite): \(figures.metric), \(row), \(labels)")
        }
      }
    }
    #expect(all.count == Self.published.reduce(0) { $0 + $1.rows.count * $1.labels.count }, "no other figures")
  }

  @Test func theSmallSuitesHaveEveryMethodWithASmallRecipeTheQuickOnesFirst() throws {
    let small = try RecipeLibrary.names.filter { $0.hasSuffix("-lite") && !$0.contains("-without-") }
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
    #expect(try plan(suite).cells.count == 240)
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
