import MemeData

@testable import Encoders

extension EncoderPair {
  /// The features of a few memes in files, computed on the spot.
  ///
  /// - Throws: `ImageError` for a picture that cannot be read, ``EncoderError`` where there are no such states.
  func table(
    of memes: [Meme], cleaning: TextCleaning, request: FeatureRequest = FeatureRequest()
  ) throws -> FeatureTable {
    let decoder = ImageDecoder()
    let prepared = try memes.map { meme in
      try self.prepared(
        picture: meme.image.map { try decoder.bytes(contentsOf: $0) }, named: meme.image?.path ?? meme.id,
        text: meme.text, cleaning: cleaning, request: request, decoder: decoder)
    }
    return try table(of: prepared, request: request)
  }
}
