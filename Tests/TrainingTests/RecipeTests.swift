import Foundation
import Networks
import Testing

@testable import Methods
@testable import Metrics
@testable import Training

@Suite struct RecipeTests {
  private func text(_ name: String = "semimemes-lite") throws -> String { try RecipeLibrary.text(named: name) }

  private func published(_ name: String) throws -> Recipe { try Recipe(yaml: text(name), source: name) }

  private func message(_ yaml: String, _ overrides: [String] = []) -> String {
    do {
      _ = try Recipe(yaml: yaml, source: "mine.yaml", overrides: overrides)
      return "accepted"
    } catch {
      return "\(error)"
    }
  }

  @Test func everyShippedRecipeIsCompleteAndComesBackFromItsOwnText() throws {
    let names = try RecipeLibrary.names
    #expect(names.count >= 6)
    for name in names {
      let recipe = try Recipe(yaml: text(name), source: name)
      let again = try Recipe(yaml: recipe.yaml, source: name)
      #expect(try again.yaml == recipe.yaml)
      #expect(name.hasPrefix(recipe.methodName))
    }
  }

  @Test func theRecipesForCLIPHaveThePublishedSettings() throws {
    let recipe = try Recipe(yaml: text("semimemes-clip"), source: "")
    #expect(recipe.method as? SemiMemes == SemiMemes())
    #expect(recipe.textCleaning == .semiMemes)
    let second = try Recipe(yaml: text("cmml-clip-clip"), source: "")
    #expect(second.method as? CMML == CMML())
    #expect(second.textCleaning == .semiMemes && second.encoder == recipe.encoder)
    let third = try Recipe(yaml: text("tib-va-clip"), source: "")
    #expect(third.method as? TIBVA == TIBVA())
    #expect(third.textCleaning == .semiMemes && third.encoder == recipe.encoder)
  }

  /// What references 12 to 14 say of how networks on words and pictures are trained.
  @Test func thePublishedNetworksOnWordsAndPicturesHaveThePublishedSettings() throws {
    let sizes = [768, 12, 12, 3072]
    for name in ["vilt-published", "visualbert-published", "lxmert-published"] {
      let recipe = try published(name)
      #expect(recipe.selection == EpochSelection(metric: .f1Macro) && recipe.textCleaning == .none, "\(name)")
      #expect(recipe.labels == 0.05 && recipe.precision == .float32)
    }

    let viLT = try #require(published("vilt-published").method as? ViLT)
    #expect(viLT.training == NetworkTraining(epochs: 50, batchSize: 12, learningRate: 1e-5))
    let network = viLT.network
    #expect([network.width, network.layerCount, network.headCount, network.innerWidth] == sizes)
    #expect([network.pictureSide, network.patch, network.textLength] == [384, 32, 40] && network.dropoutRate == 0)
    #expect(viLT.weights.model == "dandelin/vilt-b32-mlm" && viLT.augmentation == .none)
    #expect(viLT.classWeights == .none && viLT.fineTuning == FineTuning())

    let visualBERT = try #require(published("visualbert-published").method as? VisualBERT)
    #expect(visualBERT.training == NetworkTraining(epochs: 5, batchSize: 64, learningRate: 2e-5))
    let bert = visualBERT.network
    #expect([bert.width, bert.layerCount, bert.headCount, bert.innerWidth, bert.textLength] == sizes + [128])
    #expect(bert.dropoutRate == 0.1 && visualBERT.head.hidden == 128 && visualBERT.head.dropoutRate == 0.3)
    #expect(visualBERT.weights.model == "uclanlp/visualbert-vqa-coco-pre" && visualBERT.classWeights == .none)
    #expect(visualBERT.fineTuning == FineTuning() && visualBERT.regions != RegionSetting(.grid))

    let lxmert = try #require(published("lxmert-published").method as? LXMERT)
    #expect(lxmert.training == NetworkTraining(epochs: 5, batchSize: 64, learningRate: 2e-5))
    let streams = lxmert.network
    let layers: [Int] = [streams.textLayerCount, streams.regionLayerCount, streams.crossLayerCount]
    #expect(layers == [9, 5, 5])
    let widths: [Int] = [streams.width, streams.headCount, streams.innerWidth, streams.textLength]
    #expect(widths == [768, 12, 3072, 32])
    #expect(streams.dropoutRate == 0.1 && lxmert.head.hidden == 128 && lxmert.head.dropoutRate == 0.3)
    #expect(lxmert.weights.model == "unc-nlp/lxmert-base-uncased" && lxmert.classWeights == .none)
    #expect(lxmert.fineTuning == FineTuning() && lxmert.regions != RegionSetting(.grid))
  }

