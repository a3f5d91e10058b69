import Encoders
import Foundation
import Torch

/// Weights of published networks in the cache of the Hugging Face hub, by the names that networks here have for them.
enum PretrainedWeights {
  /// A ResNet's as timm and torchvision store them, without its classifier.
  static func resNet(of model: String) throws -> [String: Tensor] {
    try weights(of: model).filter { !$0.key.hasPrefix("fc.") && !$0.key.hasSuffix(".num_batches_tracked") }
  }

  /// ViLT's without what it was pretrained with beside it.
  static func viLT(of model: String) throws -> [String: Tensor] {
    let all = try weights(of: model)
    // Models with a head keep the network below "vilt.".
    let hasHead = all.keys.contains { $0.hasPrefix("vilt.") }
    let own = hasHead ? all.filter { $0.key.hasPrefix("vilt.") } : all
    return Dictionary(
      uniqueKeysWithValues: own.map { (hasHead ? String($0.key.dropFirst("vilt.".count)) : $0.key, $0.value) }
    ).filter { !$0.key.hasSuffix(".position_ids") }
  }

  /// All tensors of a model's `model.safetensors` or `pytorch_model.bin`.
  private static func weights(of model: String) throws -> [String: Tensor] {
    let folder = try HubCache().requiredFolder(of: model)
    let files = ["model.safetensors", "pytorch_model.bin"].map { folder.appending(path: $0) }
    guard let file = files.first(where: { FileManager.default.fileExists(atPath: $0.path) }) else {
      throw EncoderError.missingFiles(encoder: model, files: ["model.safetensors"], searched: [folder])
    }
    return try Checkpoint(contentsOf: file, isMapped: true).tensors
  }
}

extension [String: Tensor] {
  /// The same tensors below a path.
  func withPrefix(_ prefix: String) -> [String: Tensor] {
    Dictionary(uniqueKeysWithValues: map { (prefix + $0.key, $0.value) })
  }
}
