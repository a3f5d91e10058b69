// What tells whether pretraining collapses: all pictures alike, or all of what a head says.
//
// Shapes: N pictures, D features, K outputs.
import Encoders
import Foundation
import MemeData
import Metrics
import Torch

/// Measures of features and of what heads say, all without gradient.
enum CollapseWatch {
  /// How much features of length 1 spread: the mean deviation of their coordinates times √D. 1 is a whole sphere, 0 a point.
  static func deviation(_ features: Tensor) -> Double {
    let unit = features.normalized()
    return unit.standardDeviation(along: 0, correction: 0).mean().item * Double(unit.shape[1]).squareRoot()
  }

  /// The mean squared distance of two views of length 1 each (arXiv:2005.10242); 0 is best.
  static func alignment(_ first: Tensor, _ second: Tensor) -> Double {
    let difference = first.normalized() - second.normalized()
    return (difference * difference).sum(along: 1).mean().item
  }

  /// How well pictures [N, D] are told which of the texts [N, D] is theirs: the part of all other texts that is less like a
  /// picture than its own, ties by half. 1 is best, 0.5 a guess.
  static func pairing(_ images: Tensor, _ texts: Tensor) -> Double {
    let likeness = images.normalized().matmul(texts.normalized().transposed()).to(.float32)
    let (count, values) = (images.shape[0], likeness.doubles)
    let won = (0..<count).reduce(0.0) { sum, row in
      let own = values[row * count + row]
      return (0..<count).reduce(sum) { sum, column in
        let other = values[row * count + column]
        return column == row ? sum : sum + (other < own ? 1 : other == own ? 0.5 : 0)
      }
    }
    return won / Double(count * (count - 1))
  }

  /// The logarithm of the mean of exp(−2 · d²) over all pairs (arXiv:2005.10242): 0 where all are one point, towards −4
  /// where they are spread over a sphere.
  static func uniformity(_ features: Tensor) -> Double {
    let unit = features.normalized()
    let count = Double(unit.shape[0])
    let closeness = ((unit.matmul(unit.transposed()) - 1) * 4).exp()
    return log((closeness.sum().item - count) / (count * (count - 1)))
  }

  /// The mean entropy of probabilities [N, K] as a part of ln K, and that of their mean: a head that is sure of the same
  /// output always has 0 for both, one that knows nothing has 1 for both.
  static func entropies(_ probabilities: Tensor) -> (each: Double, mean: Double) {
    let largest = log(Double(probabilities.shape[1]))
    func entropy(_ p: Tensor) -> Double { -(p * p.clamped(min: 1e-12).log()).sum(along: -1).mean().item / largest }
    return (entropy(probabilities), entropy(probabilities.mean(along: 0)))
  }

  /// What the nearest others say of each vector: the part of positives among them, weighted by exp(cos / 0.07).
  static func votes(_ features: Tensor, labels: [Bool], neighbours: Int) -> [Double] {
    let unit = features.normalized()
    let likeness: [Float] = unit.matmul(unit.transposed()).to(.float32).reshaped(to: [-1]).values()
    let count = labels.count
    return (0..<count).map { row in
      let others = (0..<count).filter { $0 != row }
        .sorted { likeness[row * count + $0] > likeness[row * count + $1] }.prefix(neighbours)
      let weights = others.map { exp(Double(likeness[row * count + $0]) / 0.07) }
      return zip(others, weights).reduce(0) { $0 + (labels[$1.0] ? $1.1 : 0) } / weights.reduce(0, +)
    }
  }

  /// How well the nearest others tell labels, each vector left out in turn; `nil` where all labels are the same.
  static func neighbourAUROC(_ features: Tensor, labels: [Bool], neighbours: Int = 20) throws -> Double? {
    guard labels.contains(true), labels.contains(false) else { return nil }
    return try RankedScores(truth: labels, scores: votes(features, labels: labels, neighbours: neighbours)).auroc.value
  }

  /// How well logistic regression on features [N, D] tells labels, each fifth by a model of the others: a linear probe. `nil`
  /// where all labels are the same. The features may be on any device.
  static func linearAUROC(_ features: Tensor, labels: [Bool]) throws -> Double? {
    guard labels.contains(true), labels.contains(false) else { return nil }
    var probe = LogisticRegression()
    // Three are enough to choose from after every epoch.
    probe.strengths = [0.01, 0.1, 1]
    let isThere = [Bool](repeating: true, count: labels.count)
    let table = FeatureTable(
      image: FeatureBlock(values: features.to(.cpu), isPresent: isThere),
      text: FeatureBlock(values: Tensor.zeros([labels.count, 0]), isPresent: isThere.map { !$0 }))
    let examples = LogisticRegression.Examples(
      features: table, labels: labels.map { .binary($0) },
      task: LabelTask(name: "probe", kind: .binary, labels: ["positive"]), clusters: Array(labels.indices))
    let told = try probe.outOfSampleProbabilities(of: examples, seed: 0) { _, _ in }
    return try RankedScores(truth: labels, scores: told.map { $0[0] }).auroc.value
  }
}
