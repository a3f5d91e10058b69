import Torch

/// The epoch of a stage that is kept so far.
struct BestEpoch {
  let score: Double
  /// Copies of the parameters, in their order.
  let weights: [Tensor]
  /// Copies of the stage's buffers, in their order.
  let buffers: [Tensor]
}

/// How far a stage has come, beside its weights and the optimizer's state.
struct StageProgress {
  /// Epochs done.
  var epoch = 0
  /// Batches done of the epoch after them.
  var batch = 0
  /// Examples of those batches, and their losses added up.
  var exampleCount = 0
  var lossSum = 0.0
  /// Seconds spent on those batches.
  var seconds = 0.0
  var best: BestEpoch?

  /// The mean loss of the examples of the begun epoch.
  var meanLoss: Double { lossSum / Double(exampleCount) }

  /// Takes note of a batch and the mean loss of its examples.
  mutating func add(_ loss: Double, of examples: Int) {
    lossSum += loss * Double(examples)
    exampleCount += examples
    batch += 1
  }

  mutating func finishEpoch() {
    self = StageProgress(epoch: epoch + 1, best: best)
  }
}
