import Crypto
import Encoders
import Foundation
import MemeData
import Methods

/// Files outside a benchmark that recipes name beside their datasets: what is learned changes with their bytes, not with their
/// names.
extension BenchmarkRun {
  /// Digests of the runs of pretraining that features or weights are taken of, of files of weights, and of a detector's
  /// regions; `nil` where a recipe names none. The benchmark's own pretrainings are not among them.
  func digest(ofFilesNamedBy recipe: Recipe) throws -> String? {
    var names = EncoderCatalog.sides(of: recipe.encoder)
    // Networks for pictures and for texts may be of one run.
    for model in recipe.method.initialWeights.compactMap(\.model) where !names.contains(model) { names.append(model) }
    var files = try self.files(of: names)
    if case .file(let regions) = recipe.method.request.regions { files.append(regions) }
    return try digest(of: files)
  }

  /// Digests of the runs and files of weights that a pretraining's networks start from; `nil` where they start from none.
  func digest(ofFilesNamedBy recipe: PretrainingRecipe) throws -> String? {
    try digest(of: files(of: recipe.method.backbones.compactMap(\.weights.model)))
  }

  /// The files of runs outside the benchmark, and of weights, among what encoders and weights are called.
  private func files(of names: [String]) throws -> [URL] {
    let own = plan.folder.standardizedFileURL.path + "/"
    return try names.flatMap { name -> [URL] in
      if let run = PretrainedRunName(name) { return try run.folder.path.hasPrefix(own) ? [] : run.files }
      return [EncoderCatalog.weightFile(named: name)].compactMap(\.self)
    }
  }

  private func digest(of files: [URL]) throws -> String? {
    guard !files.isEmpty else { return nil }
    return try files.map { try digest(of: $0) { try SHA256.hash(of: $0).hex } }.joined(separator: " ")
  }

  /// What `compute` makes of a dataset or a file, which is read once however many cells and pretrainings name it.
  func digest(of source: URL, _ compute: (URL) throws -> String) rethrows -> String {
    if let known = state.withLock({ $0.digests[source] }) { return known }
    let digest = try compute(source)
    state.withLock { $0.digests[source] = digest }
    return digest
  }
}
