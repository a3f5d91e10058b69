/// Which training memes keep their labels when only a share of them is labelled.
///
/// For one seed the labelled sets of growing ratios are nested: each is a prefix of the same order.
public struct LabelRatioSplit: Sendable, Equatable {
  /// Positions of the memes that keep their labels, in the order drawn.
  public let labelled: [Int]
  /// Positions of all other memes, in their original order.
  public let unlabelled: [Int]

  /// Draws as SemiMemes does: the first round(ratio · count) positions of NumPy's legacy permutation.
  ///
  /// The same rows as pandas `sample(frac: ratio, random_state: seed)`; halves round to even, as in Python.
  ///
  /// - Throws: ``LabelRatioError`` when the ratio is not within 0…1.
  public init(count: Int, ratio: Double, seed: UInt32) throws(LabelRatioError) {
    var random = LegacyRandomState(seed: seed)
    try self.init(order: random.permutation(count), candidates: count, ratio: ratio)
  }

  /// Draws so that every class has its share of the labelled memes, and at least one where the number allows it.
  ///
  /// The rule: within each class memes stand in the order of the permutation of `seed`. First comes one meme of each
  /// class, classes in order; then the jᵗʰ of a class of n stands at (j − ½)/n and memes go by that place, the
  /// permutation breaking ties. The labelled memes are the first round(ratio · count), memes without a label excluded.
  /// A multi-label meme belongs to the rarest label that it bears, or to the class of those that bear none.
  ///
  /// - Throws: ``LabelRatioError`` when the ratio is not within 0…1.
  public static func stratified(
    by labels: [Label?], ratio: Double, seed: UInt32
  ) throws(LabelRatioError) -> LabelRatioSplit {
    var random = LegacyRandomState(seed: seed)
    let permutation = random.permutation(labels.count)
    let classes = strata(of: labels)
    var sizes: [Int: Int] = [:]
    for stratum in classes { if let stratum { sizes[stratum, default: 0] += 1 } }
    var drawn: [Int: Int] = [:]
    var places: [(place: Double, rank: Int, position: Int)] = []
    for (rank, position) in permutation.enumerated() {
      guard let stratum = classes[position], let size = sizes[stratum] else { continue }
      let earlier = drawn[stratum, default: 0]
      drawn[stratum] = earlier + 1
      let place = earlier == 0 ? -1 : (Double(earlier) + 0.5) / Double(size)
      places.append((place, earlier == 0 ? stratum : rank, position))
    }
    places.sort { ($0.place, $0.rank) < ($1.place, $1.rank) }
    return try LabelRatioSplit(order: places.map(\.position), candidates: labels.count, ratio: ratio)
  }

  private init(order: [Int], candidates: Int, ratio: Double) throws(LabelRatioError) {
    guard (0...1).contains(ratio) else { throw LabelRatioError(ratio: ratio) }
    labelled = Array(order.prefix(Int((ratio * Double(candidates)).rounded(.toNearestOrEven))))
    var isLabelled = [Bool](repeating: false, count: candidates)
    for position in labelled { isLabelled[position] = true }
    unlabelled = (0..<candidates).filter { !isLabelled[$0] }
  }

  /// The class of each meme, `nil` without a label.
  private static func strata(of labels: [Label?]) -> [Int?] {
    var frequencies: [Int: Int] = [:]
    for case .multilabel(let flags)? in labels {
      for index in flags.indices where flags[index] { frequencies[index, default: 0] += 1 }
    }
    return labels.map { label in
      switch label {
      case nil: return nil
      case .binary(let flag): return flag ? 1 : 0
      case .multiclass(let index): return index
      case .multilabel(let flags):
        let borne = flags.indices.filter { flags[$0] }
        return borne.min { (frequencies[$0, default: 0], $0) < (frequencies[$1, default: 0], $1) } ?? flags.count
      }
    }
  }
}

/// A share of labelled memes that is no share.
public struct LabelRatioError: Error, Equatable, CustomStringConvertible {
  /// The ratio asked for.
  public let ratio: Double

  public var description: String { "a label ratio of \(ratio): expected a number from 0 to 1, such as 0.05" }
}
