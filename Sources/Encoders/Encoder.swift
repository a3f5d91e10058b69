import MemeData
import Torch

/// Turns pictures into vectors. Encoders are frozen: threads may share one.
public protocol ImageEncoder: AnyObject, Sendable {
  /// The features of one picture.
  var width: Int { get }
  /// How many pictures are encoded fastest in one call.
  var preferredBatchSize: Int { get }
  /// Rows and columns of the network's input.
  var inputSide: Int { get }

  /// The network's input for one picture: of a fixed, small size, so that the picture itself can go.
  func pixels(of image: RGBImage) -> Tensor

  /// Features [N, width], float32 on the CPU, of N prepared pictures.
  func encode(_ pixels: [Tensor]) -> Tensor
}

/// An image encoder that tells the features of parts of a picture too.
public protocol RegionEncoder: ImageEncoder {
  /// The features of one region.
  var regionWidth: Int { get }

  /// Features [N, R, regionWidth], float32 on the CPU, of the cells of a square grid over N prepared pictures, row by row.
  func cells(_ pixels: [Tensor]) -> Tensor
}

/// Turns texts into vectors. Encoders are frozen: threads may share one.
public protocol TextEncoder: AnyObject, Sendable {
  /// The features of one text.
  var width: Int { get }
  /// How many tokens, of all texts together, are encoded fastest in one call.
  var preferredTokenCount: Int { get }

  /// The token ids of a text, never none.
  func tokens(of text: String) -> [Int32]

  /// Features [N, width], float32 on the CPU, of N texts in the order given.
  func encode(_ texts: [[Int32]]) -> Tensor
}

/// Which tokens of a text are told the state of.
public enum TokenStates: String, Sendable, Codable, CaseIterable {
  /// The text's own, with those that begin and end it.
  case content
  /// Those and the padding up to the network's length, which a network without a mask reads like any other token.
  case padded
}

/// A text encoder that tells the state of every token too.
public protocol TokenEncoder: TextEncoder {
  /// How many tokens texts are padded to; `nil` where the network does not read padding.
  var paddedLength: Int? { get }

  /// States [T, width], float32 on the CPU, of all tokens of texts, one text after the other in the order given.
  func states(_ texts: [[Int32]]) -> Tensor
}

extension TokenEncoder {
  /// The token ids of a text whose states are wanted; padding is zeros, as the authors of TIB-VA have it.
  func tokens(of text: String, for states: TokenStates) -> [Int32] {
    let tokens = tokens(of: text)
    guard states == .padded, let paddedLength else { return tokens }
    return tokens + [Int32](repeating: 0, count: max(0, paddedLength - tokens.count))
  }
}

extension ImageEncoder {
  /// Features [N, width] of pictures, encoded a preferred batch at a time.
  public func features(of images: [RGBImage]) -> Tensor { features(of: images.map(pixels)) }

  /// The same of prepared pictures.
  func features(of pixels: [Tensor]) -> Tensor {
    guard !pixels.isEmpty else { return Tensor.zeros([0, width]) }
    let starts = stride(from: 0, to: pixels.count, by: preferredBatchSize)
    return Tensor.concatenated(
      starts.map { encode(Array(pixels[$0..<min($0 + preferredBatchSize, pixels.count)])) }, along: 0)
  }
}

extension TextEncoder {
  /// Features [N, width] of a few texts, in one call.
  public func features(of texts: [String]) -> Tensor {
    texts.isEmpty ? Tensor.zeros([0, width]) : encode(texts.map(tokens))
  }
}
