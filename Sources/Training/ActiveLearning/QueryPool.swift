import Encoders
import Foundation
import MemeData
import Methods
import Torch
import TorchNN

/// How the memes are chosen whose labels are asked for next.
public enum QueryStrategy: String, Sendable, Codable, CaseIterable {
  /// By chance.
  case random
  /// Where the model is least sure: the greatest entropy of its probabilities.
  case uncertainty
  /// Farthest from everything that is labelled or chosen (k-center greedy: Sener and Savarese, 2018, arXiv:1708.00489).
  case diversity
  /// Unsure and unlike each other, copies folded: see ``QueryPool/next(_:labelled:probabilities:isExclusive:by:seed:)``.
  case ours
}

/// Memes that labels can be asked for, with what is needed to choose among them.
///
/// A pool is only read; threads may share it.
public struct QueryPool: @unchecked Sendable {
  /// Features of picture and text, standardised and of length 1 together, lest memes that are like no other be chosen for
  /// that alone. [N, D]
  private let features: Tensor
  /// The features' squared lengths. [N]
  private let squares: [Double]
  /// Memes that look alike share a number. [N]
  private let clusters: [Int]

  /// - Parameters:
  ///   - table: the memes' features.
  ///   - clusters: equal numbers for memes that look alike; `nil` where nothing is known of that.
  public init(_ table: FeatureTable, clusters: [Int]?) {
    let shape = ProblemShape(
      imageWidth: table.image.width, textWidth: table.text.width,
      task: LabelTask(name: "", kind: .binary, labels: [""]))
    let store = ParameterStore(initializingFrom: Generator(seed: 0))
    let preparation = FeaturePreparation(scaling: .standardizedByWidth, shape: shape, in: store.root)
    let prepared = withoutGrad { () -> Tensor in
      preparation.fit(table)
      let parts = preparation(table)
      let rows = Tensor.concatenated([parts.image, parts.text], along: 1)
      return rows / ((rows * rows).sum(along: 1).reshaped(to: [-1, 1]).squareRoot() + 1e-12)
    }
    features = prepared
    squares = withoutGrad { (prepared * prepared).sum(along: 1).doubles }
    self.clusters = clusters ?? Array(0..<table.count)
    precondition(self.clusters.count == table.count, "one cluster for each meme")
  }

  public var count: Int { clusters.count }

  /// The memes to be labelled next, in the order to ask for them.
  ///
  /// Ours asks for one of those that look alike, as long as there are others. It then draws by k-means++ (Arthur and
  /// Vassilvitskii, 2007): each choice with a probability in proportion to the squared distance from those made before. The
  /// distance is between gradients of the last layer, as if the likelier answer were the label (BADGE: Ash et al., 2020,
  /// arXiv:1906.03671), so that memes count that the model is unsure of and that would teach different things; without a
  /// model it is between features.
  ///
  /// - Parameters:
  ///   - labelled: those that have labels.
  ///   - probabilities: what the model says of every meme, `nil` before there is one. [N, C]
  ///   - isExclusive: whether the columns are classes of which one is right.
  public func next(
    _ wanted: Int, labelled: [Int], probabilities: [[Double]]?, isExclusive: Bool, by strategy: QueryStrategy,
    seed: UInt64
  ) -> [Int] {
    let isLabelled = Set(labelled)
    let candidates = (0..<count).filter { !isLabelled.contains($0) }
    var random = SeededRandom(seed: seed, "query", parts: labelled.count)
    let count = min(wanted, candidates.count)
    switch strategy {
    case .random:
      var order = candidates
      random.shuffle(&order)
      return Array(order.prefix(count))
    case .uncertainty:
      guard let probabilities else {
        return next(
          wanted, labelled: labelled, probabilities: nil, isExclusive: isExclusive, by: .random, seed: seed)
      }
      let entropy = probabilities.map { Self.entropy($0, isExclusive: isExclusive) }
      return Array(candidates.sorted { (entropy[$1], $0) < (entropy[$0], $1) }.prefix(count))
    case .diversity:
      return farthest(count, candidates: candidates, labelled: labelled, &random)
    case .ours:
      return drawn(
        count, candidates: candidates, labelled: labelled,
        errors: probabilities.map { $0.map { Self.error($0, isExclusive: isExclusive) } }, &random)
    }
  }

