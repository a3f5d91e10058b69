import Metrics
import Report
import Training

extension BenchmarkReport {
  /// What the pretrainings measured of themselves; `nil` where none has a result.
  var pretrainingTable: PlainTable? {
    guard !summary.pretrainings.isEmpty else { return nil }
    let measures: [(PretrainingResult.Measure, String)] = [
      (.neighbourAUROC, "neighbours"), (.linearAUROC, "linear"), (.deviation, "deviation"),
    ]
    return PlainTable(
      title: "What pretraining changed",
      columns: [
        .init("pretraining"), .init("network"), .init("pictures", isNumber: true), .init("epochs", isNumber: true),
        .init("seconds", isNumber: true),
      ]
        + measures.flatMap { [.init("\($1), before", isNumber: true), .init("after", isNumber: true)] },
      rows: summary.pretrainings.map { row in
        [
          row.name, row.backbone, "\(row.pictures)", "\(row.epochs)", row.seconds?.formatted(digits: 1) ?? "—",
        ]
          + measures.flatMap { measure, _ in
            let curve = row.curve(measure)
            return [curve.first, curve.last].map { $0?.value.formatted() ?? "—" }
          }
      },
      note:
        "Means ± deviations over seeds. Neighbours, linear: the AUROC of what the 20 nearest labelled training memes, or a "
        + "linear model of four fifths of them, say of the other ones' labels, on which no network was trained. Deviation: how "
        + "much features of length 1 spread, 1 over a whole sphere, 0 for a point. Before the first epoch batch statistics "
        + "are not yet those of any picture; networks of 0 epochs are as they began but for these.")
  }

  /// The measures by epochs, a curve a network; after those of all networks what only some have, such as entropies.
  var pretrainingCharts: [any Chart] {
    let measures: [(PretrainingResult.Measure, String)] = [
      (.neighbourAUROC, "neighbour AUROC"), (.linearAUROC, "linear AUROC"), (.deviation, "deviation of features"),
    ]
    let further = Set(summary.pretrainings.flatMap(\.furtherMeasures)).sorted()
    let names: [(String, String)] =
      measures.map { ($0.rawValue, $1) } + further.map { ($0, $0.replacing("_", with: " ")) }
    return names.compactMap { measure, name in
      let series = summary.pretrainings.map { row in
        let curve = row.curves[measure] ?? []
        return LineChart.Series(
          name: row.name, points: curve.map { ChartPoint(x: Double($0.epoch), y: $0.value.mean) },
          deviations: curve.map(\.value.deviation))
      }.filter { !$0.points.isEmpty }
      guard !series.isEmpty else { return nil }
      return LineChart(title: "\(name) while pretraining", xLabel: "epoch", yLabel: name, series: series)
    }
  }

  /// Pretrainings without a result; `nil` where all have one.
  var failedPretrainings: PlainTable? {
    guard !outcome.pretrainingFailures.isEmpty else { return nil }
    return PlainTable(
      title: "Pretrainings without a result", columns: [.init("pretraining"), .init("reason")],
      rows: outcome.pretrainingFailures.map { ["\($0.pretraining)", $0.reason] },
      note: "Neither they nor the cells that need them have a result. The same command tries them again.")
  }
}
