import Encoders
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
  /// The methods that are trained. Of the others what an earlier call finished counts, and no more.
  private let chosenMethods: Set<String>
  /// Paths of the pretrainings that these methods need; all where all methods are trained.
  private let chosenPaths: Set<String>
  /// Datasets that nothing binds to a folder and whose cells, or memes for pretraining, are therefore left out.
  public let unbound: [String]
  /// Methods that are left out, with what of them is not at hand: they are optional in the suite.
  public let absent: [String]
  /// Corpora to draw before anything else: where, and how many memes.
  let drawings: [(folder: URL, memeCount: Int)]

  /// - Parameters:
  ///   - source: the suite's file, which relative paths of datasets, split files and recipes in it start from; those of weights
  ///     start from the working folder. `nil` for a shipped one.
  ///   - bindings: folders of datasets by name.
  ///   - methods: names of the methods that are trained; `nil` for all.
  ///   - device: where all cells and pretrainings compute; `nil` where their recipes say it.
  ///   - skipsUnbound: whether datasets without a folder are left out rather than refused.
  ///   - cache: where models of the hub are looked for that the suite can do without.
  /// - Throws: ``RecipeError`` for a recipe that is wrong, ``TrainingError/invalid(_:)`` for bindings or methods that are.
  public init(
    _ suite: BenchmarkSuite, name: String, source: URL?, bindings: [String: URL], methods: [String]? = nil,
    device: Device? = nil, skipsUnbound: Bool = false, folder: URL, cache: HubCache = HubCache()
  ) throws {
    // The benchmark writes down there what it does: the file would lose its comments and take on what was overridden.
    if let source, source.standardizedFileURL == folder.appending(path: "suite.yaml").standardizedFileURL,
      try String(contentsOf: source, encoding: .utf8) != StrictYAML.text(of: suite)
    {
      throw TrainingError.invalid("\(source.path) would be written over: copy it elsewhere, or give another --output")
    }
    let known = suite.methods.map(\.name)
    if let stray = methods?.first(where: { !known.contains($0) }) {
      throw TrainingError.invalid("the suite has no method '\(stray)'; it has \(known.joined(separator: ", "))")
    }
    let places = try DatasetPlaces(
      suite, bindings: bindings, base: source?.deletingLastPathComponent(), folder: folder, skipsUnbound: skipsUnbound)
    self.suite = suite
    self.name = name
    self.folder = folder
    unbound = places.unbound
    drawings = places.drawings

    let recipes = SuiteRecipes(suite: suite, places: places, device: device, folder: folder, cache: cache)
    let named = try suite.seeds.map { try recipes.pretrainings(seed: $0) }
    pretrainings = named.flatMap(\.all)
    let variants = try suite.methods.flatMap(recipes.variants)
    absent = variants.filter { !$0.missing.isEmpty }.map { variant in
      "\(variant.method.name) from \(variant.missing.joined(separator: " and "))"
    }
    var cells: [BenchmarkCell] = []
    for entry in suite.datasets where !entry.isUnlabelled {
      guard let data = places.path(of: entry) else { continue }
      for (seed, named) in zip(suite.seeds, named) {
        for labels in suite.labels {
          for variant in variants where variant.missing.isEmpty && suite.hasCells(entry, of: variant.method) {
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

    let chosen = Set(methods ?? known)
    if let methods, !cells.contains(where: { chosen.contains($0.place.method) }) {
      let reason =
        absent.isEmpty
        ? "of no dataset that is bound the suite has several tasks to learn together"
        : "not at hand are \(absent.joined(separator: ", "))"
      throw TrainingError.invalid("nothing is left to train of \(methods.joined(separator: ", ")): \(reason)")
    }
    chosenMethods = chosen
    var paths = Set(methods == nil ? pretrainings.map(\.path) : [])
    paths.formUnion(cells.filter { chosen.contains($0.place.method) }.flatMap(\.needs))
    for pretraining in pretrainings.reversed() where paths.contains(pretraining.path) {
      paths.formUnion(pretraining.needs)
    }
    chosenPaths = paths
  }
}

extension BenchmarkPlan {
  /// The cells that are trained unless they are finished.
  public var chosenCells: [BenchmarkCell] { cells.filter { isChosen($0) } }

  /// The pretrainings that are trained unless they are finished.
  var chosenPretrainings: [BenchmarkPretraining] { pretrainings.filter { isChosen($0) } }

  func isChosen(_ cell: BenchmarkCell) -> Bool { chosenMethods.contains(cell.place.method) }

  func isChosen(_ pretraining: BenchmarkPretraining) -> Bool { chosenPaths.contains(pretraining.path) }

  /// How many cells are trained at once unless told otherwise: one a core, but on a GPU one, whose memory they would share.
  public var usualJobs: Int { chosenCells.allSatisfy { $0.recipe.device == .cpu } ? Runtime.threadCount : 1 }
}
