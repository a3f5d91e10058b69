import Testing
import Torch
import TorchNN

@testable import Networks

/// Positions of published weights, for pictures of another side.
@Suite struct BackboneTests {
  private let backbone = Backbone.named("vit-nano16")!

  /// Those of the network for pictures of 80, five patches a side, with other positions.
  private func weights(_ positions: Tensor) -> [String: Tensor] {
    let store = ParameterStore(initializingFrom: Generator(seed: 3))
    _ = backbone.network(side: 80, in: store.root)
    return store.values.mapValues { $0.detached() }.merging(["pos_embed": positions]) { $1 }
  }

  /// What a network for pictures of 224 says of weights that were fitted to it; `nil` where it takes them.
  private func mismatch(_ weights: [String: Tensor]) -> ParameterMismatch? {
    let store = ParameterStore(loading: backbone.fitted(weights, side: 224), device: .meta)
    _ = backbone.network(side: 224, in: store.root)
    do throws(ParameterMismatch) {
      try store.validate()
      return nil
    } catch {
      return error
    }
  }

  @Test func positionsAreInterpolated() {
    #expect(mismatch(weights(.zeros([1, 26, 24])))?.description == nil)
    let positions = Tensor((0..<26 * 24).map { Float($0 / 24) }, shape: [1, 26, 24])
    let fitted = backbone.fitted(weights(positions), side: 224)["pos_embed"]
    // The class token's stays, as do the corners of the grid, nearly.
    #expect(fitted?.shape == [1, 197, 24])
    let first = fitted?.selected(0).selected(0, along: 1).doubles ?? []
    #expect(first.count == 197 && first[0] == 0 && abs(first[1] - 1) < 1 && abs(first[196] - 25) < 1, "\(first)")
  }

  /// A file from outside may have anything under that name.
  @Test(arguments: [[2, 26, 24], [1, 26, 0], [1, 26, 23], [1, 27, 24], [1, 0, 24], [0, 26, 24], [26, 24]])
  func positionsOfNoGridAreNamed(_ shape: [Int]) {
    let told = mismatch(weights(.zeros(shape)))
    #expect(told?.misshaped == ["pos_embed: \(shape) instead of [1, 197, 24]"])
  }

  @Test func positionsThatAreWholeNumbersAreNamed() {
    let told = mismatch(weights(.zeros([1, 26, 24], dtype: .int64)))
    #expect(told?.misshaped == ["pos_embed: [1, 26, 24] instead of [1, 197, 24]"])
  }
}
