import MemeData

/// Which training memes keep their labels.
struct LabelDraw {
  /// Positions of the labelled memes, in the order drawn.
  let labelled: [Int]
  /// Positions of all others, in order.
  let unlabelled: [Int]
  /// The labelled share of the memes that could be labelled.
  let ratio: Double

  /// Draws from the memes that have a label for `task`; the others are unlabelled in any case.
  init(recipe: Recipe, memes: [Meme], task: LabelTask) throws {
    try self.init(recipe.labels, sampling: recipe.sampling, seed: recipe.seed, memes: memes, task: task)
  }

  /// - Parameter labels: A fraction up to 1, or a count above it.
  init(_ labels: Double, sampling: Recipe.Sampling, seed wanted: UInt64, memes: [Meme], task: LabelTask) throws {
    let candidates = memes.indices.filter { memes[$0].labels[task.name] != nil }
    let ratio = labels > 1 ? labels / Double(max(1, candidates.count)) : labels
    guard !candidates.isEmpty else { throw TrainingError.noMemes(split: "train", task: task.name) }
    guard ratio <= 1 else {
      throw TrainingError.invalid(
        "\(labels) labels are asked for and the training split has \(candidates.count)")
    }
    guard let seed = UInt32(exactly: wanted) else {
      throw TrainingError.invalid("the seed is \(wanted); label draws take 0 to \(Recipe.seeds.upperBound)")
    }
    let split =
      switch sampling {
      case .uniform: try LabelRatioSplit(count: candidates.count, ratio: ratio, seed: seed)
      case .stratified:
        try LabelRatioSplit.stratified(
          by: candidates.map { memes[$0].labels[task.name] }, ratio: ratio, seed: seed)
      }
    guard !split.labelled.isEmpty else { throw TrainingError.noLabels(labels, task: task.name) }
    labelled = split.labelled.map { candidates[$0] }
    let isLabelled = Set(labelled)
    unlabelled = memes.indices.filter { !isLabelled.contains($0) }
    self.ratio = ratio
  }
}
