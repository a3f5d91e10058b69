/// How much better one method is than another by a metric, and how sure that is.
///
/// Both are trained with the same seeds and asked of the same memes. The interval over memes keeps the trained models
/// and draws the test memes anew: would other memes of this kind say the same? The interval over seeds keeps the memes
/// and draws the seeds anew: would other trainings say the same? With five seeds the second one is coarse. Neither is
/// corrected for the number of comparisons made.
public struct PairedComparison: Equatable, Sendable, Codable {
  /// The mean over seeds of the first's metric less the second's.
  public let difference: Double
  /// Over test memes.
  public let memes: BootstrapInterval?
  /// Over seeds; `nil` for a single one.
  public let seeds: BootstrapInterval?

  /// Compares models of the same seeds, in the same order, on the same memes.
  ///
  /// - Returns: `nil` where the metric of a model is undefined, or there is no seed.
  /// - Precondition: as many models of either method, all by the same metric on the same resamples of the same memes.
  public init?(_ first: [BootstrappedMetric], _ second: [BootstrappedMetric]) {
    precondition(first.count == second.count, "\(first.count) seeds of one method and \(second.count) of the other")
    guard let model = first.first else { return nil }
    precondition((first + second).allSatisfy { $0.resampling == model.resampling }, "resamples of two kinds")
    precondition((first + second).allSatisfy { $0.metric == model.metric }, "two metrics")
    // Methods may be scored on other memes by split files of their own.
    guard (first + second).allSatisfy({ $0.truth == model.truth }) else { return nil }
    var differences: [Double] = []
    for (one, other) in zip(first, second) {
      guard let one = one.observed, let other = other.observed else { return nil }
      differences.append(one - other)
    }
    difference = differences.reduce(0, +) / Double(differences.count)
    memes = BootstrapInterval(
      (0..<model.resampling.count).map { resample in
        var sum = 0.0
        for (one, other) in zip(first, second) {
          guard let one = one.distribution[resample], let other = other.distribution[resample] else { return nil }
          sum += one - other
        }
        return sum / Double(first.count)
      })
    seeds = first.count > 1 ? Self.overSeeds(differences, model.resampling) : nil
  }

  /// Whether the interval over memes lies above zero: the first is better, on other memes of this kind too.
  public var isSureOfMemes: Bool { memes.map { $0.lower > 0 } ?? false }

  /// The bootstrap of the mean of paired differences.
  static func overSeeds(_ differences: [Double], _ resampling: Resampling) -> BootstrapInterval? {
    var distribution: [Double?] = []
    resampling.forEach(size: differences.count) { multiplicities in
      let sum = zip(differences, multiplicities).reduce(0) { $0 + $1.0 * Double($1.1) }
      distribution.append(sum / Double(differences.count))
    }
    return BootstrapInterval(distribution)
  }
}
