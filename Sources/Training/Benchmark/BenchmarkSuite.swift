import Foundation
import MemeData
import Metrics

/// What a benchmark measures: every method on every dataset and encoder, at every number of labels, with every seed.
///
/// One YAML file; see ``BenchmarkSuite/init(yaml:source:overrides:)`` for how strictly it is read.
public struct BenchmarkSuite: Codable, Sendable {
  /// What the suite asks, as a heading.
  public var title: String
  public var datasets: [Entry]
  /// What is trained without labels before the cells, by entries above it and once a seed; empty where a suite leaves it out.
  public var pretrainings: [Pretraining]
  /// Epochs of every pretraining in place of its recipe's, but of those of no epoch; absent for the recipes' own.
  public var pretrainingEpochs: Int?
  public var methods: [Method]
  /// Names of encoders, as recipes have them.
  public var encoders: [String]
  /// How many training memes are labelled: fractions up to 1, or counts above it.
  public var labels: [Double]
  public var seeds: [UInt64]
  /// The columns of the tables. The first ranks the methods and is drawn against the labels.
  public var metrics: [Metric]
  /// Figures that others published for the same cells.
  public var published: [Published]
  /// Whether scores without the test memes that leak, see ``TestLeaks``, stand beside the official ones; true where a
  /// suite leaves it out, as suites did before there was such a choice.
  public var deduplicated: Bool

  /// Keys that a file may leave out.
  private static let optionalKeys = Set([CodingKeys.deduplicated, .pretrainings, .pretrainingEpochs].map(\.rawValue))

  /// One task of a dataset.
  public struct Entry: Codable, Sendable {
    /// The name that `--data NAME=PATH` binds to a folder; entries of the same name share it.
    public var name: String
    /// The task; absent where the dataset has only one.
    public var task: String?
    /// The dataset's folder, relative to the suite's file; absent where `--data` names it.
    public var data: String?
    /// How many memes the program draws for itself instead.
    public var draw: Int?
    /// True for memes that pretrainings alone learn from: there are no cells of it, and it is left out where nothing binds
    /// it.
    public var unlabelled: Bool?

    var isUnlabelled: Bool { unlabelled ?? false }

    enum CodingKeys: String, CodingKey {
      case name, task, data, draw, unlabelled
    }
  }

  /// A method by its recipe.
  public struct Method: Codable, Sendable {
    /// What tables call it.
    public var name: String
    /// A recipe's name or file, or a method's name for the recipe that belongs to the encoder; absent means ``name``.
    public var recipe: String?
    /// Its own encoders in place of the suite's.
    public var encoders: [String]?
    /// What `finetune` starts from, one after the other, as `--init` sets it: a pretraining of the suite (`NAME` or
    /// `NAME:NETWORK`), a model of the hub, or `random`; absent for what the recipe says.
    public var starts: [String]?
    /// Whether cells are left out rather than failed where something is missing that they start from, by ``starts`` or by the
    /// recipe: a model in the hub's cache, or a file of weights or of a detector.
    public var optional: Bool?
    /// Whether each training learns all tasks that the suite has of the dataset at once; its scores are of one of them. There
    /// are no cells of it on a dataset of which the suite has one task.
    public var together: Bool?
    /// Fields of the recipe that are replaced, as `--set` does it: `settings.head.hidden=128`.
    public var set: [String]?

    enum CodingKeys: String, CodingKey {
      case name, recipe, encoders, optional, together, set
      case starts = "init"
    }
  }

  /// A figure from a paper, shown beside the measured one.
  public struct Published: Codable, Sendable, Equatable {
    public var dataset: String
    public var task: String?
    public var method: String
    public var encoder: String
    /// What the method's networks start from, as tables name it; absent for a method without such a list.
    public var start: String?
    public var labels: Double
    public var metric: Metric
    /// On the test split.
    public var value: Double
    public var source: String

    enum CodingKeys: String, CodingKey {
      case dataset, task, method, encoder, labels, metric, value, source
      case start = "init"
    }
  }

  enum CodingKeys: String, CodingKey {
    case title, datasets, pretrainings, methods, encoders, labels, seeds, metrics, published, deduplicated
    case pretrainingEpochs = "pretraining_epochs"
  }

