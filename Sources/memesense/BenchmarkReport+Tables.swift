import Foundation
import MemeData
import Metrics
import Report
import Training

extension BenchmarkReport {
  /// What stands below a task's comparison.
  func tables(of group: BenchmarkSummary.Group) -> [PlainTable] {
    [deduplicated(group), significance(group), controls(group), pretrainingPairs(group), costs(group)]
      .compactMap(\.self).filter { !$0.rows.isEmpty }
  }

  // MARK: Differences

  /// The best method against each other one.
  private func significance(_ group: BenchmarkSummary.Group) -> PlainTable? {
    guard let metric = group.comparisons.first?.metric else { return nil }
    let ranking = summary.metrics[0]
    let fallback =
      metric == ranking
      ? ""
      : " \(ranking.rawValue), which ranks the methods, is not computed on resamples of these memes: all this is of "
        + "\(metric.rawValue), by which the best was chosen too."
    return differences(
      "Is the best better than the rest? \(group.name)", between: ("best", "against"),
      group.comparisons, of: group,
      note: "Paired differences of test \(metric.rawValue), positive where the best is better, with percentile "
        + "intervals of 2000 bootstrap resamples: of the test memes with the trained models as they are (p is of no "
        + "difference), and of the seeds with the memes as they are, which is coarse for few seeds. The best was chosen "
        + "by the same scores and nothing is corrected for the number of comparisons, so p is on the low "
        + "side.\(fallback)")
  }

  /// What stands on a pretraining against the same on the networks that it began as.
  private func controls(_ group: BenchmarkSummary.Group) -> PlainTable? {
    guard let controls = group.controls, let metric = controls.first?.metric else { return nil }
    return differences(
      "What does pretraining bring? \(group.name)", between: ("method", "control"),
      controls, of: group,
      note: "Paired differences of test \(metric.rawValue) to the same method on untrained networks with the weights "
        + "that the pretraining began at, positive where pretraining helps; intervals as above, nothing corrected for "
        + "the number of comparisons.")
  }

  /// Pretrainings that began as the same networks against each other, under the same method.
  private func pretrainingPairs(_ group: BenchmarkSummary.Group) -> PlainTable? {
    guard let pairs = group.pretrainingPairs, let metric = pairs.first?.metric else { return nil }
    return differences(
      "Do pretrainings differ? \(group.name)", between: ("pretraining", "against"),
      pairs, of: group,
      note: "Paired differences of test \(metric.rawValue) between pretrainings that began at the same weights, under "
        + "the same method, positive where the first is better; intervals as above, nothing corrected for the number of "
        + "comparisons.")
  }

  private func differences(
    _ title: String, between names: (String, String), _ comparisons: [BenchmarkSummary.Comparison],
    of group: BenchmarkSummary.Group, note: String
  ) -> PlainTable {
    PlainTable(
      title: title,
      columns: [
        .init("labels", isNumber: true), .init(names.0, isName: true), .init(names.1, isName: true),
        .init("difference", isNumber: true),
        .init("95 % over memes", isNumber: true), .init("p", isNumber: true),
        .init("95 % over seeds", isNumber: true), .init("seeds", isNumber: true),
      ],
      rows: comparisons.map { row in
        [
          group.labelText(at: row.labels), row.first, row.second,
          Self.signed(row.difference.difference), Self.text(row.difference.memes),
          row.difference.memes.map { Self.text(p: $0.pValue) } ?? "—", Self.text(row.difference.seeds),
          "\(row.seedCount)",
        ]
      }, note: note)
  }

  private static func signed(_ value: Double) -> String { String(format: "%+.3f", value).replacing("-", with: "−") }

  private static func text(_ interval: BootstrapInterval?) -> String {
    interval.map { "\(signed($0.lower)) … \(signed($0.upper))" } ?? "—"
  }

  private static func text(p value: Double) -> String { value < 0.001 ? "< 0.001" : String(format: "%.3f", value) }

  // MARK: Others

  /// Official scores beside those without the test memes that leak; `nil` where none does. Where split files of methods leave
  /// different ones, each row says how many.
  private func deduplicated(_ group: BenchmarkSummary.Group) -> PlainTable? {
    guard group.split == .test, let most = group.leakCounts.max(), most > 0 else { return nil }
    let differ = group.leakCounts.count > 1
    let counts: [PlainTable.Column] = differ ? [.init("leaks", isNumber: true)] : []
    return PlainTable(
      title: "Without the test memes that leak, \(group.name)",
      columns: [.init("labels", isNumber: true), .init("method", isName: true)] + counts
        + summary.metrics.flatMap { metric -> [PlainTable.Column] in
          [.init(metric.rawValue, isNumber: true), .init("de-duplicated", isNumber: true)]
        },
      rows: group.rows.map { row -> [String] in
        let scores = zip(row.scores, row.deduplicated).flatMap { [$0, $1].map { $0?.formatted() ?? "—" } }
        let count = differ ? [row.leakedTestMemes.map { "\($0)" } ?? "—"] : []
        return [group.labelText(at: row.labels), name(of: row)] + count + scores
      },
      note: "\(differ ? "Up to " : "")\(most) test memes show the same as a training or validation meme (PDQ hashes "
        + "at most 31 of 256 bits apart, or equal files): models may have seen them. The official score counts them, the "
        + "de-duplicated one does not.")
  }

  /// What each method takes to train; memory where it was measured.
  private func costs(_ group: BenchmarkSummary.Group) -> PlainTable? {
    let hasMemory = group.rows.contains { $0.peakMegabytes != nil }
    let memory: [PlainTable.Column] = hasMemory ? [.init("peak memory, MB", isNumber: true)] : []
    return PlainTable(
      title: "What it costs, \(group.name)",
      columns: [
        .init("labels", isNumber: true), .init("method", isName: true), .init("trained parameters", isNumber: true),
        .init("seconds", isNumber: true),
      ] + memory,
      rows: group.rows.map { row -> [String] in
        // One digit would make nothing of what takes a hundredth of a second.
        let seconds = row.seconds.map { $0.formatted(digits: $0.mean < 10 ? 2 : 1) } ?? "—"
        let cells = [group.labelText(at: row.labels), name(of: row), "\(row.parameters)", seconds]
        return hasMemory ? cells + [row.peakMegabytes?.formatted(digits: 0) ?? "—"] : cells
      },
      note: "Means ± deviations over seeds. Seconds of training alone, reading and frozen features left out, of cells "
        + "that were trained in one go; cells trained at once share the cores. Parameters: what training changes, frozen "
        + "encoders left out."
        + (hasMemory
          ? " Memory: the most that the program held while a cell was trained, the dataset's features included." : ""))
  }

  /// What has no result.
  var failures: [PlainTable] { [failedPretrainings, failedCells].compactMap(\.self) }

  private var failedCells: PlainTable? {
    guard !outcome.failures.isEmpty else { return nil }
    return PlainTable(
      title: "Cells without a result", columns: [.init("cell"), .init("reason")],
      rows: outcome.failures.map { ["\($0.cell.place)", $0.reason] }, note: "The same command tries them again.")
  }
}
