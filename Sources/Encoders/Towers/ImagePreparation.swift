import Foundation
import MemeData
import Torch

/// What is done to a picture before a tower sees it, as `preprocessor_config.json` describes it.
///
/// Sizes change by antialiased bicubic interpolation of the bytes, which is Pillow's within 1/255.
public struct ImagePreparation: Sendable, Equatable {
  /// How a picture becomes a square.
  public enum Framing: Sendable, Equatable {
    /// Width and height are scaled each by its own factor: SemiMemes, TIB-VA, CMML and Hate-CLIPper do.
    case squash
    /// The shorter side is scaled to `shortestSide`, and the middle square is kept: OpenAI's own way, and SimCLIP's.
    case crop(shortestSide: Int)
  }

  /// Rows and columns of the result.
  public var side: Int
  public var framing: Framing
  /// Of each channel, of values from 0 to 1.
  public var mean: [Float]
  public var deviation: [Float]

  /// Of longer pictures only the middle is looked at before they are scaled, so that a line a pixel high does not
  /// become a picture of gigabytes.
  private static let longestRatio = 16

  public init(side: Int, framing: Framing, mean: [Float], deviation: [Float]) {
    self.side = side
    self.framing = framing
    self.mean = mean
    self.deviation = deviation
  }

  /// CLIP's own mean and deviation.
  public static func clip(side: Int, framing: Framing = .squash) -> ImagePreparation {
    ImagePreparation(
      side: side, framing: framing, mean: [0.48145466, 0.4578275, 0.40821073],
      deviation: [0.26862954, 0.26130258, 0.27577711])
  }

  /// The same with the whole picture squashed into the square.
  public var squashing: ImagePreparation {
    var result = self
    result.framing = .squash
    return result
  }

  /// Words that change when what is done changes.
  var words: String {
    let frame =
      switch framing {
      case .squash: "squash \(side)"
      case .crop(let shortestSide): "shortest side \(shortestSide), middle \(side)"
      }
    return "\(frame), bicubic uint8, mean \(mean), deviation \(deviation)"
  }

  /// The bytes [1, 3, side, side] of a picture.
  public func pixels(of image: RGBImage) -> Tensor {
    switch framing {
    case .squash: image.squashed(to: side)
    case .crop(let shortestSide): cropped(image.tensor, shortestSide: shortestSide)
    }
  }

  private func cropped(_ pixels: Tensor, shortestSide: Int) -> Tensor {
    let limit = min(pixels.shape[2], pixels.shape[3]) * Self.longestRatio
    let middle = pixels.middle(min(limit, pixels.shape[2]), along: 2).middle(min(limit, pixels.shape[3]), along: 3)
      .contiguousChannelsLast()
    let (height, width) = (middle.shape[2], middle.shape[3])
    // The longer side is cut to a whole number of pixels, as transformers does; torchvision too.
    let short = min(height, width)
    let resized = middle.resizedBicubic(height: shortestSide * height / short, width: shortestSide * width / short)
    return resized.middle(side, along: 2).middle(side, along: 3).contiguous()
  }

  /// What the network is given: bytes [N, 3, S, S] as float32 of mean 0 and deviation 1.
  public func normalized(_ pixels: Tensor) -> Tensor {
    func channels(_ values: [Float]) -> Tensor { Tensor(values, shape: [3, 1, 1], device: pixels.device) }
    return (pixels.to(.float32) / 255 - channels(mean)) / channels(deviation)
  }
}

extension Tensor {
  /// The middle `count` of a dimension; where they cannot lie in the middle, one place nearer to the start.
  fileprivate func middle(_ count: Int, along axis: Int) -> Tensor {
    let start = (shape[axis] - count) / 2
    return sliced(start..<start + count, along: axis)
  }
}

