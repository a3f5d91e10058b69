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
  private let scaling: FeatureScaling
  private let image: Statistics
  private let text: Statistics

  private struct Statistics {
    let mean: Tensor  // [D]
    let deviation: Tensor  // [D]

    init(width: Int, in scope: Scope) {
      mean = scope.buffer("mean", [width])
      deviation = scope.buffer("deviation", [width], .constant(1))
    }

    func measure(_ block: FeatureBlock) {
      let rows = block.isPresent.indices.filter { block.isPresent[$0] }
      guard !rows.isEmpty else { return }
      let present = rows.count == block.isPresent.count ? block.values : block.values.gathered(Tensor(rows))
      mean.copy(from: present.mean(along: 0))
      if rows.count > 1 { deviation.copy(from: present.standardDeviation(along: 0, correction: 1)) }
    }

    func prepared(_ block: FeatureBlock, scaling: FeatureScaling) -> Tensor {
      let isPresent = Tensor(block.isPresent, device: block.values.device).expanded(at: 1)
      let whole = block.values.selected(where: isPresent, otherwise: mean)
      switch scaling {
      case .none: return whole
      case .standardized: return standardized(whole)
      case .standardizedByWidth: return standardized(whole) / Double(block.width).squareRoot()
      }
    }

    /// A dimension that never varied has no scale of its own: it is centred only, so that no later value is blown up.
    private func standardized(_ x: Tensor) -> Tensor {
      (x - mean) / (deviation + 1e-6).selected(where: deviation .> 1e-6, otherwise: Tensor.ones([1]))
    }
  }

  public init(scaling: FeatureScaling, shape: ProblemShape, in scope: Scope) {
    self.scaling = scaling
    image = Statistics(width: shape.imageWidth, in: scope["image"])
    text = Statistics(width: shape.textWidth, in: scope["text"])
  }

  /// Measures means and deviations over the training memes.
  public func fit(_ features: FeatureTable) {
    image.measure(features.image)
    text.measure(features.text)
  }

  public func callAsFunction(_ features: FeatureTable) -> PreparedFeatures {
    PreparedFeatures(
      image: image.prepared(features.image, scaling: scaling), text: text.prepared(features.text, scaling: scaling))
  }
}
