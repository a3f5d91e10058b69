import Foundation
import MemeData
import Networks
import Torch
import TorchNN

/// The networks of a finished pretraining, as ``PretrainedRunName`` names them.
struct PretrainedEncoders: NamedEncoders {
  private let folder: URL
  private let picture: PretrainedDescription.Picture
  private let texts: any NamedEncoders

  /// - Parameter named: What the name of the encoder for texts stands for.
  init(
    _ name: PretrainedRunName, named: (String) throws(EncoderError) -> any NamedEncoders
  ) throws(EncoderError) {
    folder = name.folder
    let description = try PretrainedDescription(contentsOf: folder)
    picture = try name.firstPicture
    // A run that names itself would never end.
    guard PretrainedRunName(description.textEncoder) == nil else {
      throw .invalidConfiguration(
        folder.appending(path: PretrainedDescription.fileName),
        reason: "its text_encoder is a pretraining too; expected a name of 'memesense encoders list'")
    }
    texts = try named(description.textEncoder)
  }

  func imageSource(_ computation: Computation) -> EncoderPair.Source<any ImageEncoder> {
    let file = PretrainedDescription.file(of: picture, in: folder)
    let preparation = ImagePreparation.imageNet(side: picture.side)
    return .init(
      width: picture.backbone.width, files: [file], preprocessing: "\(picture.backbone), \(preparation.words)"
    ) { [picture, folder] in
      let network = try HubFolder(url: folder).network(of: [file], computation, selecting: { $0 }) {
        picture.backbone.network(side: picture.side, in: $1)
      }
      return PictureNetworkEncoder(network, preparation: preparation, normalizes: false, computation: computation)
    }
  }

  func textSource(_ computation: Computation) throws(EncoderError) -> EncoderPair.Source<any TextEncoder> {
    try texts.textSource(computation)
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
    let pictures = try run.pictures(of: PretrainedDescription(contentsOf: run.folder))
    guard let picture = pictures.first(where: { $0.backbone == backbone }) else {
      throw EncoderError.otherBackbone(run: run.folder, known: pictures.map(\.backbone.name), wanted: backbone.name)
    }
    return try Checkpoint(contentsOf: PretrainedDescription.file(of: picture, in: run.folder), isMapped: true).tensors
  }
}