  /// What references 02, 06 and 11 say, or the header where they leave it open.
  @Test func thePublishedRecipesOfTwoTrunksHaveThePublishedSettings() throws {
    let pie = try #require(published("ext-pie-published").method as? ExtPIE)
    #expect(try published("ext-pie-published").selection == EpochSelection(metric: .f1Macro))
    let pretraining = pie.pretraining
    #expect([pretraining.imageWeight, pretraining.textWeight, pretraining.viewWeight] == [0.2, 0.2, 0.6])
    #expect(pretraining.margin == 0 && pretraining.temperature == 0.07 && pretraining.augmentation == .crop)
    #expect([pretraining.imageRate, pretraining.textRate] == [1, 1] && pretraining.constantEpochs == 10)
    #expect(
      pretraining.training
        == StageSettings(epochs: 100, batchSize: 32, learningRate: 1e-4, learningRateDecay: 1, weightDecay: 1e-4))
    #expect(
      pie.training
        == StageSettings(epochs: 100, batchSize: 32, learningRate: 4e-5, learningRateDecay: 1, weightDecay: 1e-4))
    #expect(pie.pictureSide == 224 && pie.embeddingWidth == 512 && pie.fusion == .selfAttention)
    #expect(pie.text.architecture == TextArchitecture() && pie.text.architecture.textLength == 100)
    #expect(pie.text.architecture.width == 768 && pie.text.architecture.layerCount == 6 && pie.classWeights == .none)
    #expect(pie.imageWeights.model == "timm/resnet18.tv_in1k")
    #expect(pie.text.weights.model == "distilbert/distilbert-base-uncased")

    let origin = try published("cmml-published")
    #expect(origin.selection == nil && origin.textCleaning == .semiMemes)
    let cmml = try #require(origin.method as? CMMLOrigin)
    let sizes: [Int] = [cmml.pictureSide, cmml.vocabularySize, cmml.textHidden, cmml.hidden]
    #expect(sizes == [256, 3000, 384, 256])
    #expect(cmml.fusedWeight == 2 && cmml.diversityWeight == 0 && cmml.consistencyWeight == 1)
    #expect(cmml.consistencyThreshold == 1.003 && cmml.decayInterval == 500 && cmml.augmentation == .none)
    #expect(cmml.weights.model == "timm/resnet18.tv_in1k")
    for labels in [0.05, 0.3] {
      #expect(
        cmml.training.stageSettings(labelRatio: labels)
          == StageSettings(epochs: 50, batchSize: 40, learningRate: 1e-4, learningRateDecay: 0.85, weightDecay: 1e-4))
    }

    let sentiment = try published("bert-resnet18-published")
    #expect(sentiment.encoder == "timm/resnet18.tv_in1k,google-bert/bert-base-uncased+cls+128")
    #expect(sentiment.labels == 1 && sentiment.selection == nil && sentiment.textCleaning == .none)
    let paths = try #require(sentiment.method as? BertResNet18)
    #expect(paths.scaling == .none && paths.classWeights == .none && paths.network.dropoutRate == 0.3)
    #expect(paths.network.pathWidth == 256 && paths.network.fusedWidth == 128)
    #expect(
      paths.training
        == StageSettings(epochs: 10, batchSize: 32, learningRate: 1e-3, learningRateDecay: 1, weightDecay: 0))
  }

  /// Recipes of runs from before there were keys for the optimizer still say what they said.
  @Test func recipesWithoutTheLaterKeysOfTrainingAreRead() throws {
    func older(_ name: String, without keys: [String]) throws -> Recipe {
      var lines = try text(name).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      for key in keys {
        let count = lines.count
        lines.removeAll { $0.trimmingCharacters(in: .whitespaces).hasPrefix("\(key):") }
        #expect(lines.count == count - 1, "\(name) has no single \(key)")
      }
      return try Recipe(yaml: lines.joined(separator: "\n"), source: name)
    }
    for method in [ViLT.name, VisualBERT.name, LXMERT.name] {
      for name in ["\(method)-lite", "\(method)-published"] {
        let recipe = try older(name, without: ["rule", "beta2", "warm_up", "falls_to_zero", "gradient_clip"])
        #expect(try recipe.yaml == Recipe(yaml: text(name), source: name).yaml)
      }
    }
    let recipe = try older("ext-pie-published", without: ["image_rate", "text_rate", "constant_epochs"])
    let pretraining = try #require(recipe.method as? ExtPIE).pretraining
    #expect(pretraining.constantEpochs == 100 && pretraining.imageRate == 1 && pretraining.textRate == 1)
    #expect((0..<100).allSatisfy { pretraining.share(ofEpoch: $0, batchCount: 7) == 1 })
    #expect(message(try text("vilt-lite"), ["settings.training.rule=adagrad"]).contains("settings.training.rule"))
    #expect(message(try text("vilt-lite"), ["settings.training.beta2=1"]).contains("training.beta2 is 1.0"))
  }

  @Test func epochsAreChosenAsTheReferencesDo() throws {
    func selection(_ name: String) throws -> EpochSelection? { try Recipe(yaml: text(name), source: "").selection }
    #expect(try selection("hate-clipper-clip") == EpochSelection(metric: .auroc))
    #expect(try selection("simclip-clip") == EpochSelection(metric: .f1Macro))
    #expect(try selection("tib-va-clip") == EpochSelection(metric: .mamiA, ties: .latest))
    #expect(try selection("cmml-clip-clip") == nil)
    let linear = try text("logistic-regression-lite")
    #expect(message(linear, ["selection={metric: auroc, ties: earliest}"]).contains("must be null"))
    #expect(message(try text("tib-va-clip"), ["selection.metric=aurok"]).contains("selection.metric"))
    #expect(message(try text("tib-va-clip").replacing("selection:", with: "selektion:")).contains("'selection'"))
  }

  @Test func aCalibrationMayBeLeftOutAndIsCheckedWhereItStands() throws {
    let plain = try Recipe(yaml: text(), source: "")
    #expect(try plain.calibration == nil && !plain.yaml.contains("calibration"))
    let calibrated = try Recipe(yaml: text(), source: "", overrides: ["calibration={threshold: f1_macro, folds: 4}"])
    #expect(calibrated.calibration == .init(threshold: .f1Macro, folds: 4))
    #expect(try Recipe(yaml: calibrated.yaml, source: "").calibration == calibrated.calibration)
    let bare = try Recipe(yaml: text(), source: "", overrides: ["calibration={threshold: null, folds: 5}"])
    #expect(try Recipe(yaml: bare.yaml, source: "").calibration == .init(threshold: nil))
    let wrong = message(try text(), ["calibration={threshold: auroc, folds: 5}"])
    #expect(wrong.contains("one of f1, f1_macro, mami_a, accuracy, not by auroc"), "\(wrong)")
    let mistyped = message(try text(), ["calibration={threshold: f1, folds: 5, fold: 3}"])
    #expect(mistyped.contains("unknown key 'calibration.fold'. Did you mean 'folds'?"), "\(mistyped)")
    #expect(message(try text(), ["calibrasion={threshold: f1, folds: 5}"]).contains("there is no key 'calibrasion'"))
  }

  @Test func everyMethodHasADefaultRecipe() throws {
    for type in MethodCatalog.all {
      let name = try RecipeLibrary.defaultName(method: type.name, encoder: "lite")
      #expect(try Recipe(yaml: text(name), source: name).methodName == type.name)
    }
    #expect(try RecipeLibrary.defaultName(method: "semimemes", encoder: "other") == "semimemes-clip")
    #expect(throws: RecipeError.self) { try RecipeLibrary.defaultName(method: "none", encoder: "lite") }
    // What a pretraining left is not like CLIP's features.
    let run = try TemporaryFolder()
    try Data("{}".utf8).write(to: run.url.appending(path: "encoder.json"))
    for encoder in [run.url.path, "\(run.url.path):teacher", "\(run.url.path),lite", "lite,\(run.url.path)+fast"] {
      #expect(try RecipeLibrary.defaultName(method: "semimemes", encoder: encoder) == "semimemes-lite")
    }
  }

  @Test func aLinearModelReadsBothWhereItsRecipeDoesNotSay() throws {
    let linear = try text("logistic-regression-lite")
    #expect(linear.contains("  reads: both\n"))
    let older = try Recipe(yaml: linear.replacing("  reads: both\n", with: ""), source: "")
    #expect(try older.yaml == Recipe(yaml: linear, source: "").yaml)
    let probe = try Recipe(yaml: linear, source: "", overrides: ["settings.reads=image"])
    #expect((probe.method as? LogisticRegression)?.reads == .image)
    #expect(message(linear, ["settings.reads=picture"]).contains("settings.reads"))
  }

  /// What is written like no value names no file.
  @Test(arguments: ["null", "\"\""]) func filesHaveNames(_ nothing: String) throws {
    let visualBERT = try text("visualbert-lite")
    #expect(message(visualBERT, ["settings.regions=\(nothing)"]).contains("expected grid, or a detector's file"))
    #expect(message(visualBERT, ["settings.weights=\(nothing)"]).contains("expected random, lite, a model of the hub"))
  }

  @Test func unknownKeysAreNamedWithLineAndSuggestion() throws {
    let lines = try text().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let row = lines.firstIndex { $0.contains("dropout_rate") }!
    var changed = lines
    changed.insert("    dropout_rat: 0.3", at: row + 1)
    let found = message(changed.joined(separator: "\n"))
    #expect(
      found == "mine.yaml: line \(row + 2): unknown key 'settings.head.dropout_rat'. Did you mean 'dropout_rate'?")
    #expect(message("wibble: 1\n" + lines.joined(separator: "\n")).contains("unknown key 'wibble'. Known here: "))
  }

  @Test func keysThatMayBeLeftOutMayStandAtTheirDefaults() throws {
    for line in ["device: cpu", "calibration: null", "read_texts: null", "split_file: null"] {
      #expect(try Recipe(yaml: "\(line)\n\(text())", source: "").yaml == Recipe(yaml: text(), source: "").yaml)
    }
    #expect(message("devise: cpu\n\(try text())").contains("unknown key 'devise'"))
  }

  @Test func missingKeysAndWrongTypesAreNamed() throws {
    let yaml = try text()
    #expect(message(yaml.replacing("    hidden: 256\n", with: "")).contains("'settings.head.hidden' is missing"))
    #expect(message(yaml.replacing("seed: 42\n", with: "")).contains("the key 'seed' is missing"))
    #expect(message(yaml.replacing("data: null\n", with: "")).contains("the key 'data' is missing"))
    let mistyped = message(yaml.replacing("    hidden: 256", with: "    hidden: many"))
    #expect(mistyped.contains("settings.head.hidden"), "\(mistyped)")
    #expect(message(yaml.replacing("method: semimemes", with: "method: magic")).contains("there is no method 'magic'"))
    #expect(message(yaml.replacing("labels: 0.05\nsampling", with: "labels: 0\nsampling")).contains("above 0"))
    #expect(message("- a\n- b").contains("mapping"))
    #expect(message("a: [").hasPrefix("mine.yaml: "))
  }

  @Test func overridesReplaceFieldsAndNameUnknownOnes() throws {
    let recipe = try Recipe(
      yaml: text(), source: "",
      overrides: ["settings.head.hidden=64", "precision=bfloat16", "settings.loss=cross_entropy"])
    let method = try #require(recipe.method as? SemiMemes)
    #expect(method.head.hidden == 64 && method.loss == .crossEntropy && recipe.precision == .bfloat16)
    #expect(
      message(try text(), ["settings.head.hiden=64"])
        == "--set settings.head.hiden=64: there is no key 'hiden' in the recipe. Did you mean 'hidden'?")
    #expect(message(try text(), ["nonsense"]).contains("key.path=value"))
    // Not on a line of the file.
    #expect(message(try text(), ["precision=float8"]).hasPrefix("mine.yaml: 'precision': "))
    #expect(
      message(try text(), ["calibration={threshold: f1, folds: 5, fold: 3}"])
        == "mine.yaml: unknown key 'calibration.fold'. Did you mean 'folds'?")
  }
}
