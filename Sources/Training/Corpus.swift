import Encoders
import Foundation
import MemeData

/// A dataset with the features of its memes.
public struct Corpus {
  public let dataset: Dataset
  private let featuresBySplit: [Split: FeatureTable]
  private let memesBySplit: [Split: [Meme]]

  /// Groups memes by split and asks `features` for the table of each of `splits` that has memes.
  public init(
    _ dataset: Dataset, splits: [Split] = Split.allCases, features: ([Meme]) throws -> FeatureTable
  ) throws {
    let whole = dataset.withSplits()
    self.dataset = whole
    let grouped = Dictionary(grouping: whole.memes.filter { $0.split != nil }) { $0.split! }
    memesBySplit = grouped
    // In a fixed order, so that two runs do the same work in the same order.
    featuresBySplit = try splits.reduce(into: [:]) { tables, split in
      if let memes = grouped[split] { tables[split] = try features(memes) }
    }
  }

  public func memes(in split: Split) -> [Meme] { memesBySplit[split] ?? [] }

  /// The features of ``memes(in:)``, row for row.
  public func features(in split: Split) throws -> FeatureTable {
    guard let table = featuresBySplit[split] else {
      throw TrainingError.noMemes(split: split.rawValue, task: "any task")
    }
    return table
  }

  /// The tasks of these names, commas between them, or the only one where no name is given.
  public func tasks(named names: String?) throws -> [LabelTask] {
    guard let names, !dataset.tasks.contains(where: { $0.name == names }) else { return [try task(named: names)] }
    let parts = names.split(separator: ",", omittingEmptySubsequences: false).map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    guard Set(parts).count == parts.count else { throw TrainingError.invalid("a task stands twice in '\(names)'") }
    return try parts.map { try task(named: $0) }
  }

  /// The task of that name, or the only one where no name is given.
  public func task(named name: String?) throws -> LabelTask {
    let tasks = dataset.tasks
    if name == nil, tasks.count == 1 { return tasks[0] }
    guard let name, let task = tasks.first(where: { $0.name == name }) else {
      throw TrainingError.unknownTask(
        name ?? "(none named; use --task)", available: tasks.map(\.name), dataset: dataset.root)
    }
    return task
  }
}
