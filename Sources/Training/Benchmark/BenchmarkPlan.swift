import Foundation
import Torch

/// A suite made concrete: every cell and every pretraining with its complete recipe, checked before anything is trained.
public struct BenchmarkPlan: Sendable {
  public let suite: BenchmarkSuite
  /// The suite's name: that of a shipped one, or of its file.
  public let name: String
  /// The folder of everything that the benchmark writes.
  public let folder: URL
  /// All cells, seed by seed, so that every method has a first score early.
  public let cells: [BenchmarkCell]
  /// What is trained before cells that need it, seed by seed; none comes before one that it starts from.
  public let pretrainings: [BenchmarkPretraining]
  /// Datasets that nothing binds to a folder and whose cells, or memes for pretraining, are therefore left out.
  public let unbound: [String]
  /// Methods with what they would start from, which the hub's cache has not and the suite can do without.
  public let absent: [String]
  /// Corpora to draw before anything else: where, and how many memes.
  let drawings: [(folder: URL, memeCount: Int)]

  /// - Parameters:
  ///   - source: the suite's file, which relative paths in it start from; `nil` for a shipped one.
  ///   - bindings: folders of datasets by name.
  ///   - device: where all cells and pretrainings compute; `nil` where their recipes say it.
  ///   - skipsUnbound: whether datasets without a folder are left out rather than refused.
  /// - Throws: ``RecipeError`` for a recipe that is wrong, ``TrainingError/invalid(_:)`` for bindings that are.
  public init(
    _ suite: BenchmarkSuite, name: String, source: URL?, bindings: [String: URL], device: Device? = nil,
    skipsUnbound: Bool = false, folder: URL
  ) throws {
    // The benchmark writes down there what it does: the file would lose its comments and take on what was overridden.
    if let source, source.standardizedFileURL == folder.appending(path: "suite.yaml").standardizedFileURL,
      try String(contentsOf: source, encoding: .utf8) != StrictYAML.text(of: suite)
    {
      throw TrainingError.invalid("\(source.path) would be written over: copy it elsewhere, or give another --output")
    }
    let places = try DatasetPlaces(
      suite, bindings: bindings, base: source?.deletingLastPathComponent(), folder: folder, skipsUnbound: skipsUnbound)
    self.suite = suite
    self.name = name
    self.folder = folder
    unbound = places.unbound
    drawings = places.drawings

    let recipes = SuiteRecipes(suite: suite, places: places, device: device, folder: folder)
    let named = try suite.seeds.map { try recipes.pretrainings(seed: $0) }
    pretrainings = named.flatMap(\.all)
    let variants = try suite.methods.flatMap(recipes.variants)
    absent = variants.filter(\.isAbsent).map { "\($0.method.name) from \($0.start ?? "")" }
    var cells: [BenchmarkCell] = []
    for entry in suite.datasets where !entry.isUnlabelled {
      guard let data = places.path(of: entry) else { continue }
      for (seed, named) in zip(suite.seeds, named) {
        for labels in suite.labels {
          for variant in variants where !variant.isAbsent {
            cells.append(
              try recipes.cell(variant, on: entry, data: data, labels: labels, seed: seed, pretrainings: named))
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
}
