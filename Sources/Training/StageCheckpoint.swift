import Foundation
import Methods
import Torch
import TorchNN

/// The epoch of a stage that is kept so far.
struct BestEpoch {
  let score: Double
  /// Copies of the parameters, in their order.
  let weights: [Tensor]
  /// Copies of the stage's buffers, in their order.
  let buffers: [Tensor]
}

/// The file that lets a stage go on after its process was killed.
struct StageCheckpoint {
  private let file: URL
  private let buffers: [Tensor]

  init(_ stage: TrainingStage, in folder: URL) {
    file = folder.appending(path: "\(stage.name).safetensors")
    buffers = stage.buffers
  }

  /// Takes up weights and optimizer state and returns how many epochs are done and the best of them, where one is
  /// chosen; `nil` where nothing was saved.
  func restore(_ optimizer: Optimizer) throws -> (epoch: Int, best: BestEpoch?)? {
    guard FileManager.default.fileExists(atPath: file.path) else { return nil }
    let checkpoint = try Checkpoint(contentsOf: file, isMapped: true)
    let (tensors, metadata) = (checkpoint.tensors, checkpoint.metadata)
    guard let epoch = metadata["epoch"].flatMap({ Int($0) }), epoch >= 0 else {
      throw TrainingError.unusableCheckpoint(file: file, reason: "its metadata has no 'epoch'")
    }
    var state: [String: Tensor] = [:]
    for (name, tensor) in tensors where name.hasPrefix(Self.optimizerPrefix) {
      state[String(name.dropFirst(Self.optimizerPrefix.count))] = tensor
    }
    do {
      try optimizer.restore(state)
    } catch {
      throw TrainingError.unusableCheckpoint(file: file, reason: error.description)
    }
    optimizer.restoreWeights(try saved(Self.parameterPrefix, optimizer.masters, in: tensors))
    for (buffer, value) in zip(buffers, try saved(Self.bufferPrefix, buffers, in: tensors)) {
      withoutGrad { buffer.copy(from: value) }
    }
    let best = try metadata["best_score"].map { text in
      guard let score = Double(text) else {
        throw TrainingError.unusableCheckpoint(file: file, reason: "its 'best_score' is '\(text)'; expected a number")
      }
      return BestEpoch(
        score: score, weights: try saved(Self.bestPrefix, optimizer.masters, in: tensors),
        buffers: try saved(Self.bestBufferPrefix, buffers, in: tensors))
    }
    return (epoch, best)
  }

  /// What was saved of each of `current`.
  private func saved(_ prefix: String, _ current: [Tensor], in tensors: [String: Tensor]) throws -> [Tensor] {
    try current.enumerated().map { index, tensor in
      guard let saved = tensors["\(prefix)\(index)"], saved.shape == tensor.shape else {
        throw TrainingError.unusableCheckpoint(
          file: file, reason: "\(prefix)\(index) is missing or not of shape \(tensor.shape)")
      }
      return saved
    }
  }

  func save(_ optimizer: Optimizer, epoch: Int, best: BestEpoch?) throws {
    var tensors: [String: Tensor] = [:]
    for (index, master) in optimizer.masters.enumerated() {
      tensors["\(Self.parameterPrefix)\(index)"] = master.detached()
    }
    for (index, buffer) in buffers.enumerated() { tensors["\(Self.bufferPrefix)\(index)"] = buffer }
    for (name, tensor) in optimizer.state { tensors[Self.optimizerPrefix + name] = tensor }
    var metadata = ["epoch": String(epoch)]
    if let best {
      metadata["best_score"] = "\(best.score)"  // reads back as the same number
      for (index, weight) in best.weights.enumerated() { tensors["\(Self.bestPrefix)\(index)"] = weight }
      for (index, buffer) in best.buffers.enumerated() { tensors["\(Self.bestBufferPrefix)\(index)"] = buffer }
    }
    try Checkpoint(tensors: tensors, metadata: metadata).write(to: file)
  }

  private static let parameterPrefix = "parameters."
  private static let bufferPrefix = "buffers."
  private static let bestPrefix = "best."
  private static let bestBufferPrefix = "best_buffers."
  private static let optimizerPrefix = "optimizer."
}