  /// Reads a suite strictly; see ``StrictYAML``.
  ///
  /// - Parameters:
  ///   - source: the file's name for errors.
  ///   - overrides: `key=value` pairs that replace fields, such as `seeds=[42]`; values are YAML.
  /// - Throws: ``RecipeError`` with line, key and what was expected.
  public init(yaml: String, source: String, overrides: [String] = []) throws {
    self = try StrictYAML(
      what: "a suite", example: "memesense benchmark show harmeme", source: source,
      optionalKeys: Self.optionalKeys
    ).decode(yaml, overrides: overrides)
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    title = try container.decode(String.self, forKey: .title)
    datasets = try container.filledList(.datasets)
    pretrainings = try container.decodeIfPresent([Pretraining].self, forKey: .pretrainings) ?? []
    pretrainingEpochs = try container.decodeIfPresent(Int.self, forKey: .pretrainingEpochs)
    methods = try container.filledList(.methods)
    encoders = try container.filledList(.encoders)
    labels = try container.filledList(.labels)
    seeds = try container.filledList(.seeds)
    metrics = try container.filledList(.metrics)
    published = try container.decode([Published].self, forKey: .published)
    deduplicated = try container.decodeIfPresent(Bool.self, forKey: .deduplicated) ?? true

    if let value = labels.first(where: { !($0 > 0 && $0 <= Recipe.labelLimit) }) {
      throw container.fault(.labels, "labels must be above 0, as 0.05 or 150; one is \(value)")
    }
    if let seed = seeds.first(where: { !Recipe.seeds.contains($0) }) {
      throw container.fault(.seeds, "the seed \(seed) is too large; label draws take 0 to \(Recipe.seeds.upperBound)")
    }
    if let entry = datasets.first(where: { $0.data != nil && $0.draw != nil }) {
      throw container.fault(.datasets, "'\(entry.name)' has both data and draw; a drawn corpus needs no data")
    }
    if let entry = datasets.first(where: { !(100...20_000).contains($0.draw ?? 100) }) {
      throw container.fault(.datasets, "'\(entry.name)' draws \(entry.draw ?? 0) memes; 100 to 20000 can be drawn")
    }
    guard datasets.contains(where: { !$0.isUnlabelled }) else {
      throw container.fault(.datasets, "all are unlabelled; there are no cells without a dataset that has labels")
    }
    if let fault = pretrainingFault { throw container.fault(.pretrainings, fault) }
    if let method = methods.first(where: { $0.encoders?.isEmpty == true }) {
      throw container.fault(.methods, "'\(method.name)' has an empty list encoders; leave it out for the suite's")
    }
    if let method = methods.first(where: { $0.starts?.isEmpty == true }) {
      throw container.fault(.methods, "'\(method.name)' has an empty list init; leave it out for what the recipe says")
    }
    if let method = methods.first(where: { $0.together == true }), datasets.allSatisfy({ !hasCells($0, of: method) }) {
      throw container.fault(
        .methods, "'\(method.name)' learns a dataset's tasks together; the suite has several tasks of no dataset")
    }
    if let epochs = pretrainingEpochs, epochs < 1 {
      throw container.fault(
        .pretrainingEpochs, "it is \(epochs); expected at least 1, or null for those of the recipes")
    }
    try container.refuseRepetition(.datasets, datasets.map { "\($0.name) \($0.task ?? "")" })
    if let method = methods.first(where: { $0.together == true }),
      let entry = datasets.first(where: { hasCells($0, of: method) && $0.task?.contains(",") == true })
    {
      throw container.fault(
        .datasets,
        "'\(method.name)' learns the tasks of '\(entry.name)' together, and '\(entry.task ?? "")' are several")
    }
    try container.refuseRepetition(.methods, methods.map(\.name))
    for method in methods {
      try container.refuseRepetition(.methods, method.encoders ?? [])
      try container.refuseRepetition(.methods, method.starts ?? [])
    }
    try container.refuseRepetition(.encoders, encoders)
    try container.refuseRepetition(.labels, labels.map { "\($0)" })
    try container.refuseRepetition(.seeds, seeds.map { "\($0)" })
    try container.refuseRepetition(.metrics, metrics.map(\.rawValue))
    for figure in published {
      // A figure that no cell can stand beside is a misspelt one.
      guard datasets.contains(where: { $0.name == figure.dataset }) else {
        throw container.fault(
          .published, "a figure is for the dataset '\(figure.dataset)', which the suite has not")
      }
      guard methods.contains(where: { $0.name == figure.method }) else {
        throw container.fault(.published, "a figure is for the method '\(figure.method)', which the suite has not")
      }
    }
  }

