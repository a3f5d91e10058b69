import Torch
import TorchNN

/// What maps the features of a modality to the space that pictures and texts share: a layer and a residual one
/// (reference 09 §C).
struct ProjectionHead {
  private let projection: Linear
  private let layer: Linear
  private let normalization: LayerNorm
  private let dropout: Dropout

  init(inputs: Int, outputs: Int, dropoutRate: Double, in scope: Scope) {
    projection = Linear(inputs: inputs, outputs: outputs, in: scope["projection"])
    layer = Linear(inputs: outputs, outputs: outputs, in: scope["layer"])
    normalization = LayerNorm(width: outputs, in: scope["normalization"])
    dropout = Dropout(rate: dropoutRate)
  }

  /// [N, outputs] of features [N, inputs].
  func callAsFunction(_ x: Tensor, using generator: Generator?) -> Tensor {
    let projected = projection(x)
    return normalization(dropout(layer(projected.gelu()), using: generator) + projected).to(.float32)
  }
}
