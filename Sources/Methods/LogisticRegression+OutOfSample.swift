import Encoders
import Foundation
import MemeData
import Torch
import TorchNN

extension LogisticRegression {
  /// Labelled memes that are to be predicted by models trained on others.
  public struct Examples {
    public var features: FeatureTable
    public var labels: [Label]
    public var task: LabelTask
    /// Memes with equal numbers go to one fold, lest the copy of a meme vouches for its label.
    public var clusters: [Int]

    public init(features: FeatureTable, labels: [Label], task: LabelTask, clusters: [Int]) {
      precondition(
        features.count == labels.count && labels.count == clusters.count, "one label and one cluster for each row")
      self.features = features
      self.labels = labels
      self.task = task
      self.clusters = clusters
    }
  }

  /// What is said of each example by the model trained on all folds but its own: cross-validated predictions. [N, C]
  ///
  /// Folds are trained at once, one a core, and do not depend on each other.
  ///
  /// - Parameter progress: told how many folds are done, from any thread.
  /// - Throws: ``MethodError`` where the examples are too few for two folds.
  public func outOfSampleProbabilities(
    of examples: Examples, seed: UInt64, progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void
  ) throws -> [[Double]] {
    let folds = Self.folds(of: examples, count: foldCount, seed: seed)
    let used = Set(folds).sorted()
    guard used.count > 1 else {
      throw MethodError(
        "\(Self.name): \(examples.labels.count) labelled memes for the task '\(examples.task.name)' make no two folds")
    }
    let work = FoldWork(method: self, examples: examples, folds: folds, seed: seed)
    try Runtime.concurrently(used.count, threadsEach: 1) { index, isWanted in
      guard isWanted() else { return }
      try work.predict(fold: used[index])
      progress(work.finishOne(), used.count)
    }
    return work.rows
  }

  /// Clusters in shuffled order, dealt out label by label of their first memes so that all folds are alike.
  private static func folds(of examples: Examples, count: Int, seed: UInt64) -> [Int] {
    let generator = Generator(seed: seed, parts: "out of sample")
    let order: [Int] = Tensor.permutation(of: examples.labels.count, using: generator).values()
    var seen: Set<Int> = []
    let firsts = order.filter { seen.insert(examples.clusters[$0]).inserted }
    var foldOfCluster: [Int: Int] = [:]
    let byLabel = Dictionary(grouping: firsts) { examples.labels[$0] }
    for index in examples.labels.distinct().flatMap({ byLabel[$0] ?? [] }) {
      foldOfCluster[examples.clusters[index]] = foldOfCluster.count % count
    }
    return examples.clusters.map { foldOfCluster[$0]! }
  }
}

/// The folds' common input and output. The tensors are only read; a lock keeps the rest.
private final class FoldWork: @unchecked Sendable {
  private let method: LogisticRegression
  private let examples: LogisticRegression.Examples
  private let folds: [Int]
  private let seed: UInt64
  private let lock = NSLock()
  private var done = 0
  private(set) var rows: [[Double]]

  init(method: LogisticRegression, examples: LogisticRegression.Examples, folds: [Int], seed: UInt64) {
    self.method = method
    self.examples = examples
    self.folds = folds
    self.seed = seed
    rows = [[Double]](repeating: [], count: folds.count)
  }

  func predict(fold: Int) throws {
    let kept = folds.indices.filter { folds[$0] != fold }
    let held = folds.indices.filter { folds[$0] == fold }
    let problem = Problem(
      features: examples.features.gathered(kept), labelled: Array(kept.indices),
      labels: kept.map { examples.labels[$0] },
      unlabelled: [], labelRatio: 1, task: examples.task, seed: seed)
    let store = ParameterStore(initializingFrom: Generator(seed: seed, parts: "initial"))
    let model = method.model(for: problem.shape, in: store.root)
    // One of the threads is the caller's, whose mixed precision the others do not have.
    let probabilities = try withAutocast(to: .float32) {
      try method.fit(model, to: problem)
      return model.probabilities(of: examples.features.gathered(held))
    }
    let (values, width) = (probabilities.doubles, problem.shape.outputCount)
    lock.withLock {
      for (place, row) in held.enumerated() { rows[row] = Array(values[place * width..<(place + 1) * width]) }
    }
  }

  func finishOne() -> Int {
    lock.withLock {
      done += 1
      return done
    }
  }
}
