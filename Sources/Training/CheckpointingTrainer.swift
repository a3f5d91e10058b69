import Foundation
import Methods
import Torch
import TorchNN

/// Runs training stages epoch by epoch, and can be killed at any moment.
///
/// What an epoch draws at random depends on the seed, the stage and the epoch alone, so a checkpoint holds parameters
/// and optimizer state and nothing else; a resumed stage ends with the bytes of one that was never interrupted.
public struct CheckpointingTrainer: StageTrainer, Sendable {
  let folder: URL
  let precision: Precision
  let log: TrainingLog
  let observer: any ProgressObserver
  /// Chooses among the epochs of stages that have a classifier; `nil` where the last epoch is kept.
  var scorer: EpochScorer?
  /// Seconds between two checkpoints of a stage; what is lost at most.
  var interval: Duration = .seconds(10)

  /// - Parameter folder: where checkpoints lie; it must exist.
  public init(folder: URL, precision: Precision, log: TrainingLog, observer: any ProgressObserver) {
    self.folder = folder
    self.precision = precision
    self.log = log
    self.observer = observer
  }

  public func train(_ stages: [TrainingStage], seed: UInt64) throws {
    // Small products scale badly over threads: two stages on a thread each finish well before one after the other.
    let share = max(1, Runtime.threadCount / stages.count)
    let shared = Shared(stages)
    try Runtime.concurrently(stages.count, threadsEach: share) { index, isWanted in
      try train(shared.stages[index], seed: seed, while: isWanted)
    }
  }

  /// Stages handed to other threads; each is used by one of them, and none shares parameters with another.
  private struct Shared: @unchecked Sendable {
    let stages: [TrainingStage]
    init(_ stages: [TrainingStage]) { self.stages = stages }
  }

  /// - Parameter isWanted: asked before each epoch; false once a stage beside this one has failed.
  private func train(_ stage: TrainingStage, seed: UInt64, while isWanted: () -> Bool) throws {
    let settings = stage.settings
    let optimizer = Optimizer(
      stage.parameters, rule: settings.rule, learningRate: settings.learningRate, weightDecay: settings.weightDecay,
      isMixed: precision == .bfloat16)
    defer { optimizer.restoreMasters() }
    let schedule = Schedule.step(
      factor: settings.learningRateDecay, interval: stage.decayInterval ?? stage.batchCount)
    let warmUpBatches = settings.warmUp * Double(settings.epochs * stage.batchCount)
    let warmUp = Schedule.warmUp(length: Int(warmUpBatches), then: .constant)
    let checkpoint = StageCheckpoint(stage, in: folder)
    let saved = try checkpoint.restore(optimizer)
    let firstEpoch = saved?.epoch ?? 0
    var best = saved?.best
    try log.rewind(stage: stage.name, to: firstEpoch)
    let clock = ContinuousClock()
    var lastSave = clock.now
    for epoch in firstEpoch..<max(firstEpoch, settings.epochs) where isWanted() {
      let start = clock.now
      let generator = Generator(seed: seed, parts: stage.name, String(epoch))
      let loss = epochLoss(of: stage, optimizer: optimizer, generator: generator) { batch in
        let position = epoch * stage.batchCount + batch
        return settings.learningRate * schedule.factor(at: position) * warmUp.factor(at: position)
      }
      guard loss.isFinite else {
        throw TrainingError.diverged(stage: stage.name, epoch: epoch + 1, learningRate: optimizer.learningRate)
      }
      let seconds = (clock.now - start) / .seconds(1)
      let score = try score(of: stage)
      if let score, best.map({ scorer!.selection.prefers(score, over: $0.score) }) ?? true {
        best = BestEpoch(
          score: score, weights: optimizer.masters.map { $0.detached().copied() },
          buffers: stage.buffers.map { $0.copied() })
      }
      try log.append(
        TrainingLog.Epoch(
          stage: stage.name, epoch: epoch + 1, loss: loss, learningRate: optimizer.learningRate, seconds: seconds,
          score: score))
      if clock.now - lastSave >= interval || epoch + 1 == settings.epochs {
        try checkpoint.save(optimizer, epoch: epoch + 1, best: best)
        lastSave = clock.now
      }
      observer.observe(.epoch(stage: stage.name, done: epoch + 1, total: settings.epochs, loss: loss))
    }
    if let best {
      optimizer.restoreWeights(best.weights)
      for (buffer, value) in zip(stage.buffers, best.buffers) { withoutGrad { buffer.copy(from: value) } }
    }
  }

  /// The validation score of a stage as it is; `nil` where its epochs are not chosen from.
  private func score(of stage: TrainingStage) throws -> Double? {
    guard let scorer, let classifier = stage.classifier else { return nil }
    return try precision { try scorer.score(classifier) }
  }

  /// Trains one epoch and returns the mean loss of its examples.
  ///
  /// - Parameter learningRate: the rate of a batch, counted from the epoch's start.
  private func epochLoss(
    of stage: TrainingStage, optimizer: Optimizer, generator: Generator, learningRate: (_ batch: Int) -> Double
  ) -> Double {
    let clip = stage.settings.gradientClip
    let total = Tensor.zeros([])
    var count = 0
    for (batch, rows) in stage.batches(using: generator).enumerated() {
      optimizer.learningRate = learningRate(batch)
      let loss = precision { stage.loss(rows, generator) }
      loss.backward()
      if clip > 0 { optimizer.clipGradients(toNorm: clip) }
      optimizer.step()
      total.add(loss.detached(), scaledBy: Double(rows.shape[0]))
      count += rows.shape[0]
    }
    return total.item / Double(count)
  }
}
