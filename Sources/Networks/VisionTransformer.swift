// ViT (Dosovitskiy et al., 2020, arXiv:2010.11929) as timm has it, with its key names.
//
// Shapes: N pictures, S rows and columns, P rows and columns of a patch, T = (S / P)² + 1 tokens, D width, H heads.
import Torch
import TorchNN

/// The architecture of a vision transformer.
public struct VisionTransformerConfiguration: Sendable, Equatable {
  /// Rows and columns of the pictures that the positions were made for.
  public var side: Int
  public var patch: Int
  public var width: Int
  public var layerCount: Int
  public var headCount: Int
  /// The largest rate at which blocks are skipped while training; it grows linearly with depth (stochastic depth).
  public var dropPathRate = 0.0
  /// Whether the backward pass computes every block once more, so that less must be kept: see `recomputed`.
  public var isRecomputed = false

  public init(side: Int, patch: Int, width: Int, layerCount: Int, headCount: Int, dropPathRate: Double = 0) {
    precondition(width.isMultiple(of: headCount), "a width of \(width) cannot be cut into \(headCount) heads")
    self.side = side
    self.patch = patch
    self.width = width
    self.layerCount = layerCount
    self.headCount = headCount
    self.dropPathRate = dropPathRate
  }

  public static func base16(side: Int = 224) -> VisionTransformerConfiguration {
    VisionTransformerConfiguration(side: side, patch: 16, width: 768, layerCount: 12, headCount: 12)
  }

  public static func tiny16(side: Int = 224) -> VisionTransformerConfiguration {
    VisionTransformerConfiguration(side: side, patch: 16, width: 192, layerCount: 12, headCount: 3)
  }

  /// Patches along one side.
  var gridSide: Int { side / patch }
}

/// A transformer over the patches of a picture, all of it trainable.
public struct VisionTransformer: PictureNetwork {
  public let configuration: VisionTransformerConfiguration
  public var width: Int { configuration.width }
  private let classToken: Tensor  // [1, 1, D]
  private let positions: Tensor  // [1, T, D]
  private let patches: PatchEmbedding
  private let blocks: [Block]
  private let normalization: LayerNorm

  public init(_ configuration: VisionTransformerConfiguration, in scope: Scope) {
    self.configuration = configuration
    let (width, patch) = (configuration.width, configuration.patch)
    let narrow = Initializer.normal(mean: 0, deviation: 0.02)
    let tokenCount = configuration.gridSide * configuration.gridSide + 1
    classToken = scope.parameter("cls_token", [1, 1, width], narrow)
    positions = scope.parameter("pos_embed", [1, tokenCount, width], narrow)
    patches = PatchEmbedding(side: patch, width: width, in: scope["patch_embed"]["proj"])
    blocks = (0..<configuration.layerCount).map { index in
      let rate = configuration.dropPathRate * Double(index) / Double(max(1, configuration.layerCount - 1))
      return Block(configuration, dropPathRate: rate, in: scope["blocks"][index])
    }
    normalization = LayerNorm(width: width, epsilon: 1e-6, in: scope["norm"])
  }

  /// The normalised tokens [N, T, D] of pictures [N, 3, S, S], the class token first. S may be any multiple of the
  /// patch: the positions are interpolated.
  public func tokens(_ pictures: Tensor, using generator: Generator?) -> Tensor {
    let (patches, height, width) = patches(pictures, after: classToken)
    var x = patches + positions(height: height, width: width)
    for block in blocks { x = block(x, using: generator) }
    return normalization(x)
  }

  /// The class token.
  public func callAsFunction(_ pictures: Tensor, using generator: Generator?) -> Tensor {
    tokens(pictures, using: generator).selected(0, along: 1)
  }

  /// The positions [1, T, D] of a grid of patches.
  private func positions(height: Int, width: Int) -> Tensor {
    let side = configuration.gridSide
    guard height != side || width != side else { return positions }
    return positions.resizingGrid(side: side) { $0.interpolatedBicubic(height: height, width: width) }
  }

  private struct Block {
    private let attention: Attention
    private let beforeAttention: LayerNorm
    private let beforeInner: LayerNorm
    private let inner: Linear
    private let outer: Linear
    private let dropPath: DropPath
    private let run: LayerRun

    init(_ configuration: VisionTransformerConfiguration, dropPathRate: Double, in scope: Scope) {
      let width = configuration.width
      beforeAttention = LayerNorm(width: width, epsilon: 1e-6, in: scope["norm1"])
      attention = Attention(width: width, headCount: configuration.headCount, in: scope["attn"])
      beforeInner = LayerNorm(width: width, epsilon: 1e-6, in: scope["norm2"])
      inner = .transformer(inputs: width, outputs: 4 * width, in: scope["mlp"]["fc1"])
      outer = .transformer(inputs: 4 * width, outputs: width, in: scope["mlp"]["fc2"])
      dropPath = DropPath(rate: dropPathRate)
      run = LayerRun(isRecomputed: configuration.isRecomputed, in: scope)
    }

    func callAsFunction(_ x: Tensor, using generator: Generator?) -> Tensor {
      run([x], using: generator) { inputs, generator in
        let attended = inputs[0] + dropPath(attention(beforeAttention(inputs[0]), using: generator), using: generator)
        return [attended + dropPath(outer(inner(beforeInner(attended)).gelu()), using: generator)]
      }[0]
    }
  }

  private struct Attention {
    private let inputs: Linear
    private let output: Linear
    private let headCount: Int

    init(width: Int, headCount: Int, in scope: Scope) {
      inputs = .transformer(inputs: width, outputs: 3 * width, in: scope["qkv"])
      output = .transformer(inputs: width, outputs: width, in: scope["proj"])
      self.headCount = headCount
    }

    func callAsFunction(_ x: Tensor, using generator: Generator?) -> Tensor {
      let (count, length, width) = (x.shape[0], x.shape[1], x.shape[2])
      let heads = inputs(x).reshaped(to: [count, length, 3, headCount, width / headCount]).permuted(to: [2, 0, 3, 1, 4])
      let mixed = heads.selected(0).mixing(heads.selected(2), by: heads.selected(1), using: generator)
      return output(mixed.transposed(1, 2).reshaped(to: [count, length, width]))
    }
  }
}
