import Foundation
import Methods
import Torch
import TorchNN

/// The file that lets a stage go on after its process was killed.
struct StageCheckpoint {
  private let file: URL
  private let buffers: [Tensor]
  private let batchCount: Int

  init(_ stage: TrainingStage, in folder: URL) {
    file = folder.appending(path: "\(stage.name).safetensors")
    buffers = stage.buffers
    batchCount = stage.batchCount
  }

  /// Takes up weights and optimizer state and returns how far the stage has come; `nil` where nothing was saved.
  func restore(_ optimizer: Optimizer) throws -> StageProgress? {
    guard FileManager.default.fileExists(atPath: file.path) else { return nil }
    let checkpoint = try Checkpoint(contentsOf: file, isMapped: true)
    let tensors = checkpoint.tensors
    var progress = try Position(checkpoint.metadata, of: file).progress
    guard progress.batch < batchCount else {
      throw TrainingError.unusableCheckpoint(
        file: file, reason: "it stands at batch \(progress.batch) of an epoch of \(batchCount)")
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
    progress.best = try checkpoint.metadata["best_score"].map { text in
      guard let score = Double(text) else {
        throw TrainingError.unusableCheckpoint(file: file, reason: "its 'best_score' is '\(text)'; expected a number")
      }
      return BestEpoch(
        score: score, weights: try saved(Self.bestPrefix, optimizer.masters, in: tensors),
        buffers: try saved(Self.bestBufferPrefix, buffers, in: tensors))
    }
    return progress
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

  func save(_ optimizer: Optimizer, _ progress: StageProgress) throws {
    var tensors: [String: Tensor] = [:]
    for (index, master) in optimizer.masters.enumerated() {
      tensors["\(Self.parameterPrefix)\(index)"] = master.detached()
    }
    for (index, buffer) in buffers.enumerated() { tensors["\(Self.bufferPrefix)\(index)"] = buffer }
    for (name, tensor) in optimizer.state { tensors[Self.optimizerPrefix + name] = tensor }
    var metadata = Position(of: progress).metadata
    if let best = progress.best {
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

  /// Where in its epochs a stage stands, as the file's metadata says it.
  private struct Position {
    let progress: StageProgress

    init(of progress: StageProgress) { self.progress = progress }

    init(_ metadata: [String: String], of file: URL) throws {
      func number<Value: LosslessStringConvertible & Comparable>(_ key: String, atLeast least: Value?) throws -> Value {
        guard let value = metadata[key].flatMap({ Value($0) }), least.map({ value >= $0 }) ?? true else {
          throw TrainingError.unusableCheckpoint(
            file: file, reason: "its metadata has '\(metadata[key] ?? "nothing")' for '\(key)'; expected a number")
        }
        return value
      }
      progress = StageProgress(
        epoch: try number("epoch", atLeast: 0), batch: try number("batch", atLeast: 0),
        exampleCount: try number("examples", atLeast: 0), lossSum: try number("loss_sum", atLeast: nil),
        seconds: try number("seconds", atLeast: 0))
    }

    /// Swift writes a number so that it reads back as the same.
    var metadata: [String: String] {
      [
        "epoch": "\(progress.epoch)", "batch": "\(progress.batch)", "examples": "\(progress.exampleCount)",
        "loss_sum": "\(progress.lossSum)", "seconds": "\(progress.seconds)",
      ]
    }
  }
}
