import Foundation
import MemeData
import Networks
import Testing
import Torch
import TorchNN

@testable import Encoders

/// Run folders of pretraining as encoders and as weights to start from.
@Suite struct PretrainedRunTests {
  private final class Run {
    let folder = FileManager.default.temporaryDirectory.appending(path: "memesense-\(UUID().uuidString)")
    let description = PretrainedDescription(
      networks: ["first", "second"].map { name in
        .init(
          name: name, backbone: .named(name == "first" ? "resnet-nano" : "vit-nano16")!, side: 32,
          text: name == "first" ? nil : Run.text)
      }, textEncoder: "lite")
    var name: String { folder.path }

    static let text: TextArchitecture = {
      var text = TextArchitecture()
      (text.family, text.width, text.layerCount, text.headCount, text.innerWidth) = (.bert, 12, 1, 2, 24)
      text.textLength = 6
      return text
    }()

    init() throws {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      for (index, picture) in description.networks.enumerated() {
        let store = ParameterStore(initializingFrom: Generator(seed: UInt64(index)))
        _ = picture.backbone.network(side: 32, in: store.root)
        try Checkpoint(tensors: store.values.mapValues { $0.detached() })
          .write(to: PretrainedDescription.file(of: picture, in: folder))
      }
      let store = ParameterStore(initializingFrom: Generator(seed: 9))
      _ = Run.text.network(in: store.root)
      try Checkpoint(tensors: store.values.mapValues { $0.detached() })
        .write(to: PretrainedDescription.textFile(of: description.networks[1], in: folder))
      try write(description)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func write(_ description: PretrainedDescription) throws {
      try JSONEncoder().encode(description).write(to: folder.appending(path: PretrainedDescription.fileName))
    }
  }

  private func picture() -> RGBImage {
    RGBImage(width: 40, height: 24, pixels: (0..<40 * 24 * 3).map { UInt8($0 * 37 % 251) })
  }

