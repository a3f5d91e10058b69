import ArgumentParser
import Checkpoints
import Foundation
import MemeData
import Report

/// `memesense data`: what is in a dataset.
struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "Look into datasets.",
    subcommands: [Inspect.self, DataAudit.self, DataDraw.self, NearHashesSearch.self])

  struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Count memes and labels, and name every row that cannot be used.",
      discussion: """
        Reads \(DatasetFormat.allCases.map(\.title).joined(separator: ", ")) layouts, chosen by looking at the folder.
        """)

    @Argument(help: "A dataset folder or annotation file.", completion: .directory)
    var path: String

    @Flag(help: "Fail at bad rows instead of leaving them out.")
    var strict = false

    @Flag(help: "Print one JSON object instead of tables.")
    var json = false

    @Option(
      help: "Write a page with label counts, sizes and words, too.", completion: .file(extensions: ["html"]))
    var report: String?

    func run() throws {
      let library = try report.map { _ in try ChartLibrary.found() }
      let dataset = try Dataset.read(URL(fileURLWithPath: path), strict: strict)
      let summary = DatasetSummary(dataset)
      if let report, let library {
        let page = try DatasetReport(dataset: dataset, summary: summary).page()
        try writeAtomically(Data(page.html(library: library).utf8), to: URL(fileURLWithPath: report))
      }
      if json { try Console.printJSON(summary) } else { try Console.print(summary.text) }
    }
  }
}

extension DatasetSummary {
  /// Tables for people.
  var text: String {
    var memes = TextTable(columns: [
      "split", .init("memes", alignment: .right), .init("without text", alignment: .right),
      .init("without image", alignment: .right),
    ])
    for part in parts {
      memes.append([part.split, "\(part.memes)", "\(part.missingTexts)", "\(part.missingImages)"])
    }
    var labels = TextTable(
      columns: ["task", "kind", "label"] + parts.map { TextTable.Column($0.split, alignment: .right) })
    for task in tasks {
      for (index, label) in task.labels.enumerated() {
        labels.append(
          [index == 0 ? task.name : "", index == 0 ? task.kind.rawValue : "", label.label]
            + label.counts.map(String.init))
      }
    }
    let shown = problems.prefix(Self.problemLimit).map { "  \($0)" }
    let rest = problems.count - shown.count
    let trouble =
      problems.isEmpty
      ? "No bad rows."
      : "\(problems.count) bad rows, left out or kept without image:\n" + shown.joined(separator: "\n")
        + (rest > 0 ? "\n  … and \(rest) more (--json lists all)" : "")
    return "\(name) (\(format.title))\n\n\(memes.text)\n\n\(labels.text)\n\n\(trouble)"
  }

  private static let problemLimit = 20
}
