import Foundation
import Testing

@testable import Report

/// Maps are as good as scikit-learn's: of the same affinities, and keeping neighbours as well.
struct TSNETests {
  private struct Fixture: Decodable {
    let perplexity: Double
    let points: [[Double]]
    let affinityRows: [Int]
    let affinities: [[Double]]
    /// Of scikit-learn's maps from five seeds.
    let divergences: [Double]
    let trustworthiness: [Double]

    enum CodingKeys: String, CodingKey {
      case perplexity, points, affinities, divergences, trustworthiness
      case affinityRows = "affinity_rows"
    }
  }

  private let fixture: Fixture
  private let distances: [Double]
  private var count: Int { fixture.points.count }

  init() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/tsne.json")
    fixture = try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: file))
    distances = Self.squaredDistances(fixture.points)
  }

  private static func squaredDistances(_ points: [[Double]]) -> [Double] {
    points.flatMap { one in points.map { other in zip(one, other).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } } }
  }

  private func layout(seed: UInt64) -> TSNE {
    var layout = TSNE()
    layout.perplexity = fixture.perplexity
    layout.seed = seed
    return layout
  }

  /// scikit-learn searches in single precision and stops within 1e-5 of the entropy: 2e-4 of each value.
  @Test func affinitiesAreThoseOfScikitLearn() {
    let affinities = layout(seed: 1).affinities(distances, count: count)
    #expect(abs(affinities.reduce(0, +) - 1) < 1e-9)
    for (row, expected) in zip(fixture.affinityRows, fixture.affinities) {
      for (column, value) in expected.enumerated() where column != row {
        let found = affinities[row * count + column]
        #expect(abs(found - value) <= 2e-4 * value + 1e-12, "\(row), \(column): \(found), expected \(value)")
      }
    }
  }

  /// A divergence at most a twentieth above the worst of scikit-learn's five, and neighbours kept to within 0.005.
  @Test(arguments: [1, 2, 3]) func mapsKeepNeighboursAsWellAsScikitLearns(seed: Int) {
    let map = layout(seed: UInt64(seed)).map(squaredDistances: distances, count: count)
    #expect(map.divergence > 0)
    #expect(map.divergence <= fixture.divergences.max()! * 1.05, "\(map.divergence), expected \(fixture.divergences)")
    let kept = trustworthiness(map.points)
    #expect(kept >= fixture.trustworthiness.min()! - 0.005, "\(kept), expected \(fixture.trustworthiness)")
  }

  /// Venna and Kaski's measure over ten neighbours, as scikit-learn has it.
  private func trustworthiness(_ points: [ChartPoint]) -> Double {
    let neighbours = 10
    let mapped = Self.squaredDistances(points.map { [$0.x, $0.y] })
    func nearest(_ distances: [Double], _ row: Int) -> [Int] {
      (0..<count).filter { $0 != row }.sorted { distances[row * count + $0] < distances[row * count + $1] }
    }
    let penalty = (0..<count).reduce(0) { sum, row in
      let ranks = Dictionary(uniqueKeysWithValues: nearest(distances, row).enumerated().map { ($1, $0 + 1) })
      return sum + nearest(mapped, row).prefix(neighbours).reduce(0) { $0 + max(0, ranks[$1]! - neighbours) }
    }
    return 1 - Double(penalty) * 2 / Double(count * neighbours * (2 * count - 3 * neighbours - 1))
  }

  @Test func theSameSeedGivesTheSameMap() {
    var quick = layout(seed: 7)
    quick.iterations = 30
    let map = quick.map(squaredDistances: distances, count: count)
    #expect(quick.map(squaredDistances: distances, count: count) == map)
    quick.seed = 8
    #expect(quick.map(squaredDistances: distances, count: count) != map)
  }

  @Test func fewAndEqualPointsAreLaidOutToo() {
    #expect(TSNE().map(squaredDistances: [], count: 0).points.isEmpty)
    #expect(TSNE().map(squaredDistances: [0, 1, 1, 0], count: 2).points == [.init(x: 0, y: 0), .init(x: 0, y: 0)])
    let same = TSNE().map(squaredDistances: [Double](repeating: 0, count: 25), count: 5)
    #expect(same.points.allSatisfy { $0.x.isFinite && $0.y.isFinite } && same.divergence.isFinite)
    let far = TSNE().map(squaredDistances: (0..<25).map { $0 % 6 == 0 ? 0 : 1e12 }, count: 5)
    #expect(far.points.allSatisfy { $0.x.isFinite && $0.y.isFinite })
  }
}
