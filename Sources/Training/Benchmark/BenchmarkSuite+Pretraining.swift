import Encoders

extension BenchmarkSuite {
  /// Networks that are trained without labels, by a recipe of `memesense pretrain`.
  public struct Pretraining: Codable, Sendable {
    /// What methods and tables call it.
    public var name: String
    /// A recipe's name or file, or a method's name for its small recipe; absent means ``name``.
    public var recipe: String?
    /// What its networks start from, as `--init` sets it: a pretraining above it, a model of the hub or `random`, two with a
    /// comma between where it trains two; absent for what the recipe says.
    public var start: String?
    /// Names of the suite's datasets that it learns from, the one first whose labelled few tell what features are worth;
    /// absent for all.
    public var datasets: [String]?
    /// Fields of the recipe that are replaced, as `--set` does it.
    public var set: [String]?

    enum CodingKeys: String, CodingKey {
      case name, recipe, datasets, set
      case start = "init"
    }

    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(name, forKey: .name)
      try container.encode(recipe, forKey: .recipe)
      try container.encode(start, forKey: .start)
      try container.encode(datasets, forKey: .datasets)
      try container.encode(set, forKey: .set)
    }
  }

  /// What is wrong with the names of the pretrainings and what they name; `nil` where nothing is.
  var pretrainingFault: String? {
    let taken = Set(EncoderCatalog.entries.map(\.name) + ["random"])
    var known: Set<String> = []
    for entry in pretrainings {
      // Letters, digits, dots, hyphens and underscores: a name stands beside colons and commas, and names a folder.
      guard entry.name.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._-]*/) != nil, !taken.contains(entry.name) else {
        return "'\(entry.name)' cannot be a name: expected letters, digits, dots, hyphens and underscores, and no name "
          + "that means something else, as \(taken.sorted().joined(separator: ", "))"
      }
      guard known.insert(entry.name).inserted else { return "'\(entry.name)' stands twice" }
      if let names = entry.datasets {
        guard !names.isEmpty, Set(names).count == names.count else {
          return "'\(entry.name)': datasets must name some, each once"
        }
        if let stray = names.first(where: { name in !datasets.contains { $0.name == name } }) {
          return "'\(entry.name)' learns from the dataset '\(stray)', which the suite has not"
        }
      }
      let starts = entry.start?.split(separator: ",").map { $0.prefix { $0 != ":" } } ?? []
      let later = pretrainings.map(\.name).filter { !known.contains($0) } + [entry.name]
      if let stray = starts.first(where: { later.contains(String($0)) }) {
        return "'\(entry.name)' starts from '\(stray)', which must stand above it"
      }
    }
    return nil
  }
}
