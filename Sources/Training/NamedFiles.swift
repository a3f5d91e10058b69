import Crypto
import Encoders
import Foundation
import MemeData
import Methods

/// Files that recipes name beside their datasets: the runs of pretraining that features or weights are taken of, files of
/// weights, and a detector's regions. What is learned changes with their bytes, not with their names.
struct NamedFiles {
  /// A folder whose runs do not count: a benchmark knows its own pretrainings by what they are.
  var own: URL?

  func files(of recipe: Recipe) throws -> [URL] {
    let encoders = try files(ofRuns: EncoderCatalog.sides(of: recipe.encoder))
    var files = encoders + (try self.files(of: recipe.method.initialWeights)).filter { !encoders.contains($0) }
    if case .file(let regions) = recipe.method.request.regions { files.append(regions) }
    return files
  }

  func files(of recipe: PretrainingRecipe) throws -> [URL] { try files(of: recipe.method.initialWeights) }

  /// The files of the runs that weights are of, and those that are files themselves.
  private func files(of weights: [InitialWeights]) throws -> [URL] {
    try weights.compactMap(\.model).flatMap { model -> [URL] in
      let runs = try files(ofRuns: [model])
      return runs.isEmpty ? [EncoderCatalog.weightFile(named: model)].compactMap(\.self) : runs
    }
  }

  private func files(ofRuns names: [String]) throws -> [URL] {
    let runs = names.compactMap(PretrainedRunName.init).filter { run in
      own.map { !run.folder.path.hasPrefix($0.standardizedFileURL.path + "/") } ?? true
    }
    return try runs.flatMap { try $0.files }
  }

  /// The SHA-256 of each file's bytes in their order; empty where there are none.
  static func digest(of files: [URL], _ digest: (URL) throws -> String = { try SHA256.hash(of: $0).hex }) rethrows
    -> String
  {
    try files.map(digest).joined(separator: " ")
  }
}
