import Foundation
import MemeData
import Torch

/// A meme in the form that networks read: what is left when its picture is decoded and scaled and its text cleaned and cut
/// into tokens.
///
/// It is small whatever the picture was, depends on no other meme, and can be made on any thread.
public struct PreparedMeme: @unchecked Sendable {  // its tensors are never written
  /// The image network's input, where anything that it computes is wanted.
  var pixels: Tensor?
  /// The picture itself, uint8 [1, 3, S, S], where methods read it.
  var picture: Tensor?
  /// What a detector's regions of the picture are found by, where they are wanted.
  var regionKey: FeatureCache.Key?
  var hasPicture = false
  /// The cleaned text, `nil` where nothing is left of it.
  var text: String?
  /// The text's token ids, where they or its features are wanted.
  var tokens: [Int32]?
}

extension EncoderPair {
  /// Decodes a picture's file and cleans a text; either may be missing.
  ///
  /// - Parameter name: what errors call the picture.
  /// - Throws: `ImageError` for a picture that cannot be read, ``EncoderError`` where the networks cannot be loaded.
  public func prepared(
    picture file: Data?, named name: String, text: String?, cleaning: TextCleaning, request: FeatureRequest,
    decoder: ImageDecoder = ImageDecoder()
  ) throws -> PreparedMeme {
    var meme = PreparedMeme()
    if let file {
      meme.hasPicture = true
      func decoded(_ leastSide: Int?) throws -> RGBImage {
        try decoder.decode(file, name: name, leastSide: leastSide)
      }
      // No method reads both, so that nothing is decoded twice.
      if request.readsFeatures || request.regions == .grid { meme.pixels = try image.pixels(of: decoded(leastSide)) }
      if let side = request.pictureSide {
        meme.picture = PictureBlock.pixels(of: try decoded(leastSide(for: side)), side: side)
      }
      if case .file = request.regions {
        _ = try decoded(leastSide)  // A file that is no picture is refused here too.
        meme.regionKey = FeatureCache.Key(of: file)
      }
    }
    meme.text = cleaning.remainder(of: text)
    if request.readsFeatures || request.readsTokens { meme.tokens = try meme.text.map(self.text.tokens(of:)) }
    return meme
  }

  /// Refuses a picture that a detector's file does not know: of its meme the text alone would be read.
  ///
  /// - Throws: ``EncoderError/noRegionsOfPicture(_:name:)``.
  public func requireRegions(of meme: PreparedMeme, named name: String, request: FeatureRequest) throws {
    guard case .file(let file) = request.regions, let key = meme.regionKey, try !regions(in: file).contains(key) else {
      return
    }
    throw EncoderError.noRegionsOfPicture(file, name: name)
  }

  /// The features of a few prepared memes, computed on the spot.
  ///
  /// - Throws: ``EncoderError`` where the networks do not tell what is wanted.
  public func table(of memes: [PreparedMeme], request: FeatureRequest = FeatureRequest()) throws -> FeatureTable {
    let tokenEncoder = try request.tokenStates.map { try self.tokenEncoder(for: $0) }
    func block<Content>(
      _ contents: [Content?], isPresent: [Bool], width: Int, _ encode: ([Content]) throws -> Tensor
    ) throws -> FeatureBlock {
      guard request.readsFeatures else { return .empty(isPresent: isPresent) }
      let rows = contents.indices.filter { contents[$0] != nil }
      let values = Tensor.zeros([contents.count, width])
      if !rows.isEmpty { values.replaceRows(at: Tensor(rows), with: try encode(rows.map { contents[$0]! }).to(.cpu)) }
      return FeatureBlock(values: values, isPresent: isPresent)
    }
    let texts = memes.map(\.text)
    return FeatureTable(
      image: try block(memes.map(\.pixels), isPresent: memes.map(\.hasPicture), width: imageWidth) {
        try image.features(of: $0)
      },
      text: try block(memes.map(\.tokens), isPresent: texts.map { $0 != nil }, width: textWidth) {
        try text.encode($0)
      },
      tokens: tokenEncoder.map { $0.sequences(of: texts, for: request.tokenStates!) },
      regions: try request.regions.map { try regions(of: memes, from: $0) },
      pictures: request.pictureSide.map { PictureBlock(memes.map(\.picture), side: $0) },
      texts: request.readsTexts ? texts : nil,
      ids: request.readsTokens ? memes.map { $0.tokens ?? [] } : nil)
  }

  private func regions(of memes: [PreparedMeme], from source: RegionSource) throws -> RegionBlock {
    switch source {
    case .file(let file):
      return try self.regions(in: file).copy(memes.map(\.regionKey))
    case .grid:
      let network = try regionEncoder
      let cells = memes.compactMap(\.pixels).map { network.cells([$0]).selected(0).to(.cpu) }
      let rows = cells.isEmpty ? Tensor.zeros([0, network.regionWidth]) : .concatenated(cells, along: 0)
      let lengths = memes.map { $0.hasPicture ? cells[0].shape[0] : 0 }
      return RegionBlock(cells: SequenceBlock(states: rows, lengths: lengths))
    }
  }
}

extension TokenEncoder {
  /// The states of a few texts, in one call.
  func sequences(of texts: [String?], for states: TokenStates) -> SequenceBlock {
    let tokenized = texts.map { text in text.map { tokens(of: $0, for: states) } ?? [] }
    let present = tokenized.filter { !$0.isEmpty }
    let rows = present.isEmpty ? Tensor.zeros([0, width]) : self.states(present).to(.cpu)
    return SequenceBlock(states: rows, lengths: tokenized.map(\.count))
  }
}
