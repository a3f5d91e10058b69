/// The mean of repeated measurements with their deviation, such as one score over several seeds.
public struct Spread: Equatable, Sendable, Encodable {
  public let mean: Double
  /// The standard deviation; 0 for a single measurement.
  public let deviation: Double
  /// How many measurements there were.
  public let count: Int

  /// A spread already known; `count` 1 has no deviation to show.
  public init(mean: Double, deviation: Double = 0, count: Int = 1) {
    self.mean = mean
    self.deviation = deviation
    self.count = count
  }

  /// The spread of `values` with the population's deviation (divisor n), or `nil` where there are none.
  public init?(of values: [Double]) { self.init(of: values, divisor: values.count) }

  /// The spread of `values` as a sample of more there could be (divisor n − 1), or `nil` where there are none.
  public init?(ofSample values: [Double]) { self.init(of: values, divisor: max(1, values.count - 1)) }

  private init?(of values: [Double], divisor: Int) {
    guard !values.isEmpty else { return nil }
    let mean = values.reduce(0, +) / Double(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(divisor)
    self.init(mean: mean, deviation: variance.squareRoot(), count: values.count)
  }
}
