import Encoders
import Torch

/// How the bytes of pictures become what a network sees, on the device that it computes on.
struct PictureInput {
  private let mean: Tensor  // [3, 1, 1]
  private let deviation: Tensor  // [3, 1, 1]

  /// CLIP's own means and deviations.
  static func clip(on device: Device) -> PictureInput {
    PictureInput(
      mean: [0.48145466, 0.4578275, 0.40821073], deviation: [0.26862954, 0.26130258, 0.27577711], device: device)
  }

  /// The means and deviations of ImageNet.
  static func imageNet(on device: Device) -> PictureInput {
    PictureInput(mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225], device: device)
  }

  /// Values from -1 to 1.
  static func centered(on device: Device) -> PictureInput {
    PictureInput(mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5], device: device)
  }

  private init(mean: [Float], deviation: [Float], device: Device) {
    self.mean = Tensor(mean, shape: [3, 1, 1], device: device)
    self.deviation = Tensor(deviation, shape: [3, 1, 1], device: device)
  }

  /// What the network sees of bytes [N, 3, S, S].
  func callAsFunction(_ bytes: Tensor) -> Tensor { (bytes.to(mean.device).to(.float32) / 255 - mean) / deviation }

  /// The given pictures [N, 3, S, S], or `views` of them. A missing one is of the mean colour, which is zero here.
  func callAsFunction(_ pictures: PictureBlock, _ rows: [Int], views: Tensor? = nil) -> Tensor {
    let bytes = views ?? pictures.gathered(rows)
    let isPresent = pictures.presence(rows).reshaped(to: [rows.count, 1, 1, 1]).to(mean.device)
    return self(bytes) * isPresent
  }
}

extension FeatureTable {
  /// The pictures that a method asked for.
  var requestedPictures: PictureBlock {
    guard let pictures else { preconditionFailure("a table without the pictures that the method asks for") }
    return pictures
  }

  /// The regions that a method asked for.
  var requestedRegions: RegionBlock {
    guard let regions else { preconditionFailure("a table without the regions that the method asks for") }
    return regions
  }

  /// The texts that a method asked for.
  var requestedTexts: [String?] {
    guard let texts else { preconditionFailure("a table without the texts that the method asks for") }
    return texts
  }

  /// The token ids that a method asked for.
  var requestedIDs: [[Int32]] {
    guard let ids else { preconditionFailure("a table without the token ids that the method asks for") }
    return ids
  }

  /// The largest of the token ids that a method asked for, 0 where there are none: a network may know fewer words.
  var largestID: Int { Int(requestedIDs.lazy.compactMap { $0.max() }.max() ?? 0) }

  /// 1 for each of the given memes that has a text that was asked for and 0 for the others, float32 [N, 1].
  func textPresence(_ rows: [Int], on device: Device) -> Tensor {
    Tensor(rows.map { requestedIDs[$0].isEmpty ? Float(0) : 1 }, shape: [rows.count, 1], device: device)
  }

  /// Probabilities [N, C] of all memes from the logits of a few at a time: networks that are trained whole cannot see all
  /// at once.
  func probabilities(isExclusive: Bool, _ logits: (_ rows: [Int]) -> Tensor) -> Tensor {
    let size = 32
    return withoutGrad {
      let parts = stride(from: 0, to: count, by: size).map { start in
        HeadLoss.crossEntropy.probabilities(
          logits(Array(start..<min(start + size, count))), isExclusive: isExclusive)
      }
      return .concatenated(parts, along: 0)
    }
  }
}
