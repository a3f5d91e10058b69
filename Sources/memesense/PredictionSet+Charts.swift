import MemeData
import Metrics
import Report
import Training

extension PredictionSet {
  /// ROC and precision-recall curves, the confusion matrix and the reliability diagram.
  func charts(_ report: MetricReport) throws -> [any Chart] {
    let scored = scored
    let ranked = try scored.columns.map { ($0.name, try $0.ranked()) }
    let deciders = task.kind == .multiclass ? [task.name] : task.labels
    return [
      LineChart.roc(ranked), LineChart.precisionRecall(ranked), confusion(report),
      LineChart.reliability(zip(deciders, scored.reliabilities).map { (name: $0, bins: $1) }),
    ]
  }

  var thresholds: ThresholdExplorer {
    ThresholdExplorer(
      labels: scored.columns.map { .init(name: $0.name, truth: $0.truth, probabilities: $0.probabilities) })
  }

  private func confusion(_ report: MetricReport) -> MatrixChart {
    if let counts = report.confusionMatrix {
      let names = task.kind == .binary ? ["not \(task.labels[0])", task.labels[0]] : task.labels
      return MatrixChart(title: "Truth against prediction", rows: names, columns: names, counts: counts)
    }
    return MatrixChart(
      title: "Labels found and missed", rowLabel: "label", columnLabel: "what was predicted of the memes",
      rows: task.labels,
      columns: ["found", "missed", "wrongly", "rightly not"],
      counts: report.perLabel.map(\.counts).map {
        [$0.truePositives, $0.falseNegatives, $0.falsePositives, $0.trueNegatives]
      })
  }
}

extension LineChart {
  /// ROC curves above the diagonal of guessing.
  ///
  /// - Parameter pointLimit: how many points a curve has at most.
  static func roc(
    _ ranked: [(name: String, scores: RankedScores)], title: String = "ROC", pointLimit: Int = .max
  ) -> LineChart {
    LineChart(
      title: title, xLabel: "false positive rate", yLabel: "true positive rate",
      series: ranked.map { name, scores in
        .init(
          name: name,
          points: scores.rocCurve.spaced(atMost: pointLimit).map {
            ChartPoint(x: $0.falsePositiveRate, y: $0.truePositiveRate)
          })
      }, axes: .unit(diagonal: true), remarks: ranked.map { "AUROC \($0.scores.auroc.formatted(digits: 4))" })
  }

  /// Precision by recall.
  ///
  /// - Parameter pointLimit: how many points a curve has at most.
  static func precisionRecall(
    _ ranked: [(name: String, scores: RankedScores)], title: String = "Precision and recall", pointLimit: Int = .max
  ) -> LineChart {
    LineChart(
      title: title, xLabel: "recall", yLabel: "precision",
      series: ranked.map { name, scores in
        .init(
          name: name,
          points: scores.precisionRecallCurve.spaced(atMost: pointLimit).map {
            ChartPoint(x: $0.recall, y: $0.precision)
          })
      }, axes: .unit(diagonal: false),
      remarks: ranked.map { "average precision \($0.scores.averagePrecision.formatted(digits: 4))" })
  }

  /// Accuracy by confidence beside the diagonal of perfect calibration, with one standard error up and down.
  static func reliability(
    _ curves: [(name: String, bins: Reliability)], title: String = "Reliability"
  ) -> LineChart {
    LineChart(
      title: title, xLabel: "confidence", yLabel: "accuracy",
      series: curves.map { name, reliability in
        let filled = reliability.bins.filter { $0.count > 0 }
        return .init(
          name: name, points: filled.map { ChartPoint(x: $0.confidence!, y: $0.accuracy!) },
          deviations: filled.map { bin in
            // One standard error of a share: bins of few memes say little.
            (bin.accuracy! * (1 - bin.accuracy!) / Double(bin.count)).squareRoot()
          })
      }, axes: .unit(diagonal: true),
      remarks: curves.map { curve in
        let bins = curve.bins.bins.filter { $0.count > 0 }.map {
          "\($0.correct) of \($0.count) right at \(String(format: "%.2f", $0.confidence!))"
        }
        return "ECE \(String(format: "%.4f", curve.bins.expectedCalibrationError)); \(bins.joined(separator: ", "))"
      })
  }
}

extension Array {
  /// At most so many elements, at equal distances, the first and the last among them.
  fileprivate func spaced(atMost limit: Int) -> [Element] {
    guard count > limit, limit > 1 else { return self }
    return (0..<limit).map { self[$0 * (count - 1) / (limit - 1)] }
  }
}

/// One line chart for each stage that was trained by epochs.
func lossCharts(_ epochs: [TrainingLog.Epoch]) -> [any Chart] {
  epochs.byStage.flatMap { stage, epochs -> [any Chart] in
    func chart(_ title: String, _ yLabel: String, _ value: (TrainingLog.Epoch) -> Double?) -> LineChart? {
      let points = epochs.compactMap { epoch in value(epoch).map { ChartPoint(x: Double(epoch.epoch), y: $0) } }
      guard !points.isEmpty else { return nil }
      return LineChart(
        title: "\(title), \(stage)", xLabel: "epoch", yLabel: yLabel, series: [.init(name: stage, points: points)])
    }
    return [
      chart("Training loss", "loss") { $0.loss },
      chart("Validation score", "score") { $0.score },
    ].compactMap { $0 }
  }
}

extension [TrainingLog.Epoch] {
  /// The epochs of each stage, by its name.
  var byStage: [(stage: String, epochs: [TrainingLog.Epoch])] {
    Dictionary(grouping: self, by: \.stage).sorted { $0.key < $1.key }.map { (stage: $0.key, epochs: $0.value) }
  }
}
