// Networks for pictures as timm publishes them on the hub: ResNet-18 and -50, and ViT-B/16.
import Foundation
import MemeData
import Networks
import Torch
import TorchNN

/// A model of timm in the layout of the hub: a `config.json` that names the architecture, and the weights.
struct TimmModel: HubModel {
  private enum Architecture: String, CaseIterable {
    case resnet18, resnet50
    case vit224 = "vit_base_patch16_224"
    case vit384 = "vit_base_patch16_384"

    /// Numbers of one vector.
    var width: Int {
      switch self {
      case .resnet18: ResNetConfiguration.resnet18.width
      case .resnet50: ResNetConfiguration.resnet50.width
      case .vit224, .vit384: VisionTransformerConfiguration.base16().width
      }
    }

    /// Rows and columns of pictures, which a ResNet would take of any size.
    var side: Int { self == .vit384 ? 384 : 224 }

    func network(in scope: Scope) -> any PictureNetwork {
      switch self {
      case .resnet18: ResNet(.resnet18, in: scope)
      case .resnet50: ResNet(.resnet50, in: scope)
      case .vit224, .vit384: VisionTransformer(.base16(side: side), in: scope)
      }
    }
  }

  private struct Description: Decodable {
    struct Pretraining: Decodable {
      var mean: [Float]?
      var deviation: [Float]?
      /// The share of a picture's shorter side that is looked at.
      var cropShare: Double?

      enum CodingKeys: String, CodingKey {
        case mean
        case cropShare = "crop_pct"
        case deviation = "std"
      }
    }

    var architecture: String
    var pretraining: Pretraining?

    enum CodingKeys: String, CodingKey {
      case architecture
      case pretraining = "pretrained_cfg"
    }
  }

  private let folder: HubFolder
  private let architecture: Architecture
  /// As the model's own description has it, but that sizes always change bicubically.
  private let preparation: ImagePreparation
  private let weightFiles: [URL]

  /// Whether a folder's `config.json` is one of timm's.
  static func isDescribed(by folder: HubFolder) throws(EncoderError) -> Bool {
    struct Named: Decodable { var architecture: String? }
    let named: Named? = try folder.decodedIfThere("config.json")
    return named?.architecture != nil
  }

  init(_ folder: HubFolder) throws(EncoderError) {
    self.folder = folder
    let file = folder.file("config.json")
    let description: Description = try decoded(file)
    guard let architecture = Architecture(rawValue: description.architecture) else {
      let known = Architecture.allCases.map(\.rawValue).joined(separator: ", ")
      throw .invalidConfiguration(
        file, reason: "architecture is \"\(description.architecture)\"; expected one of \(known)")
    }
    self.architecture = architecture
    let mean = description.pretraining?.mean ?? [0.485, 0.456, 0.406]
    let deviation = description.pretraining?.deviation ?? [0.229, 0.224, 0.225]
    guard mean.count == 3, deviation.count == 3, deviation.allSatisfy({ $0 > 0 }) else {
      throw .invalidConfiguration(
        file, reason: "pretrained_cfg: mean and std must have 3 numbers, those of std above 0")
    }
    let share = description.pretraining?.cropShare ?? 0.875
    guard (0.1...1).contains(share) else {
      throw .invalidConfiguration(file, reason: "pretrained_cfg: crop_pct is \(share); expected 0.1...1")
    }
    let side = architecture.side
    preparation = ImagePreparation(
      side: side, framing: .crop(shortestSide: Int(Double(side) / share)), mean: mean, deviation: deviation)
    weightFiles = try folder.weightFiles()
  }

  func imageSource(
    _ variant: HubEncoderName, _ computation: Computation
  ) throws(EncoderError) -> EncoderPair.Source<any ImageEncoder> {
    guard !variant.isOfBert else { throw .noFirstToken(name: variant.model) }
    let preparation = variant.crops ? self.preparation : self.preparation.squashing
    let normalizes = variant.tap == .normalized
    return .init(
      width: architecture.width, files: weightFiles + [folder.file("config.json")],
      preprocessing: "\(preparation.words)\(normalizes ? ", normalised" : "")"
    ) {
      let network = try folder.network(of: weightFiles, computation, as: .float32, selecting: Self.withoutHead) {
        architecture.network(in: $1)
      }
      return PictureNetworkEncoder(
        network, preparation: preparation, normalizes: normalizes, computation: computation)
    }
  }

  func textSource(
    _ variant: HubEncoderName, _ computation: Computation
  ) throws(EncoderError) -> EncoderPair.Source<any TextEncoder> {
    throw .seesPicturesAlone(name: variant.model)
  }

  /// The classifier names kinds of things; the counts of batches say how long running statistics were followed.
  private static func withoutHead(_ weights: [String: Tensor]) -> [String: Tensor] {
    weights.filter { key, _ in
      !["fc.", "head."].contains(where: key.hasPrefix) && !key.hasSuffix(".num_batches_tracked")
    }
  }
}

/// Features of pictures from a network that could be trained and is not.
final class PictureNetworkEncoder: ImageEncoder, @unchecked Sendable {  // its tensors are never written
  let width: Int
  let preferredBatchSize = 8
  var inputSide: Int { preparation.side }
  private let network: any PictureNetwork
  private let preparation: ImagePreparation
  private let normalizes: Bool
  private let computation: Computation

  init(
    _ network: any PictureNetwork, preparation: ImagePreparation, normalizes: Bool, computation: Computation
  ) {
    self.network = network
    self.preparation = preparation
    self.normalizes = normalizes
    self.computation = computation
    width = network.width
  }

  func pixels(of image: RGBImage) -> Tensor { withInferenceMode { preparation.pixels(of: image) } }

  func encode(_ pixels: [Tensor]) -> Tensor {
    withInferenceMode {
      let features = computed(of: pixels) { network($0, using: nil) }
      return (normalizes ? features.normalized() : features).to(.cpu)
    }
  }

  /// What tells the features of a picture's parts; `nil` where the network has no map of them.
  var regions: (any RegionEncoder)? {
    guard let network = network as? ResNet else { return nil }
    return ResNetRegionEncoder(of: self, network)
  }

  /// What a network makes of prepared pictures, float32.
  fileprivate func computed(of pixels: [Tensor], _ network: (Tensor) -> Tensor) -> Tensor {
    let input = preparation.normalized(Tensor.concatenated(pixels, along: 0).to(computation.device))
    switch computation.precision {
    case .float32: return network(input)
    case .bfloat16:
      return withAutocast(to: .bfloat16, on: computation.device) { network(input) }.to(.float32)
    }
  }
}

/// The cells of a ResNet's last map as they are, beside the features of whole pictures. Of pictures that are cropped they are
/// cells of what is left.
private final class ResNetRegionEncoder: RegionEncoder, @unchecked Sendable {  // its tensors are never written
  private let pictures: PictureNetworkEncoder
  private let network: ResNet

  init(of pictures: PictureNetworkEncoder, _ network: ResNet) {
    self.pictures = pictures
    self.network = network
  }

  var width: Int { pictures.width }
  var preferredBatchSize: Int { pictures.preferredBatchSize }
  var inputSide: Int { pictures.inputSide }
  var regionWidth: Int { network.width }

  func pixels(of image: RGBImage) -> Tensor { pictures.pixels(of: image) }

  func encode(_ pixels: [Tensor]) -> Tensor { pictures.encode(pixels) }

  func cells(_ pixels: [Tensor]) -> Tensor {
    withInferenceMode { pictures.computed(of: pixels) { network.map($0, isTraining: false) }.to(.cpu).cells }
  }
}
