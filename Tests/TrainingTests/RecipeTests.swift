import Foundation
import Testing

@testable import Methods
@testable import Metrics
@testable import Training

@Suite struct RecipeTests {
  private func text(_ name: String = "semimemes-lite") throws -> String { try RecipeLibrary.text(named: name) }

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
    #expect(message(try text(), ["precision=float8"]).contains("precision"))
  }
}
