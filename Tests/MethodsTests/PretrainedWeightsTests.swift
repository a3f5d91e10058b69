import Testing
import Torch

@testable import Methods

@Suite struct PretrainedWeightsTests {
  @Test func shallowerNetworksTakeTheFirstLayers() {
    let names = [
      "embeddings.weight", "encoder.layer.0.weight", "encoder.layer.1.weight", "encoder.layer.10.weight",
      "encoder.x_layers.1.weight", "pooler.weight",
    ]
    let weights = Dictionary(uniqueKeysWithValues: names.map { ($0, Tensor.zeros([1])) })
    func kept(_ counts: [String: Int]) -> Set<String> { Set(weights.keepingLayers(counts).keys) }
    #expect(kept(["encoder.layer.": 12]) == Set(names))
    #expect(
      kept(["encoder.layer.": 1, "encoder.x_layers.": 1]) == [
        "embeddings.weight", "encoder.layer.0.weight", "pooler.weight",
      ])
    #expect(kept(["encoder.layer.": 2]) == Set(names).subtracting(["encoder.layer.10.weight"]))
  }
}
