import Foundation
import TorchNN

/// What a name of the catalog or of the hub stands for.
protocol NamedEncoders: Sendable {
  /// - Throws: ``EncoderError`` where there is no encoder of pictures.
  func imageSource(_ computation: Computation) throws(EncoderError) -> EncoderPair.Source<any ImageEncoder>
  /// - Throws: ``EncoderError`` where there is no encoder of texts.
  func textSource(_ computation: Computation) throws(EncoderError) -> EncoderPair.Source<any TextEncoder>
}

/// EfficientNet-Lite0 and all-MiniLM-L6-v2, the catalog's own encoders.
struct LiteEncoders: NamedEncoders {
  let entry: EncoderCatalog.Entry
  /// Where the entry's files are.
  let folder: URL
  /// The most tokens of a text.
  private static let textLength = 128

  func imageSource(_ computation: Computation) -> EncoderPair.Source<any ImageEncoder> {
    let file = folder.appending(path: entry.files[0])
    return .init(
      width: entry.imageWidth, files: [file],
      preprocessing: "squash 224, bicubic uint8, (x-127)/128, mean of the last map"
    ) {
      do {
        return try EfficientNetLiteEncoder(checkpoint: file, computation: computation)
      } catch let error as ParameterMismatch {
        throw EncoderError.invalidWeights(file, reason: error.description)
      }
    }
  }

  func textSource(_ computation: Computation) -> EncoderPair.Source<any TextEncoder> {
    let files = entry.files[1...].map { folder.appending(path: $0) }
    return .init(
      width: entry.textWidth, files: files, preprocessing: "wordpiece \(Self.textLength), masked mean, normalised"
    ) {
      // The wheel has no file that says so; the published model scales its embeddings.
      // A folder with more files than the entry's must make the same features: they are cached under the same name.
      try SentenceModel(HubFolder(url: files[0].deletingLastPathComponent()), fixedLength: Self.textLength)
        .encoder(computation, pooling: .mean, normalizes: true)
    }
  }
}
