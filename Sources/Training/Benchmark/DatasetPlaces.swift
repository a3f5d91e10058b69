import Foundation

/// Where the datasets of a suite lie.
struct DatasetPlaces {
  /// Names of datasets without a folder, sorted.
  let unbound: [String]
  /// Corpora to draw.
  let drawings: [(folder: URL, memeCount: Int)]
  /// The folder of the suite's file, which relative paths start from.
  let base: URL?
  private let bindings: [String: URL]
  private let folder: URL

  init(
    _ suite: BenchmarkSuite, bindings: [String: URL], base: URL?, folder: URL, skipsUnbound: Bool
  ) throws {
    self.bindings = bindings
    self.base = base
    self.folder = folder
    let names = suite.datasets.map(\.name)
    if let stray = bindings.keys.sorted().first(where: { !names.contains($0) }) {
      throw TrainingError.invalid(
        "the suite has no dataset '\(stray)' for --data \(stray)=…; it has \(Self.list(names))")
    }
    drawings = suite.datasets.compactMap { entry in
      bindings[entry.name] == nil ? entry.draw.map { (folder.appending(path: "corpora/drawn-\($0)"), $0) } : nil
    }
    func isUnbound(_ entry: BenchmarkSuite.Entry) -> Bool {
      Self.path(of: entry, bindings: bindings, base: base, folder: folder) == nil
    }
    let labelled = suite.datasets.filter { !$0.isUnlabelled }
    let missing = labelled.filter(isUnbound).map(\.name)
    guard missing.isEmpty || (skipsUnbound && missing.count < labelled.count) else {
      throw TrainingError.invalid(
        "the suite does not say where \(Self.list(missing)) lies: give "
          + Set(missing).sorted().map { "--data \($0)=PATH" }.joined(separator: " ")
          + (missing.count < labelled.count ? ", or --skip-unbound to go without" : ""))
    }
    unbound = Set(suite.datasets.filter(isUnbound).map(\.name)).sorted()
  }

  /// The folder of an entry; `nil` where nothing binds it to one.
  func path(of entry: BenchmarkSuite.Entry) -> URL? {
    Self.path(of: entry, bindings: bindings, base: base, folder: folder)
  }

  private static func path(
    of entry: BenchmarkSuite.Entry, bindings: [String: URL], base: URL?, folder: URL
  ) -> URL? {
    if let bound = bindings[entry.name] { return bound }
    if let count = entry.draw { return folder.appending(path: "corpora/drawn-\(count)") }
    return entry.data.map { URL(fileURLWithPath: $0, relativeTo: base).standardizedFileURL }
  }

  private static func list(_ names: [String]) -> String {
    Set(names).sorted().map { "'\($0)'" }.joined(separator: ", ")
  }
}