  /// The mean entropy of the answers in bits.
  public static func entropy(_ row: [Double], isExclusive: Bool) -> Double {
    func part(_ p: Double) -> Double { p > 0 ? -p * p.log2 : 0 }
    if isExclusive { return row.reduce(0) { $0 + part($1) } }
    return row.reduce(0) { $0 + part($1) + part(1 - $1) } / Double(max(row.count, 1))
  }

  /// What the last layer would be told is wrong if the likelier answer were the label. [C]
  private static func error(_ row: [Double], isExclusive: Bool) -> [Double] {
    guard isExclusive else { return row.map { $0 - ($0 > 0.5 ? 1 : 0) } }
    let best = row.indices.max { row[$0] < row[$1] }!
    return row.indices.map { row[$0] - ($0 == best ? 1 : 0) }
  }

  // MARK: Distances

  /// Products of one meme's features with those of all. [N]
  private func products(with index: Int) -> [Double] {
    withoutGrad {
      features.matmul(features.gathered(Tensor([index])).transposed()).reshaped(to: [-1]).doubles
    }
  }

  private func farthest(
    _ wanted: Int, candidates: [Int], labelled: [Int], _ random: inout SeededRandom
  ) -> [Int] {
    var distances = [Double](repeating: .infinity, count: count)
    func approach(_ index: Int) {
      let products = products(with: index)
      for other in distances.indices {
        distances[other] = min(distances[other], squares[other] + squares[index] - 2 * products[other])
      }
    }
    for index in labelled { approach(index) }
    var chosen: [Int] = []
    var rest = Set(candidates)
    while chosen.count < wanted {
      let next =
        labelled.isEmpty && chosen.isEmpty
        ? candidates[random.integer(in: 0...(candidates.count - 1))]
        : rest.max { (distances[$0], $1) < (distances[$1], $0) }!
      chosen.append(next)
      rest.remove(next)
      approach(next)
    }
    return chosen
  }

  /// - Parameter errors: the gradient of meme i is `errors[i]` ⊗ its features. [N, C]
  private func drawn(
    _ wanted: Int, candidates: [Int], labelled: [Int], errors: [[Double]]?, _ random: inout SeededRandom
  ) -> [Int] {
    // Copies of what is labelled or chosen come when nothing else is left.
    var seen = Set(labelled.map { clusters[$0] })
    var fresh: [Int] = []
    var copies: [Int] = []
    for index in candidates {
      if seen.insert(clusters[index]).inserted { fresh.append(index) } else { copies.append(index) }
    }
    let scale = errors.map { rows in rows.map { $0.reduce(0) { $0 + $1 * $1 } } }
    let lengths = squares.indices.map { (scale?[$0] ?? 1) * squares[$0] }
    // What is labelled has taught all it can, so that its gradient is nothing: the distance from it counts as well.
    var distances = lengths
    var chosen: [Int] = []
    while chosen.count < min(wanted, fresh.count) {
      let total = fresh.reduce(0) { $0 + distances[$1] }
      var target = random.unit() * total
      let next =
        total > 0
        ? fresh.first {
          target -= distances[$0]
          return target < 0
        } ?? fresh.last { distances[$0] > 0 }!
        : fresh.first { !chosen.contains($0) }!
      chosen.append(next)
      let products = products(with: next)
      for index in fresh {
        let common = errors.map { rows in zip(rows[index], rows[next]).reduce(0) { $0 + $1.0 * $1.1 } } ?? 1
        let distance = max(0, lengths[index] + lengths[next] - 2 * common * products[index])
        distances[index] = min(distances[index], distance)
      }
      distances[next] = 0
    }
    return chosen + copies.prefix(wanted - chosen.count)
  }
}

extension Double {
  fileprivate var log2: Double { Foundation.log2(self) }
}
