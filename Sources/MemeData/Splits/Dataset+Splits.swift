extension Dataset {
  /// The seed of every cut that the data does not make itself.
  private static let cutSeed: UInt32 = 42

  /// The dataset with all three splits, cut by NumPy's legacy permutation of seed 42 where the data does not say.
  ///
  /// - No splits, or training memes only: the first round(0.8 · n) memes of the permutation are for training, those up
  ///   to round(0.9 · n) for validation, the rest for testing.
  /// - Training and test memes only: the first round(0.1 · n) of the n training memes' permutation become validation; of
  ///   MAMI's round(0.2 · n), as many as published comparisons validate on (reference 01 §6).
  /// - Anything else stays as it is: memes without a split among others that have one stay outside.
  public func withSplits() -> Dataset {
    let present = Set(memes.map(\.split))
    var cut = self
    if present == [nil] || present == [.train] {
      let order = Self.permutation(memes.count)
      let ends = [0.8, 0.9].map { Int(($0 * Double(memes.count)).rounded(.toNearestOrEven)) }
      for (rank, position) in order.enumerated() {
        cut.memes[position].split = rank < ends[0] ? .train : rank < ends[1] ? .validation : .test
      }
    } else if present == [.train, .test] {
      let training = memes.indices.filter { memes[$0].split == .train }
      let share = format == .mami ? 0.2 : 0.1
      let count = Int((share * Double(training.count)).rounded(.toNearestOrEven))
      for position in Self.permutation(training.count).prefix(count) {
        cut.memes[training[position]].split = .validation
      }
    }
    return cut
  }

  private static func permutation(_ count: Int) -> [Int] {
    var random = LegacyRandomState(seed: cutSeed)
    return random.permutation(count)
  }
}
