import Crypto
import Foundation
import MemeData
import Metrics

/// What one finished cell measured: one row of `results.jsonl` and `results.csv`.
public struct CellResult: Codable, Sendable, Equatable {
  public var place: BenchmarkCell.Place
  /// The recipe that the cell's own was made from.
  public var recipe: String
  public var taskKind: TaskKind
  /// Training memes with and without label.
  public var labelled: Int
  public var unlabelled: Int
  public var parameters: Int
  /// Seconds of training alone, beside whatever else ran; `nil` for a cell that a killed benchmark had begun.
  public var seconds: Double?
  /// The most memory the program took while the cell was trained, in MB of 10⁶ bytes; `nil` where several ran at once.
  public var peakMegabytes: Double?
  /// Labelled test memes that leak, see ``TestLeaks``; `nil` where that was not asked.
  public var leakedTestMemes: Int?
  /// Scores by part and metric; undefined ones are left out.
  public var scores: [String: [String: Double]]

  /// What scores are of.
  public enum Part: String, CaseIterable, Sendable {
    case validation, test
    /// The test split without the memes that leak.
    case deduplicated = "test_deduplicated"
    /// The test split at the temperatures and thresholds of a recipe that asks for them.
    case calibrated = "test_calibrated"

    init(_ split: Split) { self = split == .test ? .test : .validation }
  }

  init(_ outcome: TrainingRun.Outcome, of cell: BenchmarkCell, isResumed: Bool, peakMegabytes: Double?) {
    let summary = outcome.summary
    place = cell.place
    recipe = cell.recipeName
    taskKind = outcome.task.kind.metricKind
    labelled = summary.labels
    unlabelled = summary.unlabelled
    parameters = summary.parameters
    seconds = isResumed ? nil : summary.seconds
    self.peakMegabytes = peakMegabytes
    scores = summary.metrics.mapValues(Self.scores)
    if let calibrated = summary.calibration?.test[outcome.task.name] {
      scores[Part.calibrated.rawValue] = Self.scores(calibrated)
    }
  }

  private static func scores(_ report: MetricReport) -> [String: Double] {
    Dictionary(
      uniqueKeysWithValues: Metric.allCases.compactMap { metric in
        report[metric]?.value.map { (metric.rawValue, $0) }
      })
  }

  public func score(_ metric: Metric, _ part: Part) -> Double? { scores[part.rawValue]?[metric.rawValue] }

  /// Puts scores without leaking test memes beside the others.
  ///
  /// - Parameters:
  ///   - report: of the rest; `nil` where nothing is left to score.
  ///   - leaked: how many labelled test memes leak.
  mutating func setDeduplicated(_ report: MetricReport?, leaked: Int) {
    leakedTestMemes = leaked
    scores[Part.deduplicated.rawValue] = report.map(Self.scores)
  }
}

/// The file beside a cell's run: what the cell is, and once it is finished what it measured.
struct CellRecord: Codable {
  /// A cell is kept while all of this is the same.
  struct Definition: Codable, Equatable {
    /// The resolved recipe as YAML, data folder included.
    var recipe: String
    /// A digest of the dataset's rows.
    var data: String
    /// A digest of what the pretrainings are that it takes networks of; absent where there are none.
    var pretrainings: String?
    /// Digests of the files outside the benchmark that the recipe names; absent where it names none.
    var files: String?
  }

  var definition: Definition
  /// A digest of the test memes that the de-duplicated scores are without; absent where there are no such scores.
  var leaks: String?
  /// What a finished cell measured; absent for one that was begun.
  var result: CellResult?
}

extension Set<String> {
  /// The SHA-256 of the sorted members.
  var digest: String {
    var hash = SHA256()
    for member in sorted() { hash.update(field: member) }
    return hash.finalize().hex
  }
}

extension Dataset {
  /// The SHA-256 of every row: id, text, labels, split and the picture's name, but not the picture.
  var rowDigest: String {
    var hash = SHA256()
    for meme in withSplits().memes {
      let labels = meme.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
      let fields = [meme.id, meme.text ?? "", meme.image?.lastPathComponent ?? "", meme.split?.rawValue ?? ""] + labels
      for field in fields { hash.update(field: field) }
      hash.update(data: Data("\n".utf8))
    }
    return hash.finalize().hex
  }
}

/// A test meme with truth and answer, for `memesense score` and for comparisons of methods: the file is both a truth
/// file and a prediction file.
struct ScoredMeme: Encodable {
  var id: String
  /// Truth of a binary or multi-label task.
  var labels: [String: Int]?
  /// Truth of a multi-class task.
  var label: String?
  var probabilities: [String: Double]
}

extension PredictionSet {
  /// The labelled memes, one JSON line each.
  func scoredLines() throws -> Data {
    try zip(memes, probabilities).reduce(into: Data()) { lines, row in
      let (meme, values) = row
      guard let truth = meme.labels[task.name] else { return }
      var scored = ScoredMeme(
        id: meme.id, probabilities: Dictionary(uniqueKeysWithValues: zip(task.labels, values)))
      switch truth {
      case .binary(let flag): scored.labels = [task.labels[0]: flag ? 1 : 0]
      case .multiclass(let index): scored.label = task.labels[index]
      case .multilabel(let flags):
        scored.labels = Dictionary(uniqueKeysWithValues: zip(task.labels, flags.map { $0 ? 1 : 0 }))
      }
      try lines.append(JSON.line(scored))
    }
  }
}

extension ScoredMemes {
  /// The test memes of a finished cell.
  ///
  /// - Throws: `ScoreFileError` where its file is damaged.
  public init(ofCell folder: URL, kind: TaskKind) throws(ScoreFileError) {
    let file = folder.appending(path: Self.fileName)
    let scores = try ScoreFiles(truth: file, predictions: file, kind: kind)
    self.init(kind: kind, labels: scores.labels, truth: scores.truth, probabilities: scores.probabilities)
  }

  static let fileName = "scored-test.jsonl"
}
