import TestSupport
import Testing
import Torch
import TorchNN

@testable import Networks

/// ViLT on pictures of another size than its positions were made for, and on memes without a picture.
@Suite struct ViLTTests {
  private let ids = Tensor([1, 2, 3, 4, 5, 6, 7, 8]).reshaped(to: [2, 4])
  private let hasText = Tensor([1, 1, 1, 1, 1, 1, 0, 0] as [Float], shape: [2, 4])
  private static let patch = 8

  private func shape(side: Int) -> ViLTShape {
    ViLTShape(
      layers: TransformerLayerShape(width: 12, headCount: 3, innerWidth: 20, dropoutRate: 0), layerCount: 2,
      vocabularySize: 9, positionCount: 6, side: side, patch: Self.patch)
  }

  private func normal(_ shape: [Int], _ seed: UInt64, deviation: Double = 1) -> Tensor {
    let tensor = Tensor(empty: shape)
    tensor.fillNormal(deviation: deviation, using: Generator(seed: seed))
    return tensor
  }

  /// Weights for 3 × 3 patches, large enough that positions matter.
  private func weights() -> [String: Tensor] {
    let store = ParameterStore(initializingFrom: Generator(seed: 3))
    _ = ViLTNetwork(shape(side: 3 * Self.patch), in: store.root)
    var weights = store.values.mapValues { $0.detached() }
    for (index, name) in weights.keys.sorted().enumerated() where weights[name]!.rank > 1 {
      weights[name] = normal(weights[name]!.shape, UInt64(index), deviation: 0.3)
    }
    return weights
  }

  private func network(side: Int, _ weights: [String: Tensor]) throws -> ViLTNetwork {
    let store = ParameterStore(loading: weights)
    let network = ViLTNetwork(shape(side: side), in: store.root)
    try store.validate()
    return network
  }

  /// Positions [1, 1 + 3², D] for `side` × `side` patches, the corners kept: each lies between two rows and two columns and
  /// takes of each by how near it is.
  private func interpolated(_ positions: Tensor, side: Int) -> Tensor {
    let given = positions.selected(0)
    func between(_ row: Int, _ x: Double) -> Tensor {
      let left = min(1, Int(x))
      let share = x - Double(left)
      let (a, b) = (given.selected(1 + 3 * row + left), given.selected(1 + 3 * row + left + 1))
      return a * (1 - share) + b * share
    }
    let step = 2 / Double(side - 1)
    let cells = (0..<side * side).map { cell -> Tensor in
      let (y, x) = (Double(cell / side) * step, Double(cell % side) * step)
      let top = min(1, Int(y))
      let share = y - Double(top)
      return between(top, x) * (1 - share) + between(top + 1, x) * share
    }
    return .concatenated([given.sliced(0..<1), .stacked(cells)], along: 0).expanded(at: 0)
  }

  @Test(arguments: [2, 4, 5]) func positionsAreInterpolatedBilinearlyWithTheCornersKept(_ count: Int) throws {
    let (weights, side) = (weights(), count * Self.patch)
    let key = "embeddings.position_embeddings"
    let pictures = normal([2, 3, side, side], 50)
    func pooled(_ network: ViLTNetwork) -> Tensor {
      network(ids, hasText: hasText, pictures: pictures, hasPicture: .ones([2]), using: nil)
    }
    let found = pooled(try network(side: 3 * Self.patch, weights))
    var resized = weights
    resized[key] = interpolated(try #require(weights[key]), side: count)
    #expect(relativeDifference(found, pooled(try network(side: side, resized))) < 1e-5)
    // Without them the answer would be another.
    resized[key] = Tensor.zeros([1, 1 + count * count, 12])
    #expect(relativeDifference(found, pooled(try network(side: side, resized))) > 1e-4)
  }

  /// Whatever stands in its place changes nothing.
  @Test func aMissingPictureIsNotLookedAt() throws {
    let side = 3 * Self.patch
    let network = try network(side: side, weights())
    let hasPicture = Tensor([1, 0] as [Float])
    func pooled(_ seed: UInt64) -> Tensor {
      let pictures = normal([2, 3, side, side], seed, deviation: 3)
      return network(ids, hasText: hasText, pictures: pictures, hasPicture: hasPicture, using: nil)
    }
    let (first, second) = (pooled(60), pooled(61))
    #expect(relativeDifference(first.selected(1), second.selected(1)) < 1e-6)
    #expect(relativeDifference(first.selected(0), second.selected(0)) > 1e-3)
  }
}
