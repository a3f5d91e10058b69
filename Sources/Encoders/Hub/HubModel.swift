import Foundation
import Torch

/// A model of the hub as the catalog sees it: what it can make of pictures and of texts.
///
/// What is small has been read and checked; weights are read when an encoder is first needed.
protocol HubModel: Sendable {
  /// - Throws: ``EncoderError`` where it sees no pictures.
  func imageSource(
    _ variant: HubEncoderName, _ computation: Computation
  ) throws(EncoderError) -> EncoderPair.Source<any ImageEncoder>

  /// - Throws: ``EncoderError`` where it reads no texts.
  func textSource(
    _ variant: HubEncoderName, _ computation: Computation
  ) throws(EncoderError) -> EncoderPair.Source<any TextEncoder>
}

/// A model with a tower for pictures and one for texts, whose features lie in one space.
protocol TwoTowerModel: HubModel {
  /// Features before and after the last projection.
  typealias Widths = (pooled: Int, embedding: Int)

  var imageWidths: Widths { get }
  var textWidths: Widths { get }
  /// As the model's own description has it.
  var preparation: ImagePreparation { get }
  /// The files that weights come from and those that describe the towers.
  var files: [URL] { get }
  /// The files that the tokenizer is made of.
  var tokenizerFiles: [URL] { get }
  /// How many tokens the text tower reads where a text is filled up.
  var textLength: Int { get }
  /// What the tokenizer does, in words that change when it changes.
  var tokenizerWords: String { get }

  /// - Throws: `CheckpointError` or ``EncoderError`` naming the file at fault.
  func imageTower(_ computation: Computation) throws -> any ImageTower
  /// - Throws: `CheckpointError` or ``EncoderError`` naming the file at fault.
  func textTower(_ computation: Computation) throws -> any TextTower
  /// What turns a text into ids that the text tower takes.
  ///
  /// - Throws: The tokenizer's own error, or ``EncoderError``, naming the file at fault.
  func tokenizer() throws -> @Sendable (String) -> [Int32]
}

extension TwoTowerModel {
  func imageSource(
    _ variant: HubEncoderName, _ computation: Computation
  ) throws(EncoderError) -> EncoderPair.Source<any ImageEncoder> {
    guard !variant.isOfBert else { throw .noFirstToken(name: variant.model) }
    let preparation = variant.crops ? self.preparation : self.preparation.squashing
    let tap = variant.tap
    return .init(
      width: tap == .pooled ? imageWidths.pooled : imageWidths.embedding, files: files,
      preprocessing: "\(preparation.words), \(tap.rawValue)"
    ) {
      TowerImageEncoder(try imageTower(computation), preparation: preparation, tap: tap)
    }
  }

  func textSource(
    _ variant: HubEncoderName, _ computation: Computation
  ) throws(EncoderError) -> EncoderPair.Source<any TextEncoder> {
    let tap = variant.tap
    guard !variant.isOfBert else { throw .noFirstToken(name: variant.model) }
    return .init(
      width: tap == .pooled ? textWidths.pooled : textWidths.embedding, files: files + tokenizerFiles,
      preprocessing: "\(tokenizerWords), \(tap.rawValue)"
    ) {
      TowerTextEncoder(
        try textTower(computation), tap: tap, paddedLength: textLength, tokenize: try tokenizer())
    }
  }
}
