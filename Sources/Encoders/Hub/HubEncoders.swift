import Foundation
import MemeData

/// The name of a model of the Hugging Face hub as recipes have it: `ORG/NAME`, then how it is used.
///
/// `openai/clip-vit-large-patch14` gives projected features of squashed pictures, `…:pooled` those before the
/// projection, `…:normalized` those of length 1. `+crop` at the end frames pictures as the model's own
/// `preprocessor_config.json` says; `+cls` takes of a BERT the state of a text's first token instead of the mean, and
/// `+128` reads no more than so many tokens of a text.
struct HubEncoderName: Sendable, Equatable {
  var model: String
  var tap = FeatureTap.projected
  var crops = false
  var readsFirstToken = false
  /// The most tokens of a text; `nil` for as many as the model takes.
  var tokenLimit: Int?

  /// Whether it says what is for BERT and its relatives alone.
  var isOfBert: Bool { readsFirstToken || tokenLimit != nil }

  init(_ name: String) throws(EncoderError) {
    let unknown = EncoderError.unknownVariant(name: name, known: FeatureTap.allCases.map(\.rawValue))
    var rest = name[...]
    if let match = rest.wholeMatch(of: /(.+)\+(\d+)/) {
      // Every text has a token that begins it and one that ends it.
      guard let limit = Int(match.2), limit >= 2 else { throw unknown }
      tokenLimit = limit
      rest = match.1
    }
    if rest.hasSuffix("+crop") {
      crops = true
      rest = rest.dropLast("+crop".count)
    } else if rest.hasSuffix("+cls") {
      readsFirstToken = true
      rest = rest.dropLast("+cls".count)
    }
    let parts = rest.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    model = String(parts[0])
    if parts.count == 2 {
      guard let tap = FeatureTap(rawValue: String(parts[1])) else { throw unknown }
      self.tap = tap
    }
  }
}

/// The encoders of a model of the hub, used as a name says.
struct HubEncoders: NamedEncoders {
  let model: any HubModel
  let variant: HubEncoderName

  func imageSource(_ computation: Computation) throws(EncoderError) -> EncoderPair.Source<any ImageEncoder> {
    try model.imageSource(variant, computation)
  }

  func textSource(_ computation: Computation) throws(EncoderError) -> EncoderPair.Source<any TextEncoder> {
    try model.textSource(variant, computation)
  }
}

extension EncoderCatalog {
  /// A pair of the towers of a folder in the hub's layout; its networks are loaded when they are first needed.
  ///
  /// - Parameter name: As ``HubEncoderName`` has it; the model's own name may be any.
  /// - Throws: ``EncoderError`` naming the file at fault.
  public static func pair(
    hubFolder folder: URL, name: String, computation: Computation = Computation()
  ) throws(EncoderError) -> EncoderPair {
    let encoders = HubEncoders(model: try HubFolder(url: folder).model(), variant: try HubEncoderName(name))
    return EncoderPair(
      name: name, computation: computation, image: try encoders.imageSource(computation),
      text: try encoders.textSource(computation))
  }
}
