import Foundation
import MemeData
import Networks
import Torch
import TorchNN

/// The networks of a finished pretraining, as ``PretrainedRunName`` names them.
struct PretrainedEncoders: NamedEncoders {
  private let folder: URL
  private let network: PretrainedDescription.Network
  private let texts: any NamedEncoders

  /// - Parameter named: What the name of the encoder for texts stands for.
  init(
    _ name: PretrainedRunName, named: (String) throws(EncoderError) -> any NamedEncoders
  ) throws(EncoderError) {
    folder = name.folder
    let description = try PretrainedDescription(contentsOf: folder)
    network = try name.firstNetwork
    // A run that names itself would never end.
    guard PretrainedRunName(description.textEncoder) == nil else {
      throw .invalidConfiguration(
        folder.appending(path: PretrainedDescription.fileName),
        reason: "its text_encoder is a pretraining too; expected a name of 'memesense encoders list'")
    }
    texts = try named(description.textEncoder)
  }

  func imageSource(_ computation: Computation) -> EncoderPair.Source<any ImageEncoder> {
    let file = PretrainedDescription.file(of: network, in: folder)
    let preparation = ImagePreparation.imageNet(side: network.side)
    return .init(
      width: network.backbone.width, files: [file], preprocessing: "\(network.backbone), \(preparation.words)"
    ) { [network, folder] in
      let pictures = try HubFolder(url: folder).network(of: [file], computation, as: .float32, selecting: { $0 }) {
        network.backbone.network(side: network.side, in: $1)
      }
      return PictureNetworkEncoder(pictures, preparation: preparation, normalizes: false, computation: computation)
    }
  }

  func textSource(_ computation: Computation) throws(EncoderError) -> EncoderPair.Source<any TextEncoder> {
    let source = try texts.textSource(computation)
    guard let text = network.text else { return source }
    let file = PretrainedDescription.textFile(of: network, in: folder)
    return .init(
      width: text.width, files: [file] + source.files,
      preprocessing:
        "\(source.preprocessing), \(text.family.rawValue), \(text.textLength) tokens, the first one's state"
    ) { [folder] in
      let network = try HubFolder(url: folder).network(of: [file], computation, as: .float32, selecting: { $0 }) {
        text.network(in: $1)
      }
      return TextNetworkEncoder(
        network, tokenizer: try source.encoder, length: text.textLength, computation: computation)
    }
  }
}

/// Features of texts from a network that could be trained and is not: the state of the first token.
final class TextNetworkEncoder: TokenEncoder, @unchecked Sendable {  // its tensors are never written
  let width: Int
  let preferredTokenCount = 1024
  /// Padding is masked.
  var paddedLength: Int? { nil }
  private let network: any TextNetwork
  private let tokenizer: any TextEncoder
  private let length: Int
  private let computation: Computation

  /// - Parameter length: Tokens of a text that are read at most.
  init(_ network: any TextNetwork, tokenizer: any TextEncoder, length: Int, computation: Computation) {
    self.network = network
    self.tokenizer = tokenizer
    self.length = length
    self.computation = computation
    width = network.width
  }

  func tokens(of text: String) -> [Int32] {
    TextArchitecture.read(tokenizer.tokens(of: text), limit: length)
  }

  func encode(_ texts: [[Int32]]) -> Tensor {
    withInferenceMode { lastStates(texts).selected(0, along: 1).to(.float32).to(.cpu) }
  }

  func states(_ texts: [[Int32]]) -> Tensor {
    withInferenceMode {
      let states = lastStates(texts)
      let longest = states.shape[1]
      let places = texts.enumerated().flatMap { row, text in text.indices.map { row * longest + $0 } }
      return states.reshaped(to: [-1, width]).gathered(Tensor(places)).to(.float32).to(.cpu)
    }
  }

  /// The last states [N, L, width] of all tokens, those of padding among them.
  private func lastStates(_ texts: [[Int32]]) -> Tensor {
    let longest = texts.map(\.count).max() ?? 1
    let ids = texts.flatMap { $0.map(Int.init) + [Int](repeating: 0, count: longest - $0.count) }
    let flags = texts.flatMap { text in (0..<longest).map { Float($0 < text.count ? 1 : 0) } }
    let shape = [texts.count, longest]
    func states() -> Tensor {
      network(
        Tensor(ids).reshaped(to: shape).to(computation.device),
        isPresent: Tensor(flags, shape: shape).to(computation.device), using: nil)
    }
    switch computation.precision {
    case .float32: return states()
    case .bfloat16: return withAutocast(to: .bfloat16, on: computation.device, states)
    }
  }
}

extension ImagePreparation {
  /// Whole pictures squashed to a square, by the mean and deviation of ImageNet: what networks here are pretrained on.
  static func imageNet(side: Int) -> ImagePreparation {
    ImagePreparation(
      side: side, framing: .squash, mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225])
  }
}

extension EncoderCatalog {
  /// The weights of a backbone: those of a pretraining's run, or of a model of the hub in timm's layout. They stay in the
  /// mapped files.
  ///
  /// - Throws: `CheckpointError` or ``EncoderError`` that says what is missing.
  public static func weights(of model: String, for backbone: Backbone) throws -> [String: Tensor] {
    guard let run = PretrainedRunName(model) else { return try weights(of: model) }
    let networks = try run.networks
    guard let network = networks.first(where: { $0.backbone == backbone }) else {
      throw EncoderError.otherBackbone(run: run.folder, known: networks.map(\.backbone.name), wanted: backbone.name)
    }
    return try Checkpoint(contentsOf: PretrainedDescription.file(of: network, in: run.folder), isMapped: true).tensors
  }
}
