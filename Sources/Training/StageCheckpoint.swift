import Foundation
import Torch
import TorchNN

/// The file that lets a stage go on after its process was killed.
struct StageCheckpoint {
  private let file: URL
  private let buffers: [Tensor]

  init(_ stage: TrainingStage, in folder: URL) {
    file = folder.appending(path: "\(stage.name).safetensors")
    buffers = stage.buffers
  }

  /// Takes up weights and optimizer state and returns how many epochs are done; `nil` where nothing was saved.
  func restore(_ optimizer: Optimizer) throws -> Int? {
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
    return epoch
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

  func save(_ optimizer: Optimizer, epoch: Int) throws {
    var tensors: [String: Tensor] = [:]
    for (index, master) in optimizer.masters.enumerated() {
      tensors["\(Self.parameterPrefix)\(index)"] = master.detached()
    }
    for (index, buffer) in buffers.enumerated() { tensors["\(Self.bufferPrefix)\(index)"] = buffer }
    for (name, tensor) in optimizer.state { tensors[Self.optimizerPrefix + name] = tensor }
    try Checkpoint(tensors: tensors, metadata: ["epoch": String(epoch)]).write(to: file)
  }

  private static let parameterPrefix = "parameters."
  private static let bufferPrefix = "buffers."
  private static let optimizerPrefix = "optimizer."
}
