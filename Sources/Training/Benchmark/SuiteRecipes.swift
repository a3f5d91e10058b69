import Encoders
import Foundation
import Methods
import Torch

/// Resolves the recipes of a suite.
struct SuiteRecipes {
  let suite: BenchmarkSuite
  let places: DatasetPlaces
  /// Where everything computes; `nil` where recipes say it.
  let device: Device?
  /// The benchmark's folder.
  let folder: URL
  /// Where models of the hub are looked for.
  let cache: HubCache

  // MARK: Pretrainings

  /// The pretrainings of the suite at a seed, in its order.
  func pretrainings(seed: UInt64) throws -> NamedPretrainings {
    try suite.pretrainings.reduce(into: NamedPretrainings(in: folder)) { named, entry in
      do {
        named.append(try pretraining(entry, seed: seed, above: named))
      } catch let error where error is RecipeError || error is MethodError {
        throw RecipeError(description: "the pretraining '\(entry.name)' of the suite: \(error)")
      }
    }
  }

  private func pretraining(
    _ entry: BenchmarkSuite.Pretraining, seed: UInt64, above: NamedPretrainings
  ) throws -> BenchmarkPretraining {
    let reference = entry.recipe ?? entry.name
    let (name, text) = try source(reference) {
      if let text = try PretrainingLibrary.text(named: reference) { return (reference, text) }
      return ("\(reference)-lite", try PretrainingLibrary.defaultText(method: reference))
    }
    var recipe = try PretrainingRecipe(yaml: text, source: name, overrides: entry.set ?? [])
    let datasets = try datasets(of: entry)
    recipe.data = datasets.map(\.folder.path)
    recipe.seed = seed
    recipe.device = device ?? recipe.device
    if let epochs = suite.pretrainingEpochs, recipe.method.training.epochs > 0 {
      recipe.method.training.epochs = epochs
    }
    let needs = try entry.start.map { try start(&recipe.method, from: $0, above) } ?? []
    if let fault = recipe.method.fault { throw MethodError(fault) }
    return BenchmarkPretraining(
      name: entry.name, seed: seed, recipe: recipe, recipeName: name, datasets: datasets.map(\.name), needs: needs)
  }

  /// What a pretraining learns from, without what no folder is bound to; the first must be there, for its labels are looked
  /// at.
  private func datasets(of entry: BenchmarkSuite.Pretraining) throws -> [(name: String, folder: URL)] {
    let all = suite.datasets.reduce(into: [BenchmarkSuite.Entry]()) { unique, entry in
      if !unique.contains(where: { $0.name == entry.name }) { unique.append(entry) }
    }
    let chosen = entry.datasets.map { names in names.compactMap { name in all.first { $0.name == name } } } ?? all
    guard places.path(of: chosen[0]) != nil else {
      throw RecipeError(
        description: "it learns from '\(chosen[0].name)' first, which has no folder: give --data \(chosen[0].name)=PATH"
      )
    }
    return chosen.compactMap { dataset in places.path(of: dataset).map { (dataset.name, $0) } }
  }

  /// Lets the networks of a method start from what a suite names, and returns the paths of the pretrainings among it.
  private func start(
    _ method: inout any PretrainingMethod, from names: String, _ named: NamedPretrainings
  ) throws -> [String] {
    try method.start(
      from: names.split(separator: ",", omittingEmptySubsequences: false).map { InitialWeights(named: String($0)) })
    var needs: [String] = []
    for (index, backbone) in method.backbones.enumerated() {
      guard let name = backbone.weights.model, let found = try named.weights(name, for: backbone.name) else { continue }
      method.backbones[index].weights = found.weights
      if !names.contains(",") { method.startTexts(from: found.networks, of: found.weights) }
      if !needs.contains(found.path) { needs.append(found.path) }
    }
    return needs
  }

  // MARK: Cells

  /// A method on an encoder from a starting point.
  struct Variant {
    let method: BenchmarkSuite.Method
    let encoder: String
    let start: String?
    let recipeName: String
    /// Without anything that depends on dataset, labels or seed.
    let recipe: Recipe
    /// What it needs and this machine has not, where the suite can do without it: it is left out then.
    let missing: [String]
  }

  /// A method on each of its encoders from each of its starting points.
  func variants(of method: BenchmarkSuite.Method) throws -> [Variant] {
    try (method.encoders ?? suite.encoders).flatMap { encoder in
      let (name, recipe) = try self.recipe(of: method, encoder: encoder)
      let starts = method.starts.map { $0.map(Optional.some) } ?? [nil]
      return try starts.map { start -> Variant in
        let needed = needs(of: recipe.method, startingFrom: start)
        guard method.optional != true || method.starts != nil || !needed.isEmpty else {
          throw RecipeError(
            description: "the method '\(method.name)' of the suite is optional, and neither init nor its recipe names "
              + "what could be missing: a model of the hub, or a file of weights or of a detector")
        }
        return Variant(
          method: method, encoder: encoder, start: start, recipeName: name, recipe: recipe,
          missing: method.optional == true ? needed.filter { !$0.isThere }.map(\.name) : [])
      }
    }
  }