  /// Refuses figures beside which no cell stands: of a task, an encoder, a number of labels or a metric that the suite has not.
  /// Overrides may leave such out, so that this is asked of a file as it stands.
  ///
  /// - Throws: ``RecipeError``
  public func requireCellsOfPublished(source: String) throws {
    for figure in published {
      let method = methods.first { $0.name == figure.method }
      let own = method?.encoders ?? encoders
      let hasStart = method?.starts?.contains(figure.start ?? "") ?? (figure.start == nil)
      let hasTask = datasets.contains { entry in
        entry.name == figure.dataset && entry.task == figure.task && (method.map { hasCells(entry, of: $0) } ?? true)
      }
      let strays = [
        hasTask ? nil : "the task '\(figure.task ?? "none")'",
        own.contains(figure.encoder) ? nil : "the encoder '\(figure.encoder)'",
        hasStart ? nil : "the init '\(figure.start ?? "none")'",
        labels.contains(figure.labels) ? nil : "\(figure.labels) labels",
        metrics.contains(figure.metric) ? nil : figure.metric.rawValue,
      ].compactMap(\.self)
      guard strays.isEmpty else {
        throw RecipeError(
          description: "\(source): a figure published for '\(figure.method)' is of "
            + "\(strays.joined(separator: " and ")), for which the suite has no cell")
      }
    }
  }

  /// Whether there is something to train of a method on an entry: of one that learns several tasks together only where there are
  /// several.
  func hasCells(_ entry: Entry, of method: Method) -> Bool {
    !entry.isUnlabelled && (method.together != true || !furtherTasks(of: entry).isEmpty)
  }

  /// The tasks that the suite has of an entry's dataset beside its own.
  func furtherTasks(of entry: Entry) -> [String] {
    datasets.filter { $0.name == entry.name && $0.task != entry.task && !$0.isUnlabelled }.compactMap(\.task)
  }

  /// The figure published for one cell and metric.
  func published(for cell: BenchmarkCell.Place, metric: Metric) -> Published? {
    published.first {
      $0.dataset == cell.dataset && $0.task == cell.task && $0.method == cell.method && $0.encoder == cell.encoder
        && $0.start == cell.start && $0.labels == cell.labels && $0.metric == metric
    }
  }
}

extension BenchmarkSuite {
  /// Encodes every key; see below.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(title, forKey: .title)
    try container.encode(datasets, forKey: .datasets)
    try container.encode(pretrainings, forKey: .pretrainings)
    try container.encode(pretrainingEpochs, forKey: .pretrainingEpochs)
    try container.encode(methods, forKey: .methods)
    try container.encode(encoders, forKey: .encoders)
    try container.encode(labels, forKey: .labels)
    try container.encode(seeds, forKey: .seeds)
    try container.encode(metrics, forKey: .metrics)
    try container.encode(published, forKey: .published)
    try container.encode(deduplicated, forKey: .deduplicated)
  }
}

// Optional keys are written as null, so that a reader of the encoding sees every key there is.

extension BenchmarkSuite.Entry {
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(task, forKey: .task)
    try container.encode(data, forKey: .data)
    try container.encode(draw, forKey: .draw)
    try container.encode(unlabelled, forKey: .unlabelled)
  }
}

extension BenchmarkSuite.Method {
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(recipe, forKey: .recipe)
    try container.encode(encoders, forKey: .encoders)
    try container.encode(starts, forKey: .starts)
    try container.encode(optional, forKey: .optional)
    try container.encode(together, forKey: .together)
    try container.encode(set, forKey: .set)
  }
}

extension BenchmarkSuite.Published {
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(dataset, forKey: .dataset)
    try container.encode(task, forKey: .task)
    try container.encode(method, forKey: .method)
    try container.encode(self.encoder, forKey: .encoder)
    try container.encode(start, forKey: .start)
    try container.encode(labels, forKey: .labels)
    try container.encode(metric, forKey: .metric)
    try container.encode(value, forKey: .value)
    try container.encode(source, forKey: .source)
  }
}

extension KeyedDecodingContainer {
  fileprivate func filledList<Element: Decodable>(_ key: Key) throws -> [Element] {
    let list = try decode([Element].self, forKey: key)
    guard !list.isEmpty else { throw fault(key, "the list is empty; a suite needs at least one of \(key.stringValue)") }
    return list
  }

  fileprivate func refuseRepetition(_ key: Key, _ names: [String]) throws {
    let counts = Dictionary(grouping: names) { $0 }
    if let twice = names.first(where: { (counts[$0]?.count ?? 0) > 1 }) {
      throw fault(key, "'\(twice.trimmingCharacters(in: .whitespaces))' stands twice")
    }
  }
}
