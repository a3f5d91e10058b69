import Testing

@testable import Torch

/// Products that are handed to another kernel than libtorch's own, against the same in float64.
@Suite struct ProductTests {
  private func normal(_ shape: [Int], _ seed: UInt64) -> Tensor {
    let tensor = Tensor(empty: shape, dtype: .float64)
    tensor.fillNormal(using: Generator(seed: seed))
    return tensor
  }

  /// The largest difference, as a share of the largest element.
  private func difference(_ actual: Tensor, _ expected: Tensor) -> Double {
    guard actual.shape == expected.shape else { return .infinity }
    let (found, wanted) = (actual.detached().doubles, expected.detached().doubles)
    return zip(found, wanted).map { abs($0 - $1) }.max()! / wanted.map(abs).max()!
  }

  /// Small, narrow, and large enough for oneDNN, with and without a bias, of rows in several orders.
  @Test(arguments: [[3, 5], [2, 3, 5], [700, 3], [96, 130], [3, 32, 130]], [true, false])
  func linearMapsAndTheirGradients(_ shape: [Int], hasBias: Bool) {
    let (inputs, outputs) = (shape.last!, 100)
    let originals = [normal(shape.reversed(), 1), normal([outputs, inputs], 2), normal([outputs], 3)]
    let seed = normal(shape.dropLast() + [outputs], 4)
    func run(_ dtype: DType) -> [Tensor] {
      let leaves = originals.map { $0.to(dtype).copied().requiringGrad() }
      // Rows whose memory runs the other way.
      let rows = leaves[0].permuted(to: Array((0..<shape.count).reversed()))
      let result = rows.linear(weight: leaves[1], bias: hasBias ? leaves[2] : nil)
      result.backward(gradient: seed.to(dtype))
      return [result] + leaves.compactMap(\.grad)
    }
    let (found, wanted) = (run(.float32), run(.float64))
    #expect(found.count == (hasBias ? 4 : 3))
    for (one, other) in zip(found, wanted) {
      #expect(one.dtype == .float32)
      #expect(difference(one, other) < 1e-5)
    }
  }

  @Test func linearMapsKeepNoGraphWithoutGradients() {
    let (rows, weight) = (Tensor.ones([64, 128]), Tensor.ones([256, 128]).requiringGrad())
    #expect(rows.linear(weight: weight, bias: nil).requiresGrad)
    #expect(!withoutGrad { rows.linear(weight: weight, bias: nil).requiresGrad })
    let frozen = weight.detached()
    #expect(!rows.linear(weight: frozen, bias: nil).requiresGrad)
    let wanted = rows.copied().requiringGrad()
    wanted.linear(weight: frozen, bias: nil).sum().backward()
    #expect(wanted.grad!.doubles.allSatisfy { $0 == 256 } && frozen.grad == nil)
  }

  @Test func linearMapsAreBFloat16InMixedPrecision() {
    let (rows, weight) = (Tensor.ones([64, 128]), Tensor.ones([256, 128]))
    #expect(withAutocast(to: .bfloat16) { rows.linear(weight: weight, bias: nil).dtype } == .bfloat16)
  }

  @Test(arguments: [true, false])
  func attentionByItsWeightsIsThatOfTheFusedKernel(hasMask: Bool) {
    let heads = (1...3).map { normal([2, 5, 3, 4], $0).to(.float32).transposed(1, 2) }  // [2, 3, 5, 4]
    let mask = hasMask ? Tensor([0, 0, -1e9, 0, 0, 0, 0, -1, 0, 0] as [Float], shape: [2, 1, 1, 5]) : nil
    let weights = heads[0].attentionWeights(keys: heads[1], mask: mask)
    #expect(weights.shape == [2, 3, 5, 5])
    #expect(weights.sum(along: -1).doubles.allSatisfy { abs($0 - 1) < 1e-6 })
    let fused = heads[0].attention(keys: heads[1], values: heads[2], mask: mask)
    #expect(difference(weights.matmul(heads[2]), fused) < 1e-5)
  }
}
