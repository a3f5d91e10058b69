import Foundation
import MemeData
import Metrics

/// What a benchmark found: means over seeds, with comparisons of the best method with each other one.
public struct BenchmarkSummary: Sendable, Encodable {
  /// One task of one dataset.
  public struct Group: Sendable, Encodable {
    public var dataset: String
    public var task: String?
    /// The split that the scores are of: test, or validation where no test meme has a label.
    public var split: Split
    /// By number of labels, then in the order of the suite's methods.
    public var rows: [Row]
    /// The method of the highest test score against each other one.
    public var comparisons: [Comparison]
    /// Methods on a pretraining against the same on its control; left out where nothing has one.
    public var controls: [Comparison]?
    /// Pretrainings of the same control under the same method; left out where no two have one.
    public var pretrainingPairs: [Comparison]?

    enum CodingKeys: String, CodingKey {
      case dataset, task, split, rows, comparisons, controls
      case pretrainingPairs = "pretraining_pairs"
    }

    /// The dataset with its task, as a heading.
    public var name: String { [dataset, task].compactMap(\.self).joined(separator: " · ") }

    /// The rows at each number of labels.
    public var rowsByLabels: [[Row]] {
      rows.reduce(into: []) { groups, row in
        if groups.last?.first?.labels == row.labels {
          groups[groups.count - 1].append(row)
        } else {
          groups.append([row])
        }
      }
    }

    /// What rows call a number of labels; without how many memes that were where split files of methods leave different ones.
    public func labelText(at labels: Double) -> String {
      let texts = Set(rows.filter { $0.labels == labels }.map(\.labelText))
      if texts.count == 1, let text = texts.first { return text }
      return labels > 1 ? BenchmarkCell.text(labels) : BenchmarkCell.Place.text(labels: labels)
    }

    /// How many test memes leak: one number, or several where methods have split files of their own. Empty where that was not
    /// asked.
    public var leakCounts: Set<Int> { Set(rows.compactMap(\.leakedTestMemes)) }
  }

  /// One method at one number of labels, over its seeds.
  public struct Row: Sendable, Encodable {
    /// The method, with its encoder where the group has several, and what its networks start from where the suite says it.
    public var method: String
    /// The method alone.
    public var family: String
    public var encoder: String
    /// Left out where the recipe says it.
    public var start: String?
    /// As the suite has it: a share up to 1, or a count.
    public var labels: Double
    /// How many memes that were.
    public var labelled: Int
    /// One score a metric of the suite, with the sample's deviation; `null` where undefined.
    public var scores: [Spread?]
    /// The same without the test memes that leak, of which there are ``leakedTestMemes``.
    public var deduplicated: [Spread?]
    /// `nil` where that was not asked.
    public var leakedTestMemes: Int?
    /// One published figure a metric, where there is one and the scores are of the test split, as published ones are. Not
    /// measured by this program.
    public var published: [BenchmarkSuite.Published?]
    /// Trained numbers, the encoders' left out; the most of any seed.
    public var parameters: Int
    /// Seconds of training, over the cells that were trained in one go.
    public var seconds: Spread?
    /// The most memory while training, in MB of 10⁶ bytes, over the cells of which it was measured.
    public var peakMegabytes: Spread?
    public var seeds: [UInt64]

    enum CodingKeys: String, CodingKey {
      case method, encoder, labels, labelled, scores, deduplicated, published, parameters, seconds, seeds
      case start = "init"
      case leakedTestMemes = "leaked_test_memes"
      case peakMegabytes = "peak_mb"
    }

    public var labelText: String {
      labels > 1 ? "\(labelled)" : "\(BenchmarkCell.Place.text(labels: labels)) (\(labelled))"
    }
  }

  /// Two methods at one number of labels.
  public struct Comparison: Sendable, Encodable {
    /// What the two are to each other; JSON names them by it.
    public enum Relation: Sendable {
      case bestAndOther, methodAndControl, pretrainings
    }

    public var relation: Relation
    public var labels: Double
    public var first: String
    public var second: String
    /// How many seeds both have.
    public var seedCount: Int
    /// What is compared, and what the best was chosen by: the suite's first metric, or the AUROC where that cannot be
    /// computed on resamples.
    public var metric: Metric
    /// Positive where the first is better.
    public var difference: PairedComparison

