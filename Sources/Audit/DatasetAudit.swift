import MemeData

/// Everything that is looked for in a dataset before anyone trains on it.
public struct DatasetAudit: Sendable {
  /// With all three splits, cut as training cuts them where the dataset does not say.
  public let dataset: Dataset
  /// The tasks whose labels are judged.
  public let tasks: [LabelTask]
  public let fingerprints: FingerprintTable
  public let duplicates: Duplicates
  public let textConflicts: [TextConflict]

  /// Hashes every picture and compares all memes.
  ///
  /// - Parameter progress: told how many memes are hashed, from any thread.
  public init(_ dataset: Dataset, tasks: [LabelTask], progress: @Sendable (_ done: Int) -> Void) {
    let whole = dataset.withSplits()
    self.dataset = whole
    self.tasks = tasks
    fingerprints = FingerprintTable(of: whole.memes, progress: progress)
    duplicates = Duplicates(fingerprints.fingerprints, splits: whole.memes.map(\.split))
    textConflicts = TextConflict.all(in: whole.memes, tasks: tasks)
  }

  /// Whether a training or validation meme stands in the test split too.
  public var leaksIntoTest: Bool { duplicates.leaks.contains(.test) }

  /// The dataset without what spoils scores: memes that leak into another split (test memes stay), those whose picture
  /// is broken and that have no text, and those in no split, which training does not use either.
  public var cleaned: SplitFile {
    let broken = Set(fingerprints.brokenImages.map(\.id))
    return SplitFile(
      entries: dataset.memes.indices.compactMap { index in
        let meme = dataset.memes[index]
        guard let split = meme.split, duplicates.leaks[index] == nil else { return nil }
        return meme.text == nil && broken.contains(meme.id) ? nil : SplitFile.Entry(id: meme.id, split: split)
      })
  }

  /// What is wrong with the labels of one task, judged by predictions that others made.
  ///
  /// Every label of a multi-label task is a question of its own.
  ///
  /// - Parameters:
  ///   - positions: the memes that were predicted; each must have a label.
  ///   - probabilities: one row for each of them, a column a label as models give them.
  public func suspiciousLabels(
    of task: LabelTask, memes positions: [Int], probabilities: [[Double]]
  ) -> AuditReport.SuspiciousLabels {
    let labels = positions.map { dataset.memes[$0].labels[task.name]! }
    let questions: [(names: [String], given: [Int], rows: [[Double]])]
    switch task.kind {
    case .multiclass:
      questions = [(task.labels, labels.map(\.classIndex), probabilities)]
    case .binary, .multilabel:
      questions = task.labels.indices.map { column in
        let name = task.labels[column]
        return (
          ["not \(name)", name], labels.map { $0.isPositive(column) ? 1 : 0 },
          probabilities.map { [1 - $0[column], $0[column]] }
        )
      }
    }
    var found: [AuditReport.Suspicion] = []
    var estimate = 0.0
    for question in questions {
      let result = ConfidentLearning(labels: question.given, probabilities: question.rows)
      estimate += result.estimatedErrorCount
      found += result.suspicions.map { suspicion in
        let meme = dataset.memes[positions[suspicion.row]]
        return AuditReport.Suspicion(
          id: meme.id, split: meme.split, given: question.names[suspicion.given],
          suggested: question.names[suspicion.suggested], selfConfidence: suspicion.selfConfidence,
          normalizedMargin: suspicion.normalizedMargin)
      }
    }
    if questions.count > 1 { found.sort { ($0.selfConfidence, $0.id) < ($1.selfConfidence, $1.id) } }
    return AuditReport.SuspiciousLabels(
      task: task.name, examples: positions.count, estimatedErrors: estimate, suspicions: found)
  }
}

extension Label {
  /// The index of a multi-class label.
  fileprivate var classIndex: Int {
    guard case .multiclass(let index) = self else { preconditionFailure("\(self) is no class of a multi-class task") }
    return index
  }

  /// Whether the label of a column is borne.
  fileprivate func isPositive(_ column: Int) -> Bool {
    switch self {
    case .binary(let value): value
    case .multilabel(let values): values[column]
    case .multiclass(let index): index == column
    }
  }

  /// The label in words.
  func name(in task: LabelTask) -> String {
    switch self {
    case .binary(let value): value ? task.labels[0] : "not \(task.labels[0])"
    case .multiclass(let index): task.labels[index]
    case .multilabel(let flags):
      flags.contains(true) ? zip(task.labels, flags).filter(\.1).map(\.0).joined(separator: ", ") : "none"
    }
  }
}
