import Foundation
import Methods
import Torch
import TorchNN

/// Runs training stages batch by batch, and can be killed at any moment.
///
/// What a batch draws at random depends on the seed, the stage, the epoch and the batch's number alone, so a checkpoint
/// holds parameters, optimizer state and how far the epoch has come, and no random state; a resumed stage ends with the
/// bytes of one that was never interrupted.
public struct CheckpointingTrainer: StageTrainer, Sendable {
  let folder: URL
  let precision: Precision
  let device: Device
  let log: TrainingLog
  let observer: any ProgressObserver
  /// Chooses among the epochs of stages that have a classifier; `nil` where the last epoch is kept.
  var scorer: EpochScorer?
  /// How often stages are saved.
  var pace = CheckpointPace()

  /// - Parameters:
  ///   - folder: where checkpoints lie; it must exist.
  ///   - device: where the parameters of stages lie.
  public init(
    folder: URL, precision: Precision, device: Device = .cpu, log: TrainingLog, observer: any ProgressObserver
  ) {
    self.folder = folder
    self.precision = precision
    self.device = device
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

  /// - Parameter isWanted: asked before each batch; false once a stage beside this one has failed.
  private func train(_ stage: TrainingStage, seed: UInt64, while isWanted: () -> Bool) throws {
    let settings = stage.settings
    let optimizer = Optimizer(
      stage.parameters, scales: stage.scales, rule: settings.rule, learningRate: settings.learningRate,
      weightDecay: settings.weightDecay, isMixed: precision == .bfloat16)
    defer { optimizer.restoreMasters() }
    let checkpoint = StageCheckpoint(stage, in: folder)
    var progress = try checkpoint.restore(optimizer) ?? StageProgress()
    try log.rewind(stage: stage.name, to: progress.epoch)
    var saving = SavingClock(pace)
    while progress.epoch < settings.epochs, isWanted() {
      let epoch = progress.epoch
      let start = ContinuousClock.now
      let batches = stage.batches(using: Generator(seed: seed, parts: stage.name, String(epoch)))
      let parts = batches.map(stage.parts(of:))
      let inputs = stage.preparation.map { prepare in
        PreparedInputs(
          of: parts[progress.batch...].flatMap { $0.map { $0.rows.values() } },
          // Training on the processor leaves it little time beside; a GPU leaves it all.
          workers: device == .cpu ? 1 : Runtime.threadCount
        ) { try prepare($0, epoch) }
      }
      defer { inputs?.stop() }
      let spent = { [seconds = progress.seconds] in seconds + (ContinuousClock.now - start) / .seconds(1) }
      while progress.batch < batches.count, isWanted() {
        let number = progress.batch
        let position = epoch * stage.batchCount + number
        optimizer.rates = stage.rates(at: position)
        let generator = Generator(seed: seed, parts: stage.name, String(epoch), String(number), device: device)
        var loss = 0.0
        for part in parts[number] {
          let batch = TrainingBatch(
            rows: part.rows, inputs: try inputs?.next().map { $0.to(device) } ?? [], epoch: epoch, generator: generator)
          loss += addGradient(of: batch, share: part.share, stage) * part.share
        }
        if settings.gradientClip > 0 { optimizer.clipGradients(toNorm: settings.gradientClip) }
        stage.beforeStep?(position, optimizer)
        optimizer.step()
        stage.afterStep?(position + 1, optimizer.masters)
        progress.add(loss, of: batches[number].shape[0])
        // The last batch of an epoch is saved with what the epoch comes to.
        if progress.batch < batches.count, saving.isDue {
          progress.seconds = spent()
          try saving.save { try checkpoint.save(optimizer, progress) }
        }
      }
      guard progress.batch == batches.count else { break }
      let loss = progress.meanLoss
      guard loss.isFinite else {
        throw TrainingError.diverged(stage: stage.name, epoch: epoch + 1, learningRate: optimizer.rates.learning)
      }
      let seconds = spent()
      let score = try score(of: stage)
      let observation = try stage.observation.map { observe in try precision(on: device, observe) }
      if let score, progress.best.map({ scorer!.selection.prefers(score, over: $0.score) }) ?? true {
        progress.best = BestEpoch(
          score: score, weights: optimizer.masters.map { $0.detached().copied() },
          buffers: stage.buffers.map { $0.copied() })
      }
      let warnings = observation?.warnings ?? []
      try log.append(
        TrainingLog.Epoch(
          stage: stage.name, epoch: epoch + 1, loss: loss, learningRate: optimizer.rates.learning, seconds: seconds,
          score: score, measures: observation?.measures, warnings: warnings.isEmpty ? nil : warnings))
      for warning in warnings { observer.observe(.warning("epoch \(epoch + 1): \(warning)")) }
      progress.finishEpoch()
      if saving.isDue || progress.epoch == settings.epochs {
        try saving.save { try checkpoint.save(optimizer, progress) }
      }
      observer.observe(.epoch(stage: stage.name, done: epoch + 1, total: settings.epochs, loss: loss))
    }
    if let best = progress.best {
      optimizer.restoreWeights(best.weights)
      for (buffer, value) in zip(stage.buffers, best.buffers) { withoutGrad { buffer.copy(from: value) } }
    }
  }

  /// The validation score of a stage as it is; `nil` where its epochs are not chosen from.
  private func score(of stage: TrainingStage) throws -> Double? {
    guard let scorer, let classifier = stage.classifier else { return nil }
    return try precision(on: device) { try scorer.score(classifier) }
  }

  /// Adds the gradient of a batch, or of its part that counts so much in it, and returns the mean loss of its examples.
  private func addGradient(of batch: TrainingBatch, share: Double, _ stage: TrainingStage) -> Double {
    let loss = precision(on: device) { stage.loss(batch) }
    (share == 1 ? loss : loss * share).backward()
    return loss.item
  }
}
