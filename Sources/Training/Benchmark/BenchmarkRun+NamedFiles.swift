import Crypto
import Foundation
import MemeData

extension BenchmarkRun {
  private var namedFiles: NamedFiles { NamedFiles(own: plan.folder) }

  /// Digests of the files that a recipe names, but for those of the benchmark's own pretrainings; `nil` where it names none.
  func digest(ofFilesNamedBy recipe: Recipe) throws -> String? { try digest(of: namedFiles.files(of: recipe)) }

  /// The same of a pretraining's recipe.
  func digest(ofFilesNamedBy recipe: PretrainingRecipe) throws -> String? {
    try digest(of: namedFiles.files(of: recipe))
  }

  private func digest(of files: [URL]) throws -> String? {
    guard !files.isEmpty else { return nil }
    return try NamedFiles.digest(of: files) { try digest(of: $0) { try SHA256.hash(of: $0).hex } }
  }

  /// What `compute` makes of a dataset or a file, which is read once however many cells and pretrainings name it.
  func digest(of source: URL, _ compute: (URL) throws -> String) rethrows -> String {
    if let known = state.withLock({ $0.digests[source] }) { return known }
    let digest = try compute(source)
    state.withLock { $0.digests[source] = digest }
    return digest
  }
}
