import MemeData

/// What an audit found, by ids: the JSON object of `memesense data audit --json`.
public struct AuditReport: Sendable, Encodable {
  public struct Part: Sendable, Encodable {
    public var split: Split?
    public var memes: Int
  }

  /// The pictures, counted.
  public struct Images: Sendable, Encodable {
    public var hashed: Int
    /// Of the wall clock, to read, decode and hash all of them.
    public var seconds: Double
    /// Hashed pictures with too little to see to be compared.
    public var lowQuality: Int
    /// Ids of memes without a picture.
    public var missing: [String]
    public var broken: [UnreadablePicture]

    enum CodingKeys: String, CodingKey {
      case hashed, seconds, missing, broken
      case lowQuality = "low_quality"
    }
  }

  /// Pairs of memes within a split or across two; one is null for memes without a split.
  public struct PairCount: Sendable, Encodable {
    public var splits: [Split?]
    public var exact: Int
    public var near: Int
  }

  /// Two memes that show the same.
  public struct Pair: Sendable, Encodable {
    public var ids: [String]
    public var splits: [Split?]
    public var kind: Duplicates.Kind
    /// Bits in which the PDQ hashes differ.
    public var distance: Int
    /// Tasks for which both have a label, and not the same one.
    public var differingTasks: [String]

    enum CodingKeys: String, CodingKey {
      case ids, splits, kind, distance
      case differingTasks = "differing_tasks"
    }
  }

  /// A meme with a duplicate in the split `into`.
  public struct Leak: Sendable, Encodable {
    public var id: String
    public var split: Split?
    public var into: Split
  }

  /// Memes with one text and several labels.
  public struct Conflict: Sendable, Encodable {
    public var task: String
    public var text: String
    public var memes: [LabelledMeme]
  }

  public struct LabelledMeme: Sendable, Encodable {
    public var id: String
    public var split: Split?
    public var label: String
  }

  /// A label that few memes bear.
  public struct RareLabel: Sendable, Encodable {
    public var task: String
    public var label: String
    public var memes: Int
    /// Of the memes that are labelled for the task.
    public var share: Double
  }

  /// Labels that predictions disagree with.
  public struct SuspiciousLabels: Sendable, Encodable {
    public var task: String
    /// Memes that were judged.
    public var examples: Int
    /// How many labels are wrong, as confident learning has it.
    public var estimatedErrors: Double
    /// The least believable first.
    public var suspicions: [Suspicion]

    enum CodingKeys: String, CodingKey {
      case task, examples, suspicions
      case estimatedErrors = "estimated_errors"
    }
  }

  public struct Suspicion: Sendable, Encodable {
    public var id: String
    public var split: Split?
    public var given: String
    public var suggested: String
    public var selfConfidence: Double
    public var normalizedMargin: Double

    enum CodingKeys: String, CodingKey {
      case id, split, given, suggested
      case selfConfidence = "self_confidence"
      case normalizedMargin = "normalized_margin"
    }
  }

  public var dataset: String
  public var format: DatasetFormat
  public var parts: [Part]
  public var images: Images
  /// Ids of memes without text.
  public var emptyTexts: [String]
  public var rowProblems: [RowProblem]
  public var pairCounts: [PairCount]
  /// As many as ``Duplicates`` lists.
  public var pairs: [Pair]
  /// How many it does not list.
  public var pairsLeftOut: Int
  public var leaks: [Leak]
  /// Test memes with a duplicate in training or validation.
  public var touchedTestMemes: Int
  public var textConflicts: [Conflict]
  public var rareLabels: [RareLabel]
  /// `nil` where labels were not judged.
  public var suspiciousLabels: SuspiciousLabels?

  enum CodingKeys: String, CodingKey {
    case dataset, format, parts, images, pairs, leaks
    case emptyTexts = "empty_texts"
    case rowProblems = "row_problems"
    case pairCounts = "pair_counts"
    case pairsLeftOut = "pairs_left_out"
    case touchedTestMemes = "touched_test_memes"
    case textConflicts = "text_conflicts"
    case rareLabels = "rare_labels"
    case suspiciousLabels = "suspicious_labels"
  }

  /// Labels that fewer of the labelled memes bear are rare.
  public static let rareShare = 0.1

  public init(_ audit: DatasetAudit) {
    let memes = audit.dataset.memes
    let tasks = audit.tasks
    let summary = DatasetSummary(audit.dataset)
    dataset = summary.name
    format = summary.format
    parts = summary.parts.map { Part(split: Split(rawValue: $0.split), memes: $0.memes) }
    images = Images(
      hashed: audit.fingerprints.hashedCount, seconds: audit.fingerprints.seconds,
      lowQuality: audit.fingerprints.lowQualityCount,
      missing: memes.filter { $0.image == nil }.map(\.id), broken: audit.fingerprints.brokenImages)
    emptyTexts = memes.filter { $0.text == nil }.map(\.id)
    rowProblems = audit.dataset.problems
    pairCounts = audit.duplicates.counts.map { PairCount(splits: $0.splits, exact: $0.exact, near: $0.near) }
    pairs = audit.duplicates.pairs.map { pair in
      let (first, second) = (memes[pair.first], memes[pair.second])
      let differing = tasks.map(\.name).filter { task in
        guard let a = first.labels[task], let b = second.labels[task] else { return false }
        return a != b
      }
      return Pair(
        ids: [first.id, second.id], splits: [first.split, second.split], kind: pair.kind, distance: pair.distance,
        differingTasks: differing)
    }
    pairsLeftOut = pairCounts.reduce(0) { $0 + $1.exact + $1.near } - pairs.count
    leaks = zip(memes, audit.duplicates.leaks).compactMap { meme, into in
      into.map { Leak(id: meme.id, split: meme.split, into: $0) }
    }
    touchedTestMemes = audit.duplicates.touchedTestMemes
    textConflicts = audit.textConflicts.map { conflict in
      let task = tasks.first { $0.name == conflict.task }!
      return Conflict(
        task: conflict.task, text: TextNormalization.normalized(memes[conflict.memes[0]].text ?? ""),
        memes: conflict.memes.map { position in
          let meme = memes[position]
          return LabelledMeme(id: meme.id, split: meme.split, label: meme.labels[task.name]!.name(in: task))
        })
    }
    rareLabels = summary.tasks.filter { task in tasks.contains { $0.name == task.name } }.flatMap { task in
      let labelled = task.labelled.reduce(0, +)
      return task.labels.compactMap { label -> RareLabel? in
        let count = label.counts.reduce(0, +)
        let share = Double(count) / Double(max(1, labelled))
        return labelled > 0 && share < Self.rareShare
          ? RareLabel(task: task.name, label: label.label, memes: count, share: share) : nil
      }
    }
  }

  /// All pairs of one kind, listed or not, across splits or within.
  public func count(_ kind: Duplicates.Kind, isAcross: Bool) -> Int {
    pairCounts.filter { ($0.splits[0] != $0.splits[1]) == isAcross }.reduce(0) {
      $0 + (kind == .exact ? $1.exact : $1.near)
    }
  }
}
