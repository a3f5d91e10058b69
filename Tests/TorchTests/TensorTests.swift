import Foundation
import Testing

@testable import Torch

@Suite struct TensorTests {
  @Test func valuesGoInAndOutInRowMajorOrder() {
    let tensor = Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
    #expect(tensor.shape == [2, 3] && tensor.strides == [3, 1] && tensor.dtype == .float32)
    #expect(tensor.transposed().floats == [1, 4, 2, 5, 3, 6])
    #expect(tensor.sum(along: 0).floats == [5, 7, 9])
    #expect(Tensor(2.5).item == 2.5)
    #expect(Tensor([true, false]).doubles == [1, 0])
  }

  @Test(arguments: DType.allCases)
  func everyTypeConvertsThereAndBack(_ dtype: DType) {
    let source = Tensor([0, 1, 1, 0] as [Float])
    let converted = source.to(dtype)
    #expect(converted.dtype == dtype && converted.byteCount == 4 * dtype.byteCount)
    #expect(converted.floats == [0, 1, 1, 0])
  }

  @Test func gradientsFlowThroughTheDispatcher() {
    let x = Tensor([1, 2, 3] as [Double]).requiringGrad()
    ((x * x).sum() + x.exp().sum()).backward()
    let expected = [1.0, 2, 3].map { 2 * $0 + Foundation.exp($0) }
    for (value, wanted) in zip(x.grad!.doubles, expected) { #expect(abs(value - wanted) < 1e-12) }
  }

  @Test func scopesTurnTheGraphOff() throws {
    let x = Tensor([1.0]).requiringGrad()
    #expect((x * 2).requiresGrad)
    #expect(!withoutGrad { (x * 2).requiresGrad })
    #expect(!withInferenceMode { (x * 2).requiresGrad })
    #expect((x * 2).requiresGrad)
    let product = withAutocast(to: .bfloat16) { Tensor.ones([2, 2]).matmul(Tensor.ones([2, 2])) }
    #expect(product.dtype == .bfloat16)
  }

  @Test func viewsKeepTheirOwnerAlive() {
    final class Owner {
      let memory = UnsafeMutablePointer<Float>.allocate(capacity: 4)
      let onRelease: () -> Void
      init(_ onRelease: @escaping () -> Void) {
        self.onRelease = onRelease
        for index in 0..<4 { memory[index] = Float(index) }
      }
      deinit {
        memory.deallocate()
        onRelease()
      }
    }
    var isReleased = false
    do {
      var owner: Owner? = Owner { isReleased = true }
      let view = Tensor(viewing: owner!.memory, dtype: .float32, shape: [2, 2], strides: [1, 2], owner: owner!)
      owner = nil
      #expect(!isReleased)
      #expect(view.floats == [0, 2, 1, 3])
    }
    #expect(isReleased)
  }

  @Test func generatorsOfDifferentPartsDiffer() {
    func draw(_ generator: Generator) -> [Int] { Tensor.permutation(of: 20, using: generator).values() }
    #expect(draw(Generator(seed: 1, parts: "a", "1")) == draw(Generator(seed: 1, parts: "a", "1")))
    let draws = [("a", "1"), ("a", "2"), ("b", "1")].map { draw(Generator(seed: 1, parts: $0.0, $0.1)) }
    #expect(Set(draws).count == 3)
    #expect(draw(Generator(seed: 2, parts: "a", "1")) != draws[0])
  }

  @Test func devicesAreReadByName() {
    #expect(Device("cpu") == .cpu && Device("cuda:3") == .cuda(3) && Device("cuda") == .cuda(0))
    #expect(Device("tpu") == nil && Device("cuda:-1") == nil && Device("cuda:x") == nil)
  }
}
