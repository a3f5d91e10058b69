import Metrics

/// What precision, recall, F1 and the flagged share would be at other thresholds than one half, label by label.
///
/// A label is predicted where its probability exceeds the threshold. The page has the counts at each hundredth and only
/// divides them.
public struct ThresholdExplorer: Sendable {
  static let steps = 100

  public let labels: [Label]

  /// Counts of one label at thresholds 0, 0.01 … 1.
  public struct Label: Sendable {
    public let name: String
    /// Memes altogether, and those that truly bear the label.
    public let total: Int
    public let support: Int
    let truePositives: [Int]
    let falsePositives: [Int]

    public init(name: String, truth: [Bool], probabilities: [Double]) {
      precondition(truth.count == probabilities.count, "one probability for each meme")
      let scored = zip(probabilities, truth).sorted { $0.0 > $1.0 }
      var (positives, negatives, next) = (0, 0, 0)
      var counts: [(Int, Int)] = []
      for step in (0...steps).reversed() {
        let threshold = Double(step) / Double(steps)
        while next < scored.count, scored[next].0 > threshold {
          if scored[next].1 { positives += 1 } else { negatives += 1 }
          next += 1
        }
        counts.append((positives, negatives))
      }
      self.name = name
      total = truth.count
      support = truth.count { $0 }
      truePositives = counts.reversed().map(\.0)
      falsePositives = counts.reversed().map(\.1)
    }

    /// The counts at a step's threshold.
    func counts(at step: Int) -> ConfusionCounts {
      var counts = ConfusionCounts()
      counts.truePositives = truePositives[step]
      counts.falsePositives = falsePositives[step]
      counts.falseNegatives = support - truePositives[step]
      counts.trueNegatives = total - support - falsePositives[step]
      return counts
    }
  }

  public init(labels: [Label]) {
    self.labels = labels
  }

  var json: JSONValue {
    .array(
      labels.map { label in
        [
          "name": .string(label.name), "total": .number(Double(label.total)), "support": .number(Double(label.support)),
          "tp": .numbers(label.truePositives.map(Double.init)), "fp": .numbers(label.falsePositives.map(Double.init)),
        ]
      })
  }

  /// The chart above the slider, of the first label; the script draws the others.
  var chart: LineChart? {
    guard let label = labels.first else { return nil }
    func curve(_ name: String, _ value: (ConfusionCounts) -> Double) -> LineChart.Series {
      LineChart.Series(
        name: name,
        points: (0...Self.steps).map {
          ChartPoint(x: Double($0) / Double(Self.steps), y: value(label.counts(at: $0)))
        })
    }
    return LineChart(
      title: "Scores by threshold", xLabel: "threshold", yLabel: "score",
      series: [
        curve("precision", \.precision), curve("recall", \.recall), curve("F1", \.f1),
        curve("flagged share") { Double($0.truePositives + $0.falsePositives) / Double(max(label.total, 1)) },
      ], axes: .unit(diagonal: false))
  }

  /// Every label at each tenth.
  var table: PlainTable {
    PlainTable(
      title: "Scores by threshold",
      columns: [.init("label")]
        + ["threshold", "precision", "recall", "F1", "flagged"].map { .init($0, isNumber: true) },
      rows: labels.flatMap { label in
        stride(from: 10, through: 90, by: 10).map { step in
          let counts = label.counts(at: step)
          return [
            label.name, (Double(step) / Double(Self.steps)).fixed(1), counts.precision.fixed(3),
            counts.recall.fixed(3), counts.f1.fixed(3), "\(counts.truePositives + counts.falsePositives)",
          ]
        }
      })
  }
}
