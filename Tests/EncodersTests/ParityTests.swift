import Foundation
import MemeData
import Testing
import Torch
import TorchNN

@testable import Encoders

/// Tiny networks of random weights against the PyTorch originals, elementwise.
@Suite struct ParityTests {
  private static let tiny = EfficientNetLiteConfiguration(
    side: 36, stemWidth: 8,
    stages: [
      .init(blockCount: 1, kernel: 3, stride: 1, expansion: 1, outputs: 4),
      .init(blockCount: 2, kernel: 3, stride: 2, expansion: 3, outputs: 6),
      .init(blockCount: 2, kernel: 5, stride: 2, expansion: 2, outputs: 8),
    ], width: 24)
  private static let tinyBert = BertConfiguration(
    vocabularySize: 40, width: 16, layerCount: 2, headCount: 2, innerWidth: 24, positionCount: 12, segmentCount: 2,
    normalizationEpsilon: 1e-12, activation: "gelu")

  private func computation(isFused: Bool) -> Computation {
    var computation = Computation(precision: .float32)
    computation.isFused = isFused
    return computation
  }

  // Sides 36, 18, 9 and 5: SAME padding that is even and odd, at stride 1 and 2.
  @Test(arguments: [true, false]) func efficientNetEqualsTheOriginal(isFused: Bool) throws {
    let fixture = try Fixture()
    let encoder = try EfficientNetLiteEncoder(
      Self.tiny, weights: fixture.group("efficientnet.weights."), computation: computation(isFused: isFused))
    let pixels = try fixture.tensor("efficientnet.pixels")
    let features = encoder.encode((0..<3).map { pixels.sliced($0..<$0 + 1) })
    #expect(relativeDifference(features, try fixture.tensor("efficientnet.features")) <= 1e-5)
  }

  @Test func efficientNetNamesMissingAndUnknownKeys() throws {
    var weights = try Fixture().group("efficientnet.weights.")
    weights["_conv_head.weight"] = nil
    weights["extra"] = Tensor([Float(1)])
    weights["_bn0.bias"] = Tensor.zeros([3])
    let error = #expect(throws: ParameterMismatch.self) {
      try EfficientNetLiteEncoder(Self.tiny, weights: weights, computation: computation(isFused: true))
    }
    #expect(error?.missing == ["_conv_head.weight"])
    #expect(error?.unused == ["extra"])
    #expect(error?.misshaped.first?.hasPrefix("_bn0.bias") == true)
  }

  @Test(arguments: [true, false]) func bertEqualsTheOriginal(isFused: Bool) throws {
    let fixture = try Fixture()
    let encoder = try bert(weights: fixture.group("bert.weights."), isFused: isFused)
    let texts: [[Int32]] = try (0..<6).map { try fixture.tensor("bert.tokens.\($0)").values() }
    let expected = try fixture.tensor("bert.features")
    #expect(relativeDifference(encoder.encode(texts), expected) <= 1e-5)
    let block = SequenceBlock(states: encoder.states(texts), lengths: texts.map(\.count))
    #expect(block.lengths == [5, 2, 9, 5, 1, 12])
    let means = texts.indices.map { block.gathered([$0]).flat.mean(along: 0) }
    #expect(relativeDifference(Tensor.stacked(means).normalized(), expected) <= 1e-5)
  }

  private func bert(weights: [String: Tensor], isFused: Bool) throws -> SentenceEncoder {
    let store = ParameterStore(loading: weights)
    let bert = Bert(Self.tinyBert, computation: computation(isFused: isFused), in: store.root)
    try store.validate()
    return SentenceEncoder(bert, normalizes: true) { _ in [] }
  }
}

/// The published weights, which set-up fetches: without them these tests fail.
@Suite struct PublishedWeightsTests {
  private func pair(_ precision: Computation.Precision) throws -> EncoderPair {
    try EncoderCatalog.pair(named: "lite", computation: Computation(precision: precision))
  }

  @Test func efficientNetLite0() throws {
    let fixture = try Fixture()
    let encoder = try pair(.float32).image
    let exact = encoder.features(of: [picture(width: 224, height: 224)])
    #expect(relativeDifference(exact, try fixture.tensor("lite0.exact")) <= 1e-4)
    // Pillow's resizing differs by 1/255 in places.
    let resized = encoder.features(of: [picture(width: 384, height: 260)])
    #expect(leastCosine(resized, try fixture.tensor("lite0.resized")) >= 0.999)
  }

  @Test func miniLM() throws {
    let fixture = try Fixture()
    let features = try pair(.float32).text.features(of: try fixture.sentences)
    #expect(relativeDifference(features, try fixture.tensor("minilm.features")) <= 1e-5)
  }

  @Test(.enabled(if: Runtime.cpuMultipliesBFloat16)) func bfloat16StaysNearFloat32() throws {
    let sentences = try Fixture().sentences
    let (exact, rounded) = (try pair(.float32), try pair(.bfloat16))
    #expect(leastCosine(try rounded.text.features(of: sentences), try exact.text.features(of: sentences)) > 0.999)
    // Flat areas are the hardest: all their errors are the same one.
    let grey = RGBImage(width: 9, height: 9, pixels: [UInt8](repeating: 90, count: 243))
    let pictures = [(224, 224), (384, 260), (90, 300)].map { picture(width: $0.0, height: $0.1) } + [grey]
    #expect(leastCosine(try rounded.image.features(of: pictures), try exact.image.features(of: pictures)) > 0.999)
  }

  /// Kernels are compiled for each number of rows, so there must be few of them, at little waste.
  @Test func packedTextsHaveFewNumbersOfRows() {
    let totals = Array(1...4096)
    let counts = totals.map(PackedTexts.rowCount(holding:))
    #expect(zip(totals, counts).allSatisfy { $0 <= $1 && 4 * $1 <= 5 * $0 })
    #expect(Set(counts).count <= 4 * 12 + 1)
    let packed = PackedTexts([[1, 2, 3, 4], [5, 6, 7, 8, 9]])
    #expect(packed.ids.values() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0])
    #expect(packed.fillerCount == 1)
  }

  @Test func featuresDoNotDependOnTheBatch() throws {
    let pair = try pair(.fastest(on: .cpu))
    let sentences = try Fixture().sentences + (0..<30).map { String(repeating: "word \($0) ", count: $0) }
    let together = try pair.text.features(of: sentences)
    for (row, sentence) in sentences.enumerated() {
      let alone = try pair.text.features(of: [sentence])
      #expect(leastCosine(alone, together.sliced(row..<row + 1)) > 0.9999)
    }
    let pictures = (1..<12).map { picture(width: 30 * $0, height: 200) }
    let all = try pair.image.features(of: pictures)
    for (row, picture) in pictures.enumerated() {
      #expect(leastCosine(try pair.image.features(of: [picture]), all.sliced(row..<row + 1)) > 0.9999)
    }
  }

  @Test func extremeShapesEncode() throws {
    let encoder = try pair(.fastest(on: .cpu)).image
    let pictures = [(1, 1), (1, 9000), (9000, 1), (3, 2)].map { picture(width: $0.0, height: $0.1) }
    #expect(encoder.features(of: pictures).isFinite)
  }
}
