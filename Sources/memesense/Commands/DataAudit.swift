import ArgumentParser
import Audit
import Checkpoints
import Encoders
import Foundation
import MemeData
import Methods
import Training

extension DataCommand {
  /// `memesense data audit`: what would spoil scores on a dataset.
  struct DataAudit: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "audit",
      abstract: "Find duplicates, leaks between splits, contradicting and suspicious labels, broken pictures.",
      discussion: """
          memesense data audit memes/                         fails (status 1) where the test split leaks
          memesense data audit memes/ --fix clean.jsonl       lists the memes that can stay, and their splits
          memesense train --data memes/ --split-file clean.jsonl …

        Pictures are compared by their PDQ hashes: they count as the same where at most \(PDQHash.nearDistance) of 256 bits differ.
        Memes that leak into another split are dropped from training and validation, never from the test split.
        Nothing in the dataset is changed.
        """)

    @Argument(help: "A dataset folder or annotation file.", completion: .directory)
    var path: String

    @Option(help: "Judge the labels of this task alone.")
    var task: String?

    @Flag(help: "Name suspicious labels too, by models that did not see them (needs --task where there are several).")
    var labels = false

    @Option(
      help: "Write a file for --split-file of train and evaluate, without what spoils scores.", completion: .file())
    var fix: String?

    @Option(help: "Audit only the memes that such a file lists, in the splits that it says.", completion: .file())
    var splitFile: String?

    @OptionGroup var display: OutputOptions

    func run() throws {
      if let fix, !SplitFile.mayReplace(URL(fileURLWithPath: fix)) {
        throw TrainingError.invalid("--fix \(fix) is a file of something else and stays as it is: name a new one")
      }
      let observer = display.observer
      var dataset = try Dataset.read(URL(fileURLWithPath: path))
      if let splitFile {
        dataset = try dataset.selecting(SplitFile(contentsOf: URL(fileURLWithPath: splitFile)), named: splitFile)
      }
      let tasks = try judgedTasks(of: dataset)
      observer.observe(.phase("Hashing \(dataset.memes.count) memes"))
      let count = dataset.memes.count
      let audit = DatasetAudit(dataset, tasks: tasks) { done in
        observer.observe(.items(phase: "pictures", done: done, total: count))
      }
      var report = AuditReport(audit)
      if labels { report.suspiciousLabels = try suspiciousLabels(of: tasks[0], in: audit, observer) }
      let cleaned = audit.cleaned
      if let fix { try writeAtomically(cleaned.jsonLines(), to: URL(fileURLWithPath: fix)) }
      if display.json {
        try Console.printJSON(report)
      } else {
        try Console.print(report.text(path: path))
        if let fix { try Console.print("\n\(fix) lists \(cleaned.entries.count) of \(count) memes.") }
      }
      if audit.leaksIntoTest { throw ExitCode(1) }
    }

    /// The task named, or all of them; one where labels are to be predicted.
    private func judgedTasks(of dataset: Dataset) throws -> [LabelTask] {
      guard task != nil || (labels && dataset.tasks.count != 1) else { return dataset.tasks }
      guard let found = dataset.tasks.first(where: { $0.name == task }) else {
        throw TrainingError.unknownTask(
          task ?? "(none named; use --task)", available: dataset.tasks.map(\.name), dataset: dataset.root)
      }
      return [found]
    }

    /// Judges labels by logistic regression on `lite` features, cross-validated over clusters of duplicates.
    private func suspiciousLabels(
      of task: LabelTask, in audit: DatasetAudit, _ observer: any ProgressObserver
    ) throws -> AuditReport.SuspiciousLabels {
      let memes = audit.dataset.memes
      let positions = memes.indices.filter { memes[$0].labels[task.name] != nil }
      guard !positions.isEmpty else { throw TrainingError.noMemes(split: "any", task: task.name) }
      observer.observe(.phase("Judging \(positions.count) labels of '\(task.name)'"))
      let extractor = try FeatureExtractor(encoder: EncoderCatalog.pair(named: "lite"), observer: observer)
      // Broken pictures count as missing here too; the report names them.
      let (keys, _, _) = try extractor.extract(positions.map { memes[$0] }, cleaning: .none)
      let examples = LogisticRegression.Examples(
        features: try extractor.table(keys), labels: positions.map { memes[$0].labels[task.name]! }, task: task,
        clusters: positions.map { audit.duplicates.clusters[$0] })
      let probabilities = try LogisticRegression().outOfSampleProbabilities(of: examples, seed: 42) { done, total in
        observer.observe(.items(phase: "folds", done: done, total: total))
      }
      return audit.suspiciousLabels(of: task, memes: positions, probabilities: probabilities)
    }
  }
}
