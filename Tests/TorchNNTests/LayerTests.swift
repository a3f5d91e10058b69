import TestSupport
import Testing
import Torch

@testable import TorchNN

/// Layers and losses against PyTorch 2.13 on random weights; tolerance 1e-5 absolute on values of order one.
@Suite struct LayerTests {
  let fixture: Fixture
  init() throws { fixture = try Fixture("layers") }

  @Test(arguments: ["linear", "prelu", "layer_norm"])
  func matchesPyTorch(_ name: String) throws {
    let store = ParameterStore(loading: fixture.group("\(name).parameter."))
    let layer: (Tensor) -> Tensor
    switch name {
    case "linear": layer = Linear(inputs: 5, outputs: 3, in: store.root).callAsFunction
    case "prelu": layer = PReLU(channels: 5, in: store.root).callAsFunction
    default: layer = LayerNorm(width: 6, epsilon: 1e-12, in: store.root).callAsFunction
    }
    try store.validate()
    for parameter in store.parameters { parameter.requiringGrad() }
    let input = fixture["\(name).input"].copied().requiringGrad()
    let output = layer(input)
    output.backward(gradient: fixture["\(name).seed"])
    #expect(difference(output, fixture["\(name).output"]) < 1e-5)
    #expect(difference(input.grad!, fixture["\(name).input_gradient"]) < 1e-5)
    for (key, gradient) in fixture.group("\(name).gradient.") {
      #expect(difference(store.values[key]!.grad!, gradient) < 1e-5, "\(key)")
    }
  }

  /// With few channels oneDNN's own kernel wrote past its workspace: gradients were wrong, or the process ended.
  @Test(arguments: [8, 16])
  func aStridedConvolutionOfSinglePixelsIsAProduct(_ channels: Int) {
    let generator = Generator(seed: 5)
    let store = ParameterStore(initializingFrom: generator)
    let layer = Convolution(inputs: channels, outputs: 8, kernel: 1, stride: 2, usesBias: false, in: store.root)
    let (pictures, seed) = (Tensor(empty: [5, channels, 14, 13]), Tensor(empty: [5, 8, 7, 7]))
    for tensor in [pictures, seed] { tensor.fillNormal(using: generator) }
    let output = layer(pictures.channelsLast)
    output.backward(gradient: seed)
    func rows(_ maps: Tensor) -> Tensor { maps.permuted(to: [0, 2, 3, 1]).reshaped(to: [-1, maps.shape[1]]) }
    let met = rows(pictures.thinned(by: 2, along: 2).thinned(by: 2, along: 3))
    let matrix = layer.weight.detached().reshaped(to: [8, channels])
    #expect(relativeDifference(rows(output), met.matmul(matrix.transposed())) < 1e-5)
    #expect(
      relativeDifference(layer.weight.grad!.reshaped(to: [8, channels]), rows(seed).transposed().matmul(met)) < 1e-5)
  }

  @Test func lossesMatchPyTorch() {
    let (logits, targets) = (fixture["loss.logits"], fixture["loss.targets"])
    #expect(difference(Loss.meanSquaredError(logits, targets), fixture["loss.mean_squared_error"]) < 1e-5)
    #expect(
      difference(Loss.binaryCrossEntropy(logits: logits, targets: targets), fixture["loss.binary_cross_entropy"])
        < 1e-6)
    #expect(
      difference(Loss.crossEntropy(logits: logits, classes: fixture["loss.classes"]), fixture["loss.cross_entropy"])
        < 1e-6)
  }

  /// Vector T6 of reference 17: CLIP's symmetric cross-entropy of pairs, put together of these operations in float64.
  @Test func contrastiveLossIsThatOfTheReference() {
    let image = Tensor([1, 0, 0.5, 0.2, 1, -0.3, -0.5, 0.4, 1] as [Double], shape: [3, 3])
    let text = Tensor([0.9, 0.1, 0.4, 0, 0.8, -0.1, 0.3, -0.2, 0.7] as [Double], shape: [3, 3])
    let logScale = Tensor(1 / 0.07, dtype: .float64).log()
    #expect(abs(logScale.item - 2.659_260_036_9) < 1e-10)
    let logits = image.normalized().matmul(text.normalized().transposed()) * logScale.exp()
    let pairs = Tensor([0, 1, 2])
    let both = [logits, logits.transposed()].map { Loss.crossEntropy(logits: $0, classes: pairs).item }
    #expect(abs((both[0] + both[1]) / 2 - 0.574_509_965_4) < 1e-10)
  }

  @Test func randomNumbersAreThoseOfATorchGenerator() {
    let generator = Generator(seed: 42)
    let uniform = Tensor(empty: [5])
    uniform.fillUniform(from: -1, to: 1, using: generator)
    #expect(difference(uniform, fixture["random.uniform"]) == 0)
    #expect(difference(Tensor.permutation(of: 7, using: generator), fixture["random.permutation"]) == 0)
    let normal = Tensor(empty: [20])
    normal.fillNormal(using: generator)
    #expect(difference(normal, fixture["random.normal"]) < 1e-6)
  }

  @Test func dropoutKeepsTheExpectationAndDropsOnlyInTraining() {
    let x = Tensor.ones([200, 100])
    let dropped = Dropout(rate: 0.2)(x, using: Generator(seed: 1)).doubles
    #expect(Set(dropped) == [0, Double(Float(1 / 0.8))])
    let kept = Double(dropped.count { $0 > 0 }) / Double(dropped.count)
    #expect(abs(kept - 0.8) < 0.01)
    #expect(difference(Dropout(rate: 0.2)(x, using: nil), x) == 0)
  }

  @Test func newParametersFollowPyTorchsBounds() {
    let store = ParameterStore(initializingFrom: Generator(seed: 3))
    let linear = Linear(inputs: 400, outputs: 100, in: store.root["a"])
    for tensor in [linear.weight, linear.bias!] {
      let values = tensor.detached().doubles
      #expect(values.allSatisfy { abs($0) <= 0.05 })
      #expect(values.max()! > 0.045 && values.min()! < -0.045)
    }
    #expect(store.names == ["a.weight", "a.bias"])
    #expect(store.parameterCount == 40_100)
    #expect(linear.weight.requiresGrad)
    let lstm = LSTM(inputs: 100, hidden: 25, in: store.root["b"])
    for tensor in [lstm.inputWeights, lstm.stateWeights] {
      let values = tensor.detached().doubles
      #expect(values.allSatisfy { abs($0) <= 0.2 } && values.max()! > 0.19 && values.min()! < -0.19)
    }
  }

  @Test func mismatchesAreListedExactly() {
    let store = ParameterStore(loading: [
      "fc.weight": Tensor.zeros([3, 4]), "extra": Tensor.zeros([1]), "norm.weight": Tensor.zeros([7]),
      "norm.bias": Tensor.zeros([6]),
    ])
    _ = Linear(inputs: 4, outputs: 3, in: store.root["fc"])
    _ = LayerNorm(width: 6, in: store.root["norm"])
    #expect {
      try store.validate()
    } throws: { error in
      guard let error = error as? ParameterMismatch else { return false }
      return error.missing == ["fc.bias"] && error.unused == ["extra"]
        && error.misshaped == ["norm.weight: [7] instead of [6]"]
    }
  }
}
