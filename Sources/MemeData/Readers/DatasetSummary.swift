/// What a dataset holds, counted: the content of `data inspect`.
public struct DatasetSummary: Sendable, Equatable, Encodable {
  /// The memes of one part of the dataset.
  public struct Part: Sendable, Equatable, Encodable {
    /// `train`, `validation`, `test`, or `unsplit`.
    public var split: String
    public var memes: Int
    public var missingTexts: Int
    public var missingImages: Int

    enum CodingKeys: String, CodingKey {
      case split, memes
      case missingTexts = "missing_texts"
      case missingImages = "missing_images"
    }
  }

  /// How often each label of a task stands in each part.
  public struct Task: Sendable, Equatable, Encodable {
    public var name: String
    public var kind: LabelTask.Kind
    /// In the order of the task's labels; a binary task has its negative class first.
    public var labels: [LabelCount]
    /// Memes that bear a label of the task at all, aligned with ``DatasetSummary/parts``.
    public var labelled: [Int]
  }

  /// The count of one label, aligned with ``DatasetSummary/parts``.
  public struct LabelCount: Sendable, Equatable, Encodable {
    public var label: String
    public var counts: [Int]
  }

  public var name: String
  public var format: DatasetFormat
  /// The parts that have memes: train, validation, test, unsplit.
  public var parts: [Part]
  public var tasks: [Task]
  public var problems: [RowProblem]

  public init(_ dataset: Dataset) {
    name = dataset.name
    format = dataset.format
    problems = dataset.problems
    let splits = (Split.allCases + [nil]).filter { split in dataset.memes.contains { $0.split == split } }
    let positions = Dictionary(uniqueKeysWithValues: splits.enumerated().map { ($1, $0) })
    parts = splits.map { Part(split: $0?.rawValue ?? "unsplit", memes: 0, missingTexts: 0, missingImages: 0) }
    tasks = dataset.tasks.map { task in
      let names = task.kind == .binary ? task.labels.flatMap { ["not \($0)", $0] } : task.labels
      let none = [Int](repeating: 0, count: splits.count)
      return Task(
        name: task.name, kind: task.kind, labels: names.map { LabelCount(label: $0, counts: none) }, labelled: none)
    }
    for meme in dataset.memes {
      guard let part = positions[meme.split] else { continue }
      parts[part].memes += 1
      if meme.text == nil { parts[part].missingTexts += 1 }
      if meme.image == nil { parts[part].missingImages += 1 }
      for index in tasks.indices {
        guard let label = meme.labels[tasks[index].name] else { continue }
        tasks[index].labelled[part] += 1
        for position in Self.positions(of: label) where tasks[index].labels.indices.contains(position) {
          tasks[index].labels[position].counts[part] += 1
        }
      }
    }
  }

  private static func positions(of label: Label) -> [Int] {
    switch label {
    case .binary(let flag): [flag ? 1 : 0]
    case .multiclass(let index): [index]
    case .multilabel(let flags): flags.indices.filter { flags[$0] }
    }
  }
}
