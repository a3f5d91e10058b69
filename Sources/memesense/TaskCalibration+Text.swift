import Metrics
import Report

extension TaskCalibration {
  /// Temperatures and thresholds, and what they do for validation memes outside the folds they were fitted on.
  var table: String {
    var table = TextTable(
      columns: ["label"]
        + ["temperature", "log loss before", "after", "threshold", "score before", "after"].map {
          .init($0, alignment: .right)
        } + ["by"])
    func text(_ value: Double?) -> String { value.map { Score.defined($0).formatted(digits: 4) } ?? "" }
    for part in parts {
      table.append([
        part.label ?? "all classes", text(part.temperature), text(part.logLoss.before), text(part.logLoss.after),
        text(part.threshold), text(part.score?.before), text(part.score?.after), part.metric?.rawValue ?? "",
      ])
    }
    let few = parts.filter { $0.folds == 0 }.map { $0.label ?? "all classes" }
    return table.text
      + (few.isEmpty ? "" : "\nLeft as they are, having too few validation memes: \(few.joined(separator: ", "))")
  }
}

extension MetricReport {
  /// The scores that a calibration may change, before and after.
  func table(beside calibrated: MetricReport) -> String {
    var table = TextTable(columns: [
      "metric", .init("before", alignment: .right), .init("calibrated", alignment: .right),
    ])
    for metric in Metric.allCases {
      guard let before = self[metric], let after = calibrated[metric], before != after else { continue }
      table.append([metric.rawValue, before.formatted(digits: 4), after.formatted(digits: 4)])
    }
    return table.isEmpty ? "No score changes." : table.text
  }
}