    private enum CodingKeys: String, CodingKey {
      case labels, best, other, method, control, first, second, metric, difference
      case seedCount = "seeds"
    }

    public func encode(to encoder: any Encoder) throws {
      let names: (CodingKeys, CodingKeys) =
        switch relation {
        case .bestAndOther: (.best, .other)
        case .methodAndControl: (.method, .control)
        case .pretrainings: (.first, .second)
        }
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(labels, forKey: .labels)
      try container.encode(first, forKey: names.0)
      try container.encode(second, forKey: names.1)
      try container.encode(seedCount, forKey: .seedCount)
      try container.encode(metric, forKey: .metric)
      try container.encode(difference, forKey: .difference)
    }
  }

  public var metrics: [Metric]
  public var groups: [Group]
  /// Empty where the suite has none.
  public var pretrainings: [Pretraining]

  /// Sums up what is there; methods of which no cell is finished are left out.
  ///
  /// - Throws: `ScoreFileError` where the scored memes of a finished cell are damaged.
  public init(
    _ results: [CellResult], _ pretrainings: [BenchmarkRun.Pretrained] = [], of plan: BenchmarkPlan,
    resampling: Resampling = Resampling()
  ) throws {
    metrics = plan.suite.metrics
    self.pretrainings = Self.pretrainings(pretrainings)
    var order: [String] = []
    var byGroup: [String: [CellResult]] = [:]
    for result in results {
      let key = "\(result.place.dataset)\n\(result.place.task ?? "")"
      if byGroup[key] == nil { order.append(key) }
      byGroup[key, default: []].append(result)
    }
    groups = try order.map { try Self.group(byGroup[$0]!, of: plan, resampling) }
  }

  private static func group(
    _ results: [CellResult], of plan: BenchmarkPlan, _ resampling: Resampling
  ) throws -> Group {
    let split: Split = results.contains { $0.scores[Split.test.rawValue] != nil } ? .test : .validation
    let metric = comparedMetric(of: results, rankedBy: plan.suite.metrics[0])
    var places: [BenchmarkCell.Place] = []
    for place in results.map(\.place.withoutSeed) where !places.contains(place) { places.append(place) }
    var group = Group(
      dataset: places[0].dataset, task: places[0].task, split: split, rows: [], comparisons: [])
    for labels in plan.suite.labels {
      var contenders: [Contender] = []
      for place in places where place.labels == labels {
        let own = results.filter { $0.place.withoutSeed == place }
        let name = places.methodLabel(of: place)
        contenders.append(Contender(place: place, name: name, results: own, metric: metric))
        group.rows.append(
          Row(
            method: name, family: place.method, encoder: place.encoder, start: place.start, labels: labels,
            labelled: own[0].labelled,
            scores: plan.suite.metrics.map { metric in
              Spread(ofSample: own.compactMap { $0.score(metric, .init(split)) })
            },
            deduplicated: plan.suite.metrics.map { metric in
              Spread(ofSample: own.compactMap { $0.score(metric, .deduplicated) })
            }, leakedTestMemes: own.compactMap(\.leakedTestMemes).first,
            published: plan.suite.metrics.map { split == .test ? plan.suite.published(for: place, metric: $0) : nil },
            parameters: own.map(\.parameters).max()!, seconds: Spread(ofSample: own.compactMap(\.seconds)),
            peakMegabytes: Spread(ofSample: own.compactMap(\.peakMegabytes)), seeds: own.map(\.place.seed)))
      }
      if split == .test, contenders.count > 1, contenders.contains(where: { $0.mean != nil }) {
        for index in contenders.indices {
          contenders[index].models = try bootstrapped(contenders[index].results, by: metric, resampling) { result in
            try ScoredMemes(ofCell: plan.folder.appending(path: result.place.path), kind: result.taskKind)
          }
        }
        group.comparisons += comparisons(contenders)
        let found = controls(contenders, plan)
        if !found.isEmpty { group.controls = (group.controls ?? []) + found }
        let pairs = pretrainingPairs(contenders, plan)
        if !pairs.isEmpty { group.pretrainingPairs = (group.pretrainingPairs ?? []) + pairs }
      }
    }
    return group
  }
}
