import Foundation
import MemeData
import Torch

/// A suite made concrete: every cell with its complete recipe, checked before anything is trained.
public struct BenchmarkPlan: Sendable {
  public let suite: BenchmarkSuite
  /// The suite's name: that of a shipped one, or of its file.
  public let name: String
  /// The folder of everything that the benchmark writes.
  public let folder: URL
  /// All cells, seed by seed, so that every method has a first score early.
  public let cells: [BenchmarkCell]
  /// Datasets that nothing binds to a folder and whose cells are therefore left out.
  public let unbound: [String]
  /// Corpora to draw before anything else: where, and how many memes.
  let drawings: [(folder: URL, memeCount: Int)]

  /// - Parameters:
  ///   - source: the suite's file, which relative paths in it start from; `nil` for a shipped one.
  ///   - bindings: folders of datasets by name.
  ///   - device: where all cells compute; `nil` where their recipes say it.
  ///   - skipsUnbound: whether datasets without a folder are left out rather than refused.
  /// - Throws: ``RecipeError`` for a recipe that is wrong, ``TrainingError/invalid(_:)`` for bindings that are.
  public init(
    _ suite: BenchmarkSuite, name: String, source: URL?, bindings: [String: URL], device: Device? = nil,
    skipsUnbound: Bool = false, folder: URL
  ) throws {
    let names = suite.datasets.map(\.name)
    if let stray = bindings.keys.sorted().first(where: { !names.contains($0) }) {
      throw TrainingError.invalid(
        "the suite has no dataset '\(stray)' for --data \(stray)=…; it has \(Self.list(names))")
    }
    let base = source?.deletingLastPathComponent()
    func path(of entry: BenchmarkSuite.Entry) -> URL? {
      if let bound = bindings[entry.name] { return bound }
      if let count = entry.draw { return folder.appending(path: "corpora/drawn-\(count)") }
      return entry.data.map { URL(fileURLWithPath: $0, relativeTo: base).standardizedFileURL }
    }
    let unbound = suite.datasets.filter { path(of: $0) == nil }.map(\.name)
    guard unbound.isEmpty || (skipsUnbound && unbound.count < suite.datasets.count) else {
      throw TrainingError.invalid(
        "the suite does not say where \(Self.list(unbound)) lies: give "
          + Set(unbound).sorted().map { "--data \($0)=PATH" }.joined(separator: " ")
          + (unbound.count < suite.datasets.count ? ", or --skip-unbound to go without" : ""))
    }
    self.suite = suite
    self.name = name
    self.folder = folder
    self.unbound = Set(unbound).sorted()
    drawings = suite.datasets.compactMap { entry in
      bindings[entry.name] == nil ? entry.draw.map { (folder.appending(path: "corpora/drawn-\($0)"), $0) } : nil
    }

    var cells: [BenchmarkCell] = []
    for entry in suite.datasets {
      guard let data = path(of: entry) else { continue }
      let variants = try suite.methods.flatMap { method in
        try (method.encoders ?? suite.encoders).map { encoder in
          (method.name, try Self.recipe(of: method, encoder: encoder, base: base))
        }
      }
      for seed in suite.seeds {
        for labels in suite.labels {
          for (method, (recipeName, recipe)) in variants {
            var resolved = recipe
            resolved.data = data.path
            resolved.task = entry.task
            resolved.labels = labels
            resolved.seed = seed
            resolved.device = device ?? recipe.device
            cells.append(
              BenchmarkCell(
                place: .init(
                  dataset: entry.name, task: entry.task, method: method, encoder: recipe.encoder, labels: labels,
                  seed: seed),
                recipe: resolved, recipeName: recipeName))
          }
        }
      }
    }
    if let (path, same) = Dictionary(grouping: cells, by: \.path).first(where: { $1.count > 1 }) {
      throw RecipeError(
        description: "'\(same[0].place)' and '\(same[1].place)' would both lie in \(path); name them differently")
    }
    self.cells = cells
  }

  private static func list(_ names: [String]) -> String {
    Set(names).sorted().map { "'\($0)'" }.joined(separator: ", ")
  }

  /// The recipe that a method is trained by on an encoder.
  private static func recipe(
    of method: BenchmarkSuite.Method, encoder: String, base: URL?
  ) throws -> (name: String, recipe: Recipe) {
    let reference = method.recipe ?? method.name
    let name: String
    let text: String
    if reference.hasSuffix(".yaml") || reference.contains("/") {
      let file = URL(fileURLWithPath: reference, relativeTo: base)
      (name, text) = (reference, try String(contentsOf: file, encoding: .utf8))
    } else {
      let isRecipe = try RecipeLibrary.names.contains(reference)
      name = try isRecipe ? reference : RecipeLibrary.defaultName(method: reference, encoder: encoder)
      text = try RecipeLibrary.text(named: name)
    }
    do {
      var recipe = try Recipe(yaml: text, source: name, overrides: method.set ?? [])
      recipe.encoder = encoder
      recipe.splitFile = recipe.splitFile.map { URL(fileURLWithPath: $0, relativeTo: base).standardizedFileURL.path }
      return (name, recipe)
    } catch let error as RecipeError {
      throw RecipeError(description: "the method '\(method.name)' of the suite: \(error)")
    }
  }
}
