import Foundation
import MemeData
import Torch

extension EncoderPair {
  /// The features of a few memes, computed on the spot.
  ///
  /// - Throws: `ImageError` for a picture that cannot be read, ``EncoderError`` where there are no such states.
  public func table(
    of memes: [Meme], cleaning: TextCleaning, request: FeatureRequest = FeatureRequest()
  ) throws -> FeatureTable {
    let tokenEncoder = try request.tokenStates.map { try self.tokenEncoder(for: $0) }
    func block<Content>(_ contents: [Content?], width: Int, _ encode: ([Content]) throws -> Tensor) throws
      -> FeatureBlock
    {
      let isPresent = contents.map { $0 != nil }
      guard request.readsFeatures else { return .empty(isPresent: isPresent) }
      let rows = contents.indices.filter { contents[$0] != nil }
      let values = Tensor.zeros([contents.count, width])
      if !rows.isEmpty { values.replaceRows(at: Tensor(rows), with: try encode(rows.map { contents[$0]! })) }
      return FeatureBlock(values: values, isPresent: isPresent)
    }
    // Pictures that are wanted themselves are decoded whole.
    let isReduced = request.pictureSide == nil && memes.contains { $0.image != nil }
    let leastSide = try isReduced ? leastSide : nil
    let images = try memes.map { meme in
      try meme.image.map { try ImageDecoder().decode(contentsOf: $0, leastSide: leastSide) }
    }
    let texts = memes.map { $0.text(cleaned: cleaning) }
    let regions = try request.regions.map { try self.regions(of: memes, images, from: $0) }
    return FeatureTable(
      image: try block(images, width: imageWidth) { try image.features(of: $0) },
      text: try block(texts, width: textWidth) { try text.features(of: $0) },
      tokens: tokenEncoder.map { $0.sequences(of: texts, for: request.tokenStates!) },
      regions: regions, pictures: request.pictureSide.map { PictureBlock(images, side: $0) },
      texts: request.readsTexts ? texts : nil,
      ids: request.readsTokens ? try texts.map { text in try text.map(self.text.tokens(of:)) ?? [] } : nil)
  }
}

extension EncoderPair {
  /// - Parameter images: The memes' pictures.
  private func regions(of memes: [Meme], _ images: [RGBImage?], from source: RegionSource) throws -> RegionBlock {
    switch source {
    case .file(let file):
      return try RegionFile(file).block(
        memes.map { try $0.image.map { FeatureCache.Key(of: try ImageDecoder().bytes(contentsOf: $0)) } })
    case .grid:
      let network = try regionEncoder
      let cells = images.compactMap { $0 }.map { network.cells([network.pixels(of: $0)]).selected(0) }
      let rows = cells.isEmpty ? Tensor.zeros([0, network.regionWidth]) : .concatenated(cells, along: 0)
      let lengths = images.map { $0 == nil ? 0 : cells[0].shape[0] }
      return RegionBlock(cells: SequenceBlock(states: rows, lengths: lengths))
    }
  }
}

extension TokenEncoder {
  /// The states of a few texts, in one call.
  func sequences(of texts: [String?], for states: TokenStates) -> SequenceBlock {
    let tokenized = texts.map { text in text.map { tokens(of: $0, for: states) } ?? [] }
    let present = tokenized.filter { !$0.isEmpty }
    let rows = present.isEmpty ? Tensor.zeros([0, width]) : self.states(present)
    return SequenceBlock(states: rows, lengths: tokenized.map(\.count))
  }
}