  /// What a method needs beside the suite's datasets, encoders and pretrainings: models of the hub, and files of weights and
  /// of a detector.
  private func needs(
    of method: any Method, startingFrom start: String?
  ) -> [(name: String, isThere: Bool)] {
    var weights = method.initialWeights
    if let start, var tuned = method as? FineTune {
      tuned.backbone.weights = InitialWeights(named: start)
      weights = tuned.initialWeights
    }
    let models = weights.compactMap(\.model).filter { $0.contains("/") && PretrainedRunName($0) == nil }
    let files = FileManager.default
    var needs = models.map { model in
      let file = EncoderCatalog.weightFile(named: model)
      let isThere = file.map { files.fileExists(atPath: $0.path) } ?? ((try? cache.folder(of: model)) != nil)
      return (name: model, isThere: isThere)
    }
    if case .file(let regions) = method.request.regions {
      needs.append((regions.relativePath, files.fileExists(atPath: regions.path)))
    }
    return needs
  }

  /// The recipe that a method is trained by on an encoder.
  private func recipe(of method: BenchmarkSuite.Method, encoder: String) throws -> (name: String, recipe: Recipe) {
    let reference = method.recipe ?? method.name
    let (name, text) = try source(reference) {
      let isRecipe = try RecipeLibrary.names.contains(reference)
      let name =
        try isRecipe
        ? reference
        : RecipeLibrary.defaultName(
          method: reference, encoder: encoder, pretrainings: suite.pretrainings.map(\.name))
      return (name, try RecipeLibrary.text(named: name))
    }
    do {
      var recipe = try Recipe(yaml: text, source: name, overrides: method.set ?? [])
      recipe.splitFile = recipe.splitFile.map {
        URL(fileURLWithPath: $0, relativeTo: places.base).standardizedFileURL.path
      }
      guard method.starts == nil || recipe.method is FineTune else {
        throw RecipeError(description: "init is for \(FineTune.name), not for \(recipe.methodName)")
      }
      guard method.together != true || type(of: recipe.method).learnsSeveralTasks else {
        throw RecipeError(
          description: "together is for \(MethodCatalog.learnersOfSeveralTasks), not for \(recipe.methodName)")
      }
      return (name, recipe)
    } catch let error as RecipeError {
      throw RecipeError(description: "the method '\(method.name)' of the suite: \(error)")
    }
  }

  /// The text of a recipe with its name: of a file beside the suite, or of the library.
  private func source(
    _ reference: String, library: () throws -> (name: String, text: String)
  ) throws -> (name: String, text: String) {
    guard RecipeLibrary.isFile(reference) else { return try library() }
    let file = URL(fileURLWithPath: reference, relativeTo: places.base)
    return (reference, try String(contentsOf: file, encoding: .utf8))
  }

  /// A variant on a dataset, at a number of labels and a seed.
  func cell(
    _ variant: Variant, on entry: BenchmarkSuite.Entry, data: URL, labels: Double, seed: UInt64,
    pretrainings: NamedPretrainings
  ) throws -> BenchmarkCell {
    let further = variant.method.together == true ? suite.furtherTasks(of: entry) : []
    let encoder = try pretrainings.encoder(variant.encoder)
    var recipe = variant.recipe
    recipe.data = data.path
    // Runs are scored on the first of their tasks.
    recipe.task = entry.task.map { ([$0] + further).joined(separator: ",") }
    recipe.encoder = encoder.model
    recipe.labels = labels
    recipe.seed = seed
    recipe.device = device ?? recipe.device
    let start = try variant.start.map { try self.start(&recipe, from: $0, pretrainings) }
    return BenchmarkCell(
      place: .init(
        dataset: entry.name, task: entry.task, method: variant.method.name, encoder: encoder.label,
        start: start?.label, labels: labels, seed: seed),
      recipe: recipe, recipeName: variant.recipeName, needs: encoder.needs + (start?.needs ?? []))
  }

  /// Lets the network of a recipe start from what a suite names, and returns how tables name that.
  private func start(
    _ recipe: inout Recipe, from name: String, _ pretrainings: NamedPretrainings
  ) throws -> (label: String, needs: [String]) {
    guard var method = recipe.method as? FineTune else {
      preconditionFailure("\(recipe.methodName) starts from nothing")
    }
    let choice = try pretrainings.choice(name)
    if let choice {
      method.start(from: choice.network, of: InitialWeights(model: choice.model))
    } else if let run = PretrainedRunName(name) {
      method.start(from: try run.firstNetwork, of: InitialWeights(model: run.absolute))
    } else {
      method.backbone.weights = InitialWeights(named: name)
    }
    if let fault = method.fault { throw RecipeError(description: "\(recipe.methodName) from '\(name)': \(fault)") }
    recipe.method = method
    return (choice?.label ?? name, choice.map { [$0.pretraining.path] } ?? [])
  }
}
