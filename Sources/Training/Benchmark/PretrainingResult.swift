import Crypto
import Encoders
import Foundation

/// What one finished pretraining of a benchmark measured: a row for each of its networks in `pretrainings.jsonl` and
/// `pretrainings.csv`.
public struct PretrainingResult: Codable, Sendable {
  /// What the suite calls it.
  public var name: String
  public var seed: UInt64
  /// Pictures that were trained on, and trained numbers, heads included.
  public var pictures: Int
  public var parameters: Int
  /// Seconds of training alone; `nil` for one that a killed benchmark had begun.
  public var seconds: Double?
  /// What was measured before the first step and after the last, by names that begin with a network's.
  public var before: [String: Double]
  public var after: [String: Double]
  public var epochs: [TrainingLog.Epoch]

  /// What is measured of every network.
  public enum Measure: String, CaseIterable, Sendable {
    case neighbourAUROC = "neighbour_auroc"
    case linearAUROC = "linear_auroc"
    case deviation, uniformity, alignment
  }

  init(_ outcome: PretrainingRun.Outcome, of pretraining: BenchmarkPretraining, isResumed: Bool) {
    let summary = outcome.summary
    (name, seed) = (pretraining.name, pretraining.seed)
    (pictures, parameters) = (summary.pictures, summary.parameters)
    seconds = isResumed ? nil : summary.seconds
    (before, after) = (summary.before, summary.after)
    epochs = outcome.epochs
  }

  /// A measure of a network by epochs done. Of networks that were not trained there is one value, that of the only ones
  /// whose batch statistics are those of the pictures.
  public func curve(_ measure: Measure, of network: PretrainedDescription.Network) -> [(epoch: Int, value: Double)] {
    curve(measure.rawValue, of: network)
  }

  /// A measure by its name, one that only some networks have among them.
  func curve(_ measure: String, of network: PretrainedDescription.Network) -> [(epoch: Int, value: Double)] {
    let key = "\(network.name)_\(measure)"
    let first = (epochs.isEmpty ? after : before)[key].map { (0, $0) }
    return [first].compactMap(\.self) + epochs.compactMap { epoch in epoch.measures?[key].map { (epoch.epoch, $0) } }
  }
}

extension PretrainingResult {
  /// The names of all that was measured of a network.
  func measures(of network: PretrainedDescription.Network) -> Set<String> {
    let (names, start) = (([before, after] + epochs.compactMap(\.measures)).flatMap(\.keys), "\(network.name)_")
    return Set(names.filter { $0.hasPrefix(start) }.map { String($0.dropFirst(start.count)) })
  }
}

/// The file beside a pretraining's run: what the pretraining is, and once it is finished what it measured.
struct PretrainingRecord: Codable {
  /// A pretraining is kept while all of this is the same.
  struct Definition: Codable, Equatable {
    /// The resolved recipe as YAML, data folders included.
    var recipe: String
    /// A digest of the rows of each of the datasets.
    var data: [String]
    /// Digests of the pretrainings that it starts from.
    var starts: [String]
    /// Digests of the files outside the benchmark that the recipe names; absent where it names none.
    var files: String?

    /// The SHA-256 of all of it.
    var digest: String {
      var hash = SHA256()
      for field in [recipe] + data + starts + [files].compactMap(\.self) { hash.update(field: field) }
      return hash.finalize().hex
    }
  }

  var definition: Definition
  /// What a finished one measured; absent for one that was begun.
  var result: PretrainingResult?
}
