import Metrics

/// ROC curves above the diagonal of guessing, with each method's AUROC in the legend.
public struct ROCChart: Chart {
  public let title: String
  public let curves: [Curve]

  /// One method's curve.
  public struct Curve: Sendable {
    public let name: String
    public let points: [ROCPoint]
    public let auroc: Score

    public init(name: String, scores: RankedScores) {
      self.name = name
      self.points = scores.rocCurve
      self.auroc = scores.auroc
    }

    /// The name with the area under the curve.
    var legend: String { "\(name.truncated(to: 28)) · \(auroc.formatted())" }
  }

  public init(title: String, curves: [Curve]) {
    self.title = title
    self.curves = curves
  }

  public var summary: String {
    "True positive rate over false positive rate. AUROC: "
      + curves.map { "\($0.name) \($0.auroc.formatted(digits: 4))" }.joined(separator: "; ")
  }

  public func draw() -> Drawing {
    let frame = PlotFrame(
      x: Axis("false positive rate", covering: [0, 1]), y: Axis("true positive rate", covering: [0, 1]),
      plotHeight: 300, legend: curves.map(\.legend))
    let chance = frame.curve([ChartPoint(x: 0, y: 0), ChartPoint(x: 1, y: 1)], style: "chance")
    let lines = curves.enumerated().flatMap { index, curve in
      frame.curve(
        curve.points.map { ChartPoint(x: $0.falsePositiveRate, y: $0.truePositiveRate) }, style: Mark.series(index))
    }
    return Drawing(height: frame.height, elements: frame.elements + chance + lines)
  }
}
