import Foundation
import MemeData
import Torch

/// A CLIP in the layout of the hub: `config.json`, `preprocessor_config.json`, `vocab.json` and `merges.txt`.
struct CLIPModel: TwoTowerModel {
  let folder: HubFolder
  let configuration: CLIPConfiguration
  let preparation: ImagePreparation
  private let weightFiles: [URL]

  init(_ folder: HubFolder) throws(EncoderError) {
    self.folder = folder
    configuration = try folder.configuration()
    let side = configuration.vision.imageSide
    preparation = try folder.preparation(default: .clip(side: side, framing: .crop(shortestSide: side)))
    weightFiles = try folder.weightFiles()
  }

  var imageWidths: Widths { (configuration.vision.shape.width, configuration.embeddingWidth) }
  var textWidths: Widths { (configuration.text.shape.width, configuration.embeddingWidth) }
  var files: [URL] { weightFiles + [folder.file("config.json")] }
  var tokenizerFiles: [URL] { folder.clipTokenizerFiles }
  var textLength: Int { configuration.text.positionCount }
  var tokenizerWords: String { "CLIP's BPE \(configuration.text.positionCount)" }

  func imageTower(_ computation: Computation) throws -> any ImageTower {
    try folder.network(
      of: weightFiles, computation, selecting: HubFolder.below("vision_model.", "visual_projection.")
    ) { CLIPVision(configuration, computation: $0, in: $1) }
  }

  func textTower(_ computation: Computation) throws -> any TextTower {
    try folder.network(
      of: weightFiles, computation, selecting: HubFolder.below("text_model.", "text_projection.")
    ) { CLIPText(configuration, computation: $0, in: $1) }
  }

  func tokenizer() throws -> @Sendable (String) -> [Int32] { try folder.clipTokenizer(for: configuration) }
}

extension HubFolder {
  var clipTokenizerFiles: [URL] { [file("vocab.json"), file("merges.txt")] }

  /// - Throws: `CLIPTokenizerError` or ``EncoderError`` naming the file at fault.
  func clipTokenizer(for configuration: CLIPConfiguration) throws -> @Sendable (String) -> [Int32] {
    let text = configuration.text
    let vocabulary = clipTokenizerFiles[0]
    let tokenizer = try CLIPTokenizer(
      vocabulary: vocabulary, merges: clipTokenizerFiles[1], maxLength: text.positionCount)
    guard tokenizer.largestID < text.vocabularySize else {
      throw EncoderError.invalidConfiguration(
        vocabulary, reason: "an id is \(tokenizer.largestID); expected ids below vocab_size, \(text.vocabularySize)")
    }
    guard configuration.endID == 2 || configuration.endID == Int(tokenizer.endID) else {
      throw EncoderError.invalidConfiguration(
        vocabulary, reason: "<|endoftext|> is \(tokenizer.endID); expected eos_token_id, \(configuration.endID)")
    }
    return tokenizer.encode
  }
}
