import ArgumentParser
import Foundation
import Metrics
import Report

/// `memesense score`: metrics of a file of predictions against a file of truth.
struct ScoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score",
    abstract: "Score a file of predictions against a file of truth.",
    discussion: """
      Both files are JSONL, matched by id, or MAMI's own (.txt or .tsv: file name, tab, one or five columns of 0 or 1).
        truth        {"id": "1", "labels": {"harmful": 1}}      or, for classes, {"id": "1", "label": "joy"}
        predictions  {"id": "1", "probabilities": {"harmful": 0.83}}
      The predictions-<split>.jsonl of a run are such predictions.
      """)

  @Option(help: "The truth, a JSONL file.", completion: .file(), transform: URL.init(fileURLWithPath:))
  var truth: URL

  @Option(help: "The predictions, a JSONL file.", completion: .file(), transform: URL.init(fileURLWithPath:))
  var predictions: URL

  @Option(help: "How labels relate: binary, multiclass or multilabel.")
  var taskKind: TaskKind

  @Option(help: "Print one metric only, such as auroc, f1-macro, mami-a or mami-b.")
  var metric: String?

  @Flag(help: "Print one JSON object instead of a table.")
  var json = false

  func run() throws {
    let report = try ScoreFiles(truth: truth, predictions: predictions, kind: taskKind).report()
    guard let metric else {
      if json { try Console.printJSON(report) } else { try Console.print(report.table) }
      return
    }
    let name = try Metric(name: metric)
    let score = try report.score(name)
    if json {
      try Console.printJSON([name.rawValue: score])
    } else {
      try Console.print(score.value.map { "\($0)" } ?? "undefined: \(score.reason ?? "")")
    }
  }
}

extension TaskKind: ExpressibleByArgument {}

extension MetricReport {
  /// The scores as tables for people: the whole first, then label by label.
  var table: String {
    var overall = TextTable(columns: ["metric", .init("value", alignment: .right)])
    for metric in Metric.allCases {
      if let score = self[metric] { overall.append([metric.rawValue, score.formatted(digits: 4)]) }
    }
    var byLabel = TextTable(columns: [
      "label", .init("auroc", alignment: .right), .init("precision", alignment: .right),
      .init("recall", alignment: .right), .init("f1", alignment: .right), .init("support", alignment: .right),
    ])
    for label in perLabel {
      byLabel.append([
        label.name, label.auroc.formatted(digits: 4), Score.defined(label.counts.precision).formatted(digits: 4),
        Score.defined(label.counts.recall).formatted(digits: 4), Score.defined(label.counts.f1).formatted(digits: 4),
        "\(label.counts.support)",
      ])
    }
    return "\(count) memes\n\n\(overall.text)\n\n\(byLabel.text)"
  }
}
