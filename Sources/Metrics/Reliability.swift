/// Decisions by how sure they were: how often those of each confidence were right.
public struct Reliability: Equatable, Sendable {
  /// Decisions of like confidence.
  public struct Bin: Equatable, Sendable {
    public fileprivate(set) var count = 0
    public fileprivate(set) var correct = 0
    fileprivate var confidenceSum = 0.0

    /// The mean confidence of its decisions; `nil` without any.
    public var confidence: Double? { count > 0 ? confidenceSum / Double(count) : nil }
    /// The share of them that were right; `nil` without any.
    public var accuracy: Double? { count > 0 ? Double(correct) / Double(count) : nil }
  }

  /// Equal-width bins of the expected calibration error.
  public static let binCount = 15

  /// Bin b holds the confidences in (b/15, (b+1)/15], as Guo et al. 2017 define them.
  public private(set) var bins = [Bin](repeating: Bin(), count: binCount)

  public init() {}

  /// Adds a decision and the probability that was given to it.
  public mutating func add(confidence: Double, isCorrect: Bool) {
    let bin = min(max(Int((confidence * Double(Self.binCount)).rounded(.up)) - 1, 0), Self.binCount - 1)
    bins[bin].count += 1
    bins[bin].confidenceSum += confidence
    if isCorrect { bins[bin].correct += 1 }
  }

  /// The mean distance between confidence and accuracy, bin by bin, weighted by the bins' memes (Guo et al. 2017, "On
  /// Calibration of Modern Neural Networks", section 2).
  public var expectedCalibrationError: Double {
    bins.reduce(0) { $0 + abs(Double($1.correct) - $1.confidenceSum) } / Double(bins.reduce(0) { $0 + $1.count })
  }
}
