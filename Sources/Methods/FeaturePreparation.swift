import Encoders
import Torch
import TorchNN

/// How raw features are scaled before a method sees them.
public enum FeatureScaling: String, Codable, Sendable, CaseIterable {
  /// As the encoder gives them (the published setting for CLIP).
  case none
  /// Mean 0 and deviation 1 in every dimension, over the training memes.
  case standardized
  /// Standardised and divided by the root of the block's width, so that blocks of any width weigh the same.
  case standardizedByWidth = "standardized_by_width"
}

/// Both blocks of a list of memes, scaled, with nothing missing.
public struct PreparedFeatures {
  public var image: Tensor  // [N, I]
  public var text: Tensor  // [N, T]

  /// The given rows (int64).
  public func gathered(_ rows: Tensor) -> PreparedFeatures {
    PreparedFeatures(image: image.gathered(rows), text: text.gathered(rows))
  }
}

/// Scales features by what the training memes were like, and stands in for a missing image or text.
///
/// A missing modality takes the mean embedding of the training memes that have it: after standardising that is zero,
/// the value that moves no linear score.
public struct FeaturePreparation {
  private let image: BlockPreparation
  private let text: BlockPreparation

  public init(scaling: FeatureScaling, shape: ProblemShape, in scope: Scope) {
    image = BlockPreparation(scaling: scaling, width: shape.imageWidth, in: scope["image"])
    text = BlockPreparation(scaling: scaling, width: shape.textWidth, in: scope["text"])
  }

  /// Measures means and deviations over the training memes.
  public func fit(_ features: FeatureTable) {
    image.fit(features.image)
    text.fit(features.text)
  }

  public func callAsFunction(_ features: FeatureTable) -> PreparedFeatures {
    PreparedFeatures(image: image(features.image), text: text(features.text))
  }
}

/// The same for one modality, or for the states of tokens.
struct BlockPreparation {
  private let scaling: FeatureScaling
  private let mean: Tensor  // [D]
  private let deviation: Tensor  // [D]

  init(scaling: FeatureScaling, width: Int, in scope: Scope) {
    self.scaling = scaling
    mean = scope.buffer("mean", [width])
    deviation = scope.buffer("deviation", [width], .constant(1))
  }

  /// Measures mean and deviation over the rows that are there.
  func fit(_ block: FeatureBlock) {
    let rows = block.isPresent.indices.filter { block.isPresent[$0] }
    guard !rows.isEmpty else { return }
    let present = rows.count == block.isPresent.count ? block.values : block.values.gathered(Tensor(rows))
    mean.copy(from: present.mean(along: 0))
    if rows.count > 1 { deviation.copy(from: present.standardDeviation(along: 0, correction: 1)) }
  }

  /// Measures mean and deviation over all tokens, some texts at a time.
  func fit(_ block: SequenceBlock) {
    let count = Double(block.lengths.reduce(0, +))
    guard count > 0 else { return }
    func total(_ value: (Tensor) -> Tensor) -> Tensor {
      block.chunks.reduce(Tensor.zeros([block.width], dtype: .float64)) {
        $0 + value(block.gathered($1).flat.to(.float64)).sum(along: 0)
      }
    }
    let center = total { $0 } / count
    mean.copy(from: center)
    if count > 1 { deviation.copy(from: (total { ($0 - center) * ($0 - center) } / (count - 1)).squareRoot()) }
  }

  /// Rows [N, D].
  func callAsFunction(_ block: FeatureBlock) -> Tensor {
    let isPresent = Tensor(block.isPresent, device: mean.device).expanded(at: 1)
    return scaled(block.values.to(mean.device).selected(where: isPresent, otherwise: mean))
  }

  /// States [N, L, D] with the tokens of each text; a missing one is a single token of the mean state.
  func callAsFunction(_ block: SequenceBlock) -> (states: Tensor, lengths: [Int]) {
    let lengths = block.lengths
    let padded = lengths.contains { $0 > 0 } ? block.padded : Tensor.zeros([block.count, 1, block.width])
    let isPresent = Tensor(lengths.map { $0 > 0 }, device: mean.device).reshaped(to: [-1, 1, 1])
    return (scaled(padded.to(mean.device).selected(where: isPresent, otherwise: mean)), lengths.map { max($0, 1) })
  }

  private func scaled(_ x: Tensor) -> Tensor {
    switch scaling {
    case .none: x
    case .standardized: standardized(x)
    case .standardizedByWidth: standardized(x) / Double(mean.shape[0]).squareRoot()
    }
  }

  /// A dimension that never varied has no scale of its own: it is centred only, so that no later value is blown up.
  private func standardized(_ x: Tensor) -> Tensor {
    (x - mean) / (deviation + 1e-6).selected(where: deviation .> 1e-6, otherwise: Tensor.ones([1], device: x.device))
  }
}

extension SequenceBlock {
  /// Rows some at a time, so that the states of many texts need not be in memory together.
  var chunks: [[Int]] { stride(from: 0, to: count, by: 64).map { Array($0..<min($0 + 64, count)) } }
}
