import Checkpoints
import Foundation

/// The folder of a run: `recipe.yaml`, `checkpoints/` until the run is complete, and what it leaves.
struct RunFolder {
  let url: URL
  /// The resolved recipe.
  let recipe: String

  var checkpoints: URL { url.appending(path: "checkpoints") }
  private var recipeFile: URL { url.appending(path: "recipe.yaml") }
  private var metricsFile: URL { url.appending(path: "metrics.json") }

  /// Refuses a folder that holds something else, before any long work.
  func check(resumes: Bool) throws {
    let files = FileManager.default
    guard files.fileExists(atPath: url.path) else { return }
    let contents = Set(try files.contentsOfDirectory(atPath: url.path))
    // A run killed before its recipe was written has nothing to go on from; anything else here is not ours.
    let isOurs = contents.contains("recipe.yaml") || contents.isSubset(of: ["checkpoints", "recipe.yaml.partial"])
    guard contents.isEmpty || (resumes && isOurs) else { throw TrainingError.outputExists(url) }
    if let earlier = files.contents(atPath: recipeFile.path), earlier != Data(recipe.utf8) {
      throw TrainingError.recipeChanged(url)
    }
  }

  /// Begins a run, or goes on with one.
  ///
  /// - Parameters:
  ///   - rows: a digest of the dataset's rows: where others are learned from and scored than those that the run was begun
  ///     with, what was test meme then may have been learned from.
  ///   - files: one of the files that the recipe names, see ``NamedFiles``: what is frozen is read from them anew.
  func prepare(rows: String, files: String) throws {
    try FileManager.default.createDirectory(at: checkpoints, withIntermediateDirectories: true)
    try require(rows, in: "rows.sha256", orThrow: .dataChanged(url))
    try require(files, in: "files.sha256", orThrow: .filesChanged(url))
    try writeAtomically(Data(recipe.utf8), to: recipeFile)
  }

  /// Writes down what a run is begun with, or refuses to go on with something else.
  private func require(_ digest: String, in name: String, orThrow error: TrainingError) throws {
    let file = checkpoints.appending(path: name)
    if let earlier = FileManager.default.contents(atPath: file.path), earlier != Data(digest.utf8) { throw error }
    try writeAtomically(Data(digest.utf8), to: file)
  }

  /// Writes what the run measured.
  func write(metrics: some Encodable) throws { try writeAtomically(JSON.pretty(metrics), to: metricsFile) }

  /// What a complete run measured; `nil` for one that is not complete.
  func finishedMetrics() throws -> Data? {
    let files = FileManager.default
    guard files.fileExists(atPath: metricsFile.path), !files.fileExists(atPath: checkpoints.path) else { return nil }
    return try Data(contentsOf: metricsFile)
  }

  /// Declares the run complete, as it may already be: its checkpoints are no longer needed.
  func finish() throws {
    guard FileManager.default.fileExists(atPath: checkpoints.path) else { return }
    try FileManager.default.removeItem(at: checkpoints)
  }
}