  @Test(arguments: ["", ":first", ":second"])
  func itsFeaturesAreThoseOfTheNetwork(_ suffix: String) throws {
    let run = try Run()
    let pair = try EncoderCatalog.pair(named: run.name + suffix, computation: Computation(precision: .float32))
    let chosen = run.description.networks[suffix == ":second" ? 1 : 0]
    #expect(pair.imageWidth == chosen.backbone.width)
    let weights = try EncoderCatalog.weights(of: run.name, for: chosen.backbone)
    let store = ParameterStore(loading: weights, dtype: .float32)
    let network = chosen.backbone.network(side: 32, in: store.root)
    try store.validate()
    let preparation = ImagePreparation.imageNet(side: 32)
    let expected = withInferenceMode { network(preparation.normalized(preparation.pixels(of: picture())), using: nil) }
    #expect(relativeDifference(try pair.image.features(of: [picture()]), expected) == 0)
    if suffix != ":second" { #expect(try pair.textWidth == EncoderCatalog.pair(named: "lite").textWidth) }
  }

  /// Networks of plain layers compute in the type of their weights, which a tool may have halved.
  @Test func halvedWeightsAreConverted() throws {
    let run = try Run()
    let network = run.description.networks[1]
    let pictures = PretrainedDescription.file(of: network, in: run.folder)
    for file in [pictures, PretrainedDescription.textFile(of: network, in: run.folder)] {
      let halved = try Checkpoint(contentsOf: file).tensors.mapValues { $0.to(.float16) }
      try Checkpoint(tensors: halved).write(to: file)
    }
    let pair = try EncoderCatalog.pair(named: "\(run.name):second", computation: Computation(precision: .float32))
    let store = ParameterStore(loading: try Checkpoint(contentsOf: pictures).tensors, dtype: .float32)
    let own = network.backbone.network(side: 32, in: store.root)
    let preparation = ImagePreparation.imageNet(side: 32)
    let expected = withInferenceMode { own(preparation.normalized(preparation.pixels(of: picture())), using: nil) }
    #expect(relativeDifference(try pair.image.features(of: [picture()]), expected) == 0)
    #expect(try pair.text.features(of: ["a meme"]).isFinite)
  }

  /// Texts of unlike lengths, one longer than the network reads, are those of the network one by one.
  @Test func itsTextsAreReadByItsNetworkWhereItHasOne() throws {
    let run = try Run()
    let pair = try EncoderCatalog.pair(named: "\(run.name):second", computation: Computation(precision: .float32))
    let lite = try EncoderCatalog.pair(named: "lite", computation: Computation(precision: .float32))
    #expect(pair.textWidth == 12)
    let store = ParameterStore(
      loading: try #require(PretrainedRunName("\(run.name):second")).textWeights(), dtype: .float32)
    let network = Run.text.network(in: store.root)
    try store.validate()
    let texts = ["a meme", "words that go on and on and on", "cat"]
    let features = try pair.text.features(of: texts)
    for (row, text) in texts.enumerated() {
      var ids = try lite.text.tokens(of: text).map(Int.init)
      if ids.count > 6 { ids = ids.prefix(5) + [ids[ids.count - 1]] }
      let states = withInferenceMode {
        network(Tensor(ids).reshaped(to: [1, ids.count]), isPresent: .ones([1, ids.count]), using: nil)
      }
      #expect(relativeDifference(features.sliced(row..<row + 1), states.selected(0, along: 1)) < 1e-5, "\(text)")
    }
    #expect { try PretrainedRunName(run.name)!.textWeights() } throws: { "\($0)".contains("no network for texts") }
    // Of the whole run the network is told by the one for pictures beside it.
    let found = try PretrainedRunName(run.name)!.textWeights(beside: run.description.networks[1].backbone)
    #expect(found.keys.sorted() == store.values.keys.sorted())
  }

  /// Methods that read tokens are given the states of those that a text has, one text after the other.
  @Test func itsTokensHaveStates() throws {
    let run = try Run()
    let pair = try EncoderCatalog.pair(named: "\(run.name):second", computation: Computation(precision: .float32))
    let store = ParameterStore(
      loading: try #require(PretrainedRunName("\(run.name):second")).textWeights(), dtype: .float32)
    let network = Run.text.network(in: store.root)
    let encoder = try pair.tokenEncoder(for: .content)
    let texts = ["a meme", "words that go on and on and on", "cat"].map { encoder.tokens(of: $0, for: .content) }
    #expect(texts[1].count == 6 && texts[2].count == 3)
    let states = encoder.states(texts)
    #expect(states.shape == [texts.reduce(0) { $0 + $1.count }, 12])
    var start = 0
    for text in texts {
      let ids = text.map { Int($0) }
      let expected = withInferenceMode {
        network(Tensor(ids).reshaped(to: [1, ids.count]), isPresent: .ones([1, ids.count]), using: nil)
      }
      let own = states.sliced(start..<start + text.count)
      #expect(relativeDifference(own, expected.reshaped(to: [text.count, 12])) < 1e-5)
      start += text.count
    }
    #expect(relativeDifference(encoder.encode([texts[0]]), states.sliced(0..<1)) < 1e-5)
    #expect { try pair.tokenEncoder(for: .padded) } throws: { "\($0)".contains("reads_padding=false") }
  }

  /// The last map of a ResNet has cells, one where pictures have 32 rows; a transformer has no map.
  @Test func regionsAreTheCellsOfAResNet() throws {
    let run = try Run()
    defer { withExtendedLifetime(run) {} }
    let pair = try EncoderCatalog.pair(named: run.name, computation: Computation(precision: .float32))
    let encoder = try pair.regionEncoder
    let cells = encoder.cells([encoder.pixels(of: picture())])
    #expect(cells.shape == [1, 1, encoder.width])
    #expect(relativeDifference(cells.selected(0), try pair.image.features(of: [picture()])) < 1e-6)
    let other = try EncoderCatalog.pair(named: "\(run.name):second")
    #expect(throws: EncoderError.noRegions(encoder: other.name)) { _ = try other.regionEncoder }
  }

  @Test func whatIsNotThereIsTold() throws {
    let run = try Run()
    func message(_ body: () throws -> Void) -> String {
      do {
        try body()
        return "accepted"
      } catch {
        return "\(error)"
      }
    }
    #expect(message { _ = try EncoderCatalog.pair(named: "\(run.name):third") }.contains("it has first, second"))
    let other = message { _ = try EncoderCatalog.weights(of: run.name, for: .named("resnet18")!) }
    #expect(other.contains("resnet-nano and vit-nano16") && other.contains("resnet18"))
    var description = run.description
    description.textEncoder = run.name
    try run.write(description)
    #expect(message { _ = try EncoderCatalog.pair(named: run.name) }.contains("is a pretraining too"))
    description = run.description
    description.networks[0].name = "../first"
    try run.write(description)
    #expect(message { _ = try EncoderCatalog.pair(named: run.name) }.contains("small letters"))
    description = run.description
    description.networks[1].side = 33
    try run.write(description)
    #expect(message { _ = try EncoderCatalog.pair(named: run.name) }.contains("multiple of 16"))
    // Weights of another network, and a folder that is no run's yet.
    try run.write(run.description)
    let files = run.description.networks.map { PretrainedDescription.file(of: $0, in: run.folder) }
    try FileManager.default.removeItem(at: files[0])
    try FileManager.default.copyItem(at: files[1], to: files[0])
    #expect(message { _ = try EncoderCatalog.pair(named: run.name).image }.contains("does not fit the model"))
    try FileManager.default.removeItem(at: run.folder.appending(path: PretrainedDescription.fileName))
    #expect(message { _ = try EncoderCatalog.pair(named: run.name) }.contains("has no encoder.json"))
  }

  @Test func namesHoldWhereverTheProgramIsStarted() throws {
    let run = try Run()
    #expect(
      EncoderCatalog.absoluteName("lite,\(run.folder.path)/../\(run.folder.lastPathComponent):second+fast")
        == "lite,\(run.folder.standardizedFileURL.path):second+fast")
    #expect(EncoderCatalog.absoluteName("openai/clip-vit-base-patch32") == "openai/clip-vit-base-patch32")
  }
}
