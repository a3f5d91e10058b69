import Foundation
import Metrics

/// A map of points in the plane that keeps neighbours together: exact t-SNE (van der Maaten and Hinton, 2008,
/// "Visualizing Data using t-SNE"), every pair of points looked at in each step. Perplexity, exaggeration, momentum and learning
/// rate are scikit-learn's; it takes 1,000 steps from the principal components, this 750 from a random start.
///
/// N points take N² numbers of memory and time; the same seed gives the same map.
public struct TSNE: Sendable {
  /// How many neighbours a point has, roughly.
  public var perplexity = 30.0
  public var iterations = 750
  public var seed: UInt64 = 42

  /// Steps in which neighbours attract each other the more, so that clusters form before they spread.
  private static let exaggeratedIterations = 250
  private static let exaggeration = 12.0

  public init() {}

  /// The map and how much it differs from the data.
  public struct Map: Sendable, Equatable {
    /// [N]
    public let points: [ChartPoint]
    /// The Kullback-Leibler divergence of the map's neighbourhoods from those of the data, in nats.
    public let divergence: Double
  }

  /// Lays out points whose squared distances [N, N], row by row, are given.
  ///
  /// - Precondition: there are N² finite distances. With fewer than four points there is nothing to keep, and they lie in
  ///   the middle.
  public func map(squaredDistances distances: [Double], count: Int) -> Map {
    precondition(distances.count == count * count, "\(distances.count) distances for \(count) points")
    guard count > 3 else {
      return Map(points: (0..<count).map { _ in ChartPoint(x: 0, y: 0) }, divergence: 0)
    }
    let affinities = affinities(distances, count: count)
    var layout = Layout(count: count, random: SplitMix64(seed: seed))
    // scikit-learn's "auto".
    let learningRate = max(Double(count) / Self.exaggeration / 4, 50)
    for iteration in 0..<iterations {
      let isEarly = iteration < Self.exaggeratedIterations
      layout.step(
        affinities, exaggeration: isEarly ? Self.exaggeration : 1, momentum: isEarly ? 0.5 : 0.8,
        learningRate: learningRate)
    }
    return Map(
      points: (0..<count).map { ChartPoint(x: layout.x[$0], y: layout.y[$0]) },
      divergence: layout.divergence(from: affinities))
  }

  /// How likely each pair are neighbours, [N, N], adding up to 1: a Gaussian about each point, as wide as gives it the
  /// perplexity.
  func affinities(_ distances: [Double], count: Int) -> [Double] {
    let perplexity = min(perplexity, Double(count - 1) / 3)
    var conditional = [Double](repeating: 0, count: count * count)
    for row in 0..<count {
      let others = (0..<count).filter { $0 != row }
      let squared = others.map { distances[row * count + $0] }
      let weights = Self.weights(squared, entropy: log(perplexity))
      for (other, weight) in zip(others, weights) { conditional[row * count + other] = weight }
    }
    var joint = [Double](repeating: 0, count: count * count)
    for row in 0..<count {
      for column in 0..<count where column != row {
        joint[row * count + column] =
          max((conditional[row * count + column] + conditional[column * count + row]) / Double(2 * count), .ulpOfOne)
      }
    }
    return joint
  }

  /// Weights of one point's neighbours, adding up to 1, of the given entropy in nats: the Gaussian's precision is found
  /// by bisection.
  private static func weights(_ distances: [Double], entropy wanted: Double) -> [Double] {
    // Only differences count; without the nearest one's distance all weights may vanish.
    let nearest = distances.min() ?? 0
    var (precision, lower, upper) = (1.0, 0.0, Double.infinity)
    var weights: [Double] = []
    for _ in 0..<100 {
      weights = distances.map { exp(-($0 - nearest) * precision) }
      let sum = weights.reduce(0, +)
      let mean = zip(weights, distances).reduce(0) { $0 + $1.0 * ($1.1 - nearest) } / sum
      let difference = log(sum) + precision * mean - wanted
      for index in weights.indices { weights[index] /= sum }
      if abs(difference) <= 1e-5 { break }
      if difference > 0 {
        lower = precision
        precision = upper.isFinite ? (precision + upper) / 2 : precision * 2
      } else {
        upper = precision
        precision = (precision + lower) / 2
      }
    }
    return weights
  }
}

/// Points on their way to their places.
private struct Layout {
  var x: [Double]
  var y: [Double]
  private var speed: [(x: Double, y: Double)]
  private var gain: [(x: Double, y: Double)]
  /// 1 / (1 + d²) of each pair. [N, N]
  private var closeness: [Double]

  init(count: Int, random: SplitMix64) {
    var random = random
    x = (0..<count).map { _ in 1e-4 * random.normal() }
    y = (0..<count).map { _ in 1e-4 * random.normal() }
    speed = Array(repeating: (0, 0), count: count)
    gain = Array(repeating: (1, 1), count: count)
    closeness = Array(repeating: 0, count: count * count)
  }

  /// Fills ``closeness`` and returns its sum.
  private mutating func measure() -> Double {
    let count = x.count
    var sum = 0.0
    closeness.withUnsafeMutableBufferPointer { closeness in
      for row in 0..<count {
        for column in 0..<row {
          let (dx, dy) = (x[row] - x[column], y[row] - y[column])
          let value = 1 / (1 + dx * dx + dy * dy)
          closeness[row * count + column] = value
          closeness[column * count + row] = value
          sum += 2 * value
        }
      }
    }
    return sum
  }

  /// One step down the gradient, with momentum and a gain a coordinate that grows while the direction stays.
  mutating func step(_ affinities: [Double], exaggeration: Double, momentum: Double, learningRate: Double) {
    let count = x.count
    let sum = measure()
    var gradient = [(x: Double, y: Double)](repeating: (0, 0), count: count)
    affinities.withUnsafeBufferPointer { affinities in
      closeness.withUnsafeBufferPointer { closeness in
        for row in 0..<count {
          var (pullX, pullY) = (0.0, 0.0)
          for column in 0..<count {
            let near = closeness[row * count + column]
            let pull = (exaggeration * affinities[row * count + column] - near / sum) * near
            pullX += pull * (x[row] - x[column])
            pullY += pull * (y[row] - y[column])
          }
          gradient[row] = (4 * pullX, 4 * pullY)
        }
      }
    }
    for index in 0..<count {
      gain[index].x = Self.adapted(gain[index].x, speed[index].x, gradient[index].x)
      gain[index].y = Self.adapted(gain[index].y, speed[index].y, gradient[index].y)
      speed[index].x = momentum * speed[index].x - learningRate * gain[index].x * gradient[index].x
      speed[index].y = momentum * speed[index].y - learningRate * gain[index].y * gradient[index].y
      x[index] += speed[index].x
      y[index] += speed[index].y
    }
  }

  private static func adapted(_ gain: Double, _ speed: Double, _ gradient: Double) -> Double {
    max(speed * gradient < 0 ? gain + 0.2 : gain * 0.8, 0.01)
  }

  mutating func divergence(from affinities: [Double]) -> Double {
    let sum = measure()
    return zip(affinities, closeness).reduce(0) { total, pair in
      pair.0 > 0 ? total + pair.0 * log(pair.0 / max(pair.1 / sum, .ulpOfOne)) : total
    }
  }
}

extension SplitMix64 {
  /// A standard normal number, by Box and Muller.
  fileprivate mutating func normal() -> Double {
    let uniform = (Double(next() >> 11) + 1) * 0x1p-53
    let angle = Double(next() >> 11) * 0x1p-53 * 2 * .pi
    return (-2 * log(uniform)).squareRoot() * cos(angle)
  }
}
