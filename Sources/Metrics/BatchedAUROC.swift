/// The AUROC as Hate-CLIPper's code has it (reference 04 §5): that of every batch of memes, in their order, averaged with the
/// batches' sizes as weights.
///
/// All AUROCs that its paper publishes are of this kind. On the 1,000 memes of a test split it lies about .003 from the AUROC
/// over all memes, to either side (reference 16 §6), and it changes with the order of the memes.
enum BatchedAUROC {
  /// Memes of a batch, as published.
  static let batchSize = 64

  /// Undefined as soon as one batch is: leaving batches of one class out would compare means over other memes. Of no more
  /// memes than a batch has it is the AUROC over all.
  ///
  /// - Parameters:
  ///   - truth: whether each meme carries the label. [N]
  ///   - probabilities: that it does. [N]
  static func score(truth: [Bool], probabilities: [Double]) -> Score {
    var mean = 0.0
    for start in stride(from: 0, to: truth.count, by: batchSize) {
      let rows = start..<min(start + batchSize, truth.count)
      let ranked = RankedScores(checkedTruth: Array(truth[rows]), scores: Array(probabilities[rows]))
      switch ranked.auroc {
      case .defined(let auroc): mean += auroc * (Double(rows.count) / Double(truth.count))
      case .undefined(let reason): return .undefined(reason: "memes \(start + 1) to \(rows.upperBound): \(reason)")
      }
    }
    return .defined(mean)
  }
}
