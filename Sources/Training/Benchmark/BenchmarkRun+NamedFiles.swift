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
    let encoders = try self.files(ofRuns: EncoderCatalog.sides(of: recipe.encoder))
    var files = encoders + (try self.files(of: recipe.method.initialWeights)).filter { !encoders.contains($0) }
    if case .file(let regions) = recipe.method.request.regions { files.append(regions) }
    return try digest(of: files)
  }

  /// Digests of the runs and files of weights that a pretraining's networks start from; `nil` where they start from none.
  func digest(ofFilesNamedBy recipe: PretrainingRecipe) throws -> String? {
    try digest(of: files(of: recipe.method.initialWeights))
  }

  /// The files of the runs outside the benchmark that weights are of, and those that are files themselves.
  private func files(of weights: [InitialWeights]) throws -> [URL] {
    try weights.compactMap(\.model).flatMap { model -> [URL] in
      let runs = try files(ofRuns: [model])
      return runs.isEmpty ? [EncoderCatalog.weightFile(named: model)].compactMap(\.self) : runs
    }
  }

  private func files(ofRuns names: [String]) throws -> [URL] {
    let own = plan.folder.standardizedFileURL.path + "/"
    let runs = names.compactMap(PretrainedRunName.init).filter { !$0.folder.path.hasPrefix(own) }
    return try runs.flatMap { try $0.files }
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