extension ImagePreparation {
  /// Reads a `preprocessor_config.json` for a network with inputs of `standard.side` rows and columns.
  ///
  /// - Parameter standard: Whose mean and deviation count where the file has none.
  /// - Throws: ``EncoderError/invalidConfiguration(_:reason:)`` for what is not done here.
  init(contentsOf file: URL, default standard: ImagePreparation) throws(EncoderError) {
    let side = standard.side
    let description: PreprocessorDescription = try decoded(file)
    func fail(_ reason: String) -> EncoderError { .invalidConfiguration(file, reason: reason) }
    guard description.resizes != false, description.normalizes != false, description.rescales != false else {
      throw fail("do_resize, do_rescale or do_normalize is false; expected all of them to be done")
    }
    let bicubic = 3  // Pillow's number for it
    guard description.interpolation ?? bicubic == bicubic else {
      throw fail("resample is \(description.interpolation!); expected 3, bicubic")
    }
    guard abs((description.scale ?? 1 / 255) * 255 - 1) < 1e-4 else {
      throw fail("rescale_factor is \(description.scale!); expected 1/255")
    }
    let (mean, deviation) = (description.mean ?? standard.mean, description.deviation ?? standard.deviation)
    guard mean.count == 3, deviation.count == 3, deviation.allSatisfy({ $0 > 0 }) else {
      throw fail("image_mean and image_std must have 3 numbers, those of image_std above 0")
    }
    self.init(side: side, framing: .squash, mean: mean, deviation: deviation)
    switch description.size {
    case .both(let height, let width):
      guard height == side, width == side else {
        throw fail("size is \(height) × \(width); expected \(side) × \(side) as image_size of config.json")
      }
    case .shortest(let shortest):
      guard description.crops != false, (side...4096).contains(shortest) else {
        throw fail("the shortest side becomes \(shortest); expected \(side)...4096 and do_center_crop")
      }
      framing = .crop(shortestSide: shortest)
    case nil: framing = standard.framing
    }
    switch description.cropSize {
    case .both(side, side), .shortest(side), nil: break
    default: throw fail("crop_size must be \(side), the image_size of config.json")
    }
  }
}

extension HubFolder {
  /// What the folder's `preprocessor_config.json` says, the default where there is none.
  ///
  /// - Throws: ``EncoderError/invalidConfiguration(_:reason:)`` for what is not done here.
  func preparation(default standard: ImagePreparation) throws(EncoderError) -> ImagePreparation {
    let name = "preprocessor_config.json"
    return has(name) ? try ImagePreparation(contentsOf: file(name), default: standard) : standard
  }
}

/// The keys of a `preprocessor_config.json` that count.
private struct PreprocessorDescription: Decodable {
  /// A number, or an object with its sides named.
  enum Size: Decodable {
    case both(height: Int, width: Int)
    case shortest(Int)

    private enum CodingKeys: String, CodingKey {
      case height, width
      case shortest = "shortest_edge"
    }

    init(from decoder: any Decoder) throws {
      if let number = try? decoder.singleValueContainer().decode(Int.self) {
        self = .shortest(number)
        return
      }
      let values = try decoder.container(keyedBy: CodingKeys.self)
      if let shortest = try values.decodeIfPresent(Int.self, forKey: .shortest) {
        self = .shortest(shortest)
      } else {
        self = .both(
          height: try values.decode(Int.self, forKey: .height), width: try values.decode(Int.self, forKey: .width))
      }
    }
  }

  var resizes: Bool?
  var rescales: Bool?
  var normalizes: Bool?
  var crops: Bool?
  var size: Size?
  var cropSize: Size?
  var interpolation: Int?
  var scale: Double?
  var mean: [Float]?
  var deviation: [Float]?

  enum CodingKeys: String, CodingKey {
    case size
    case resizes = "do_resize"
    case rescales = "do_rescale"
    case normalizes = "do_normalize"
    case crops = "do_center_crop"
    case cropSize = "crop_size"
    case interpolation = "resample"
    case scale = "rescale_factor"
    case mean = "image_mean"
    case deviation = "image_std"
  }
}
