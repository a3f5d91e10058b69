/// Resamples with replacement, the same on every machine.
///
/// Numbers come from ``SplitMix64`` started at `seed`. Each index below n is the upper half of
/// the 128-bit product of the next number with n; n of them make a resample, and the next resample goes on in the same
/// stream. `Fixtures/generate.py` of the tests has the same lines in Python.
public struct Resampling: Sendable, Equatable {
  public let seed: UInt64
  /// How many resamples are drawn.
  public let count: Int

  public init(count: Int = 2000, seed: UInt64 = 42) {
    precondition(count > 0, "\(count) resamples; at least one is needed")
    self.count = count
    self.seed = seed
  }

  /// Calls `body` for each resample of `size` things with how often it holds each of them.
  func forEach(size: Int, _ body: (_ multiplicities: [Int]) -> Void) {
    var random = SplitMix64(seed: seed)
    for _ in 0..<count {
      var multiplicities = [Int](repeating: 0, count: size)
      for _ in 0..<size { multiplicities[Self.index(below: size, &random)] += 1 }
      body(multiplicities)
    }
  }

  static func index(below size: Int, _ random: inout SplitMix64) -> Int {
    Int(random.next().multipliedFullWidth(by: UInt64(size)).high)
  }
}

/// The middle of a bootstrap distribution.
public struct BootstrapInterval: Equatable, Sendable, Codable {
  /// The ends of the percentile interval, as NumPy interpolates percentiles.
  public let lower: Double
  public let upper: Double
  /// Twice the smaller share of resamples on either side of zero, zero itself (within 10⁻¹²) on both, one resample
  /// added to each count; at most 1.
  public let pValue: Double
  /// Resamples without a value, such as an AUROC without both classes. They are left out.
  public let undefinedCount: Int

  enum CodingKeys: String, CodingKey {
    case lower, upper
    case pValue = "p_value"
    case undefinedCount = "undefined_count"
  }

  /// - Parameters:
  ///   - distribution: the statistic of each resample, `nil` where it has no value.
  ///   - level: the share of the resamples inside.
  /// - Returns: `nil` where no resample has a value.
  init?(_ distribution: [Double?], level: Double = 0.95) {
    let sorted = distribution.compactMap(\.self).sorted()
    guard !sorted.isEmpty else { return nil }
    lower = Self.quantile((1 - level) / 2, of: sorted)
    upper = Self.quantile((1 + level) / 2, of: sorted)
    let (below, above) = (sorted.count { $0 <= 1e-12 }, sorted.count { $0 >= -1e-12 })
    pValue = min(1, 2 * Double(min(below, above) + 1) / Double(sorted.count + 1))
    undefinedCount = distribution.count - sorted.count
  }

  /// Linear between the two nearest, as NumPy does by default.
  private static func quantile(_ share: Double, of sorted: [Double]) -> Double {
    let position = share * Double(sorted.count - 1)
    let below = Int(position)
    let above = min(below + 1, sorted.count - 1)
    return sorted[below] + (sorted[above] - sorted[below]) * (position - Double(below))
  }
}
