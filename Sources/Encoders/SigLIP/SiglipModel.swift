import Foundation
import MemeData
import Torch

/// A SigLIP in the layout of the hub: `config.json`, `preprocessor_config.json`, `tokenizer_config.json` and
/// `spiece.model`.
struct SiglipModel: TwoTowerModel {
  let folder: HubFolder
  let configuration: SiglipConfiguration
  let preparation: ImagePreparation
  private let weightFiles: [URL]

  init(_ folder: HubFolder) throws(EncoderError) {
    self.folder = folder
    configuration = try folder.configuration()
    let side = configuration.vision.imageSide
    preparation = try folder.preparation(
      default: ImagePreparation(side: side, framing: .squash, mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5]))
    weightFiles = try folder.weightFiles()
  }

  var imageWidths: Widths { (configuration.vision.shape.width, configuration.vision.shape.width) }
  var textWidths: Widths { (configuration.text.shape.width, configuration.textEmbeddingWidth) }
  var files: [URL] { weightFiles + [folder.file("config.json")] }
  var textLength: Int { configuration.text.positionCount }
  var tokenizerWords: String { "SigLIP's SentencePiece \(configuration.text.positionCount)" }

  var tokenizerFiles: [URL] {
    ["spiece.model"].map(folder.file) + [Self.tokenizerConfiguration].filter(folder.has).map(folder.file)
  }

  private static let tokenizerConfiguration = "tokenizer_config.json"

  private struct TokenizerDescription: Decodable {
    var lowercases: Bool?
    enum CodingKeys: String, CodingKey { case lowercases = "do_lower_case" }
  }

  func imageTower(_ computation: Computation) throws -> any ImageTower {
    try folder.network(of: weightFiles, computation, selecting: HubFolder.below("vision_model.")) {
      SiglipVision(configuration, computation: $0, in: $1)
    }
  }

  func textTower(_ computation: Computation) throws -> any TextTower {
    try folder.network(of: weightFiles, computation, selecting: HubFolder.below("text_model.")) {
      SiglipText(configuration, computation: $0, in: $1)
    }
  }

  func tokenizer() throws -> @Sendable (String) -> [Int32] {
    let description: TokenizerDescription? = try folder.decodedIfThere(Self.tokenizerConfiguration)
    let text = configuration.text
    let file = folder.file("spiece.model")
    let tokenizer = try SiglipTokenizer(
      model: file, length: text.positionCount, lowercases: description?.lowercases ?? true)
    guard tokenizer.largestID < text.vocabularySize else {
      throw EncoderError.invalidConfiguration(
        file, reason: "an id is \(tokenizer.largestID); expected ids below vocab_size, \(text.vocabularySize)")
    }
    return tokenizer.encode
  }
}
