import MemeData
import Torch

/// Where the features of a tower are taken.
public enum FeatureTap: String, Sendable, CaseIterable {
  /// After the projection into the space of pictures and texts, of any length: SemiMemes, TIB-VA, CMML.
  case projected
  /// Before that projection: Hate-CLIPper.
  case pooled
  /// After the projection, of length 1: SimCLIP, similarities.
  case normalized
}

/// Features of pictures from a tower of a model with two.
public final class TowerImageEncoder: ImageEncoder {
  public let width: Int
  /// Few on a processor: activations of more pictures leave its cache.
  public let preferredBatchSize: Int
  /// What is done to pictures first.
  public let preparation: ImagePreparation
  public let tap: FeatureTap
  private let tower: any ImageTower

  init(_ tower: any ImageTower, preparation: ImagePreparation, tap: FeatureTap) {
    self.tower = tower
    self.preparation = preparation
    self.tap = tap
    width = tap == .pooled ? tower.pooledWidth : tower.embeddingWidth
    preferredBatchSize = tower.computation.device == .cpu ? tower.batchSize : 64
  }

  public var inputSide: Int { preparation.side }

  public func pixels(of image: RGBImage) -> Tensor { withInferenceMode { preparation.pixels(of: image) } }

  public func encode(_ pixels: [Tensor]) -> Tensor {
    withInferenceMode {
      let bytes = Tensor.concatenated(pixels, along: 0).to(tower.computation.device)
      let pooled = tower.pooled(preparation.normalized(bytes))
      return pooled.tapped(tap, tower.projected).to(.cpu)
    }
  }
}

/// Features of texts from a tower of a model with two.
public final class TowerTextEncoder: TokenEncoder {
  public let width: Int
  public let preferredTokenCount = 1024
  public let tap: FeatureTap
  public let paddedLength: Int?
  private let tower: any TextTower
  private let tokenize: @Sendable (String) -> [Int32]

  /// - Parameters:
  ///   - paddedLength: How many tokens the tower reads where a text is filled up with zeros.
  ///   - tokenize: The ids of a text as the tower wants them, below its vocabulary's size.
  init(
    _ tower: any TextTower, tap: FeatureTap, paddedLength: Int? = nil,
    tokenize: @escaping @Sendable (String) -> [Int32]
  ) {
    self.tower = tower
    self.tap = tap
    self.paddedLength = paddedLength
    self.tokenize = tokenize
    width = tap == .pooled ? tower.pooledWidth : tower.embeddingWidth
  }

  public func tokens(of text: String) -> [Int32] { tokenize(text) }

  public func encode(_ texts: [[Int32]]) -> Tensor {
    withInferenceMode { tower.pooled(texts).tapped(tap, tower.projected).to(.cpu) }
  }

  /// The states after the last normalisation, projected too unless the tap is `pooled` (reference 03 §1).
  public func states(_ texts: [[Int32]]) -> Tensor {
    withInferenceMode { tower.states(texts).tapped(tap, tower.projected).to(.cpu) }
  }
}

extension Tensor {
  /// What a tap gives of features before their projection.
  fileprivate func tapped(_ tap: FeatureTap, _ project: (Tensor) -> Tensor) -> Tensor {
    switch tap {
    case .projected: project(self)
    case .pooled: self
    case .normalized: project(self).normalized()
    }
  }
}

extension Computation {
  /// The same in float32, for layers whose cost is small.
  var exact: Computation {
    var result = self
    result.precision = .float32
    return result
  }
}
