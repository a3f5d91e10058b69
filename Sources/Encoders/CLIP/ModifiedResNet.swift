// The residual network of CLIP (Radford et al., 2021, arXiv:2103.00020, section 2.4), with the key names of OpenAI's and
// open_clip's checkpoints. It differs from a ResNet (He et al., 2015, arXiv:1512.03385) in a stem of three convolutions,
// in strides that are means of squares before a convolution (Zhang, 2019, arXiv:1904.11486, called antialiasing there),
// and in attention instead of the mean over the last map.
//
// Shapes: N images, C channels, S side of an image, s side of the last map, D channels of the last map, H heads, E width of
// the embedding.
import Torch
import TorchNN

/// The architecture of CLIP's residual network.
public struct ModifiedResNetConfiguration: Sendable, Equatable {
  /// Rows and columns of the input.
  var imageSide = 224
  /// Channels after the stem.
  var width = 64
  /// Blocks of each stage.
  var layerCounts = [3, 4, 6, 3]
  var headCount = 32
  /// Features after the projection.
  var embeddingWidth = 1024

  /// Pixels a side for each element of the last map.
  static let totalStride = 32
  /// How many times wider a block is outside than inside.
  static let expansion = 4

  /// Channels of the last map: features before the projection.
  var pooledWidth: Int { width * Self.totalStride }
  var gridSide: Int { imageSide / Self.totalStride }

  /// What is wrong with it, `nil` when a network can be made of it.
  var fault: String? {
    guard (Self.totalStride...4096).contains(imageSide), imageSide.isMultiple(of: Self.totalStride) else {
      return "image_size must be a multiple of 32 in 32...4096"
    }
    guard (2...1024).contains(width), width.isMultiple(of: 2) else { return "width must be even and lie in 2...1024" }
    guard layerCounts.count == 4, layerCounts.allSatisfy({ (1...256).contains($0) }) else {
      return "layers must be 4 numbers in 1...256"
    }
    guard (1...pooledWidth).contains(headCount), pooledWidth.isMultiple(of: headCount) else {
      return "32 times width must be a multiple of head_width"
    }
    return (1...65_536).contains(embeddingWidth) ? nil : "embed_dim must lie in 1...65536"
  }

  /// RN50: 38,316,896 parameters, and 102,007,137 with its text tower.
  public static let rn50 = ModifiedResNetConfiguration()
}

/// CLIP's residual network with its projection. Its values never change, so that threads may share it.
struct ModifiedResNet: ImageTower, Sendable {
  private let stem: [FrozenConvolution]
  private let blocks: [Bottleneck]
  private let pooling: MeanAttention
  let pooledWidth: Int
  let embeddingWidth: Int
  /// Activations of more pictures leave the processor's cache.
  let batchSize = 4
  let computation: Computation

  init(_ configuration: ModifiedResNetConfiguration, computation: Computation, in scope: Scope) {
    var builder = Builder(side: configuration.imageSide, batchSize: batchSize, computation: computation)
    let width = configuration.width
    stem = [
      builder.convolution(outputs: width / 2, kernel: 3, stride: 2, .relu, scope["conv1"], scope["bn1"]),
      builder.convolution(outputs: width / 2, kernel: 3, .relu, scope["conv2"], scope["bn2"]),
      builder.convolution(outputs: width, kernel: 3, .relu, scope["conv3"], scope["bn3"]),
    ]
    builder.pool(side: 2)
    blocks = configuration.layerCounts.enumerated().flatMap { stage, count in
      (0..<count).map { index in
        Bottleneck(
          width: width << stage, stride: stage > 0 && index == 0 ? 2 : 1, &builder,
          in: scope["layer\(stage + 1)"][index])
      }
    }
    pooling = MeanAttention(configuration, computation, in: scope["attnpool"])
    (pooledWidth, embeddingWidth) = (configuration.pooledWidth, configuration.embeddingWidth)
    self.computation = computation
  }

  func pooled(_ pixels: Tensor) -> Tensor {
    var x = pixels.contiguousChannelsLast()
    for convolution in stem { x = convolution(x) }
    x = x.averagePooled(side: 2)
    for block in blocks { x = block(x) }
    return pooling(x)
  }

  func projected(_ pooled: Tensor) -> Tensor { pooling.projection(pooled) }

  /// Makes the convolutions in turn, keeping count of the size of what they are given.
  struct Builder {
    var channels = 3
    private var side: Int
    private let batchSize: Int
    private let computation: Computation

    /// The variance's lower bound in batch normalisation, PyTorch's default.
    private static let epsilon = 1e-5

    init(side: Int, batchSize: Int, computation: Computation) {
      (self.side, self.batchSize, self.computation) = (side, batchSize, computation)
    }

    mutating func pool(side: Int) { self.side /= side }

    mutating func convolution(
      outputs: Int, kernel: Int, stride: Int = 1, _ activation: FusedActivation, _ scope: Scope, _ normalization: Scope
    ) -> FrozenConvolution {
      let weight = scope.parameter("weight", [outputs, channels, kernel, kernel], .constant(0))
      let normalization = FrozenBatchNorm(width: outputs, epsilon: Self.epsilon, in: normalization)
      defer {
        channels = outputs
        side /= stride
      }
      return FrozenConvolution(
        weight: normalization.folded(into: weight).to(.float32), bias: normalization.bias.to(.float32), stride: stride,
        padding: kernel / 2, activation: activation, input: [batchSize, channels, side, side], dtype: computation.dtype,
        computation)
    }
  }
}

/// Three convolutions whose result is added to their input.
private struct Bottleneck: Sendable {
  private let first: FrozenConvolution
  private let second: FrozenConvolution
  private let third: FrozenConvolution
  /// What the input goes through where the block changes its size.
  private let shortcut: FrozenConvolution?
  private let stride: Int

  init(width: Int, stride: Int, _ builder: inout ModifiedResNet.Builder, in scope: Scope) {
    let (inputs, outputs) = (builder.channels, width * ModifiedResNetConfiguration.expansion)
    first = builder.convolution(outputs: width, kernel: 1, .relu, scope["conv1"], scope["bn1"])
    second = builder.convolution(outputs: width, kernel: 3, .relu, scope["conv2"], scope["bn2"])
    builder.pool(side: stride)
    third = builder.convolution(outputs: outputs, kernel: 1, .none, scope["conv3"], scope["bn3"])
    if stride > 1 || inputs != outputs {
      builder.channels = inputs
      shortcut = builder.convolution(
        outputs: outputs, kernel: 1, .none, scope["downsample"]["0"], scope["downsample"]["1"])
    } else {
      shortcut = nil
    }
    self.stride = stride
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    func pooled(_ x: Tensor) -> Tensor { stride > 1 ? x.averagePooled(side: stride) : x }
    let identity = shortcut.map { $0(pooled(x)) } ?? x
    return third(pooled(second(first(x))), adding: identity).relu()
  }
}

/// Attention of the mean of the last map to its elements and to itself.
private struct MeanAttention: @unchecked Sendable {  // its tensors are never written
  private let positions: Tensor  // [s s + 1, D]
  private let query: FrozenLinear
  private let keysAndValues: FrozenLinear
  let projection: FrozenLinear
  private let headCount: Int
  private let dtype: DType

  init(_ configuration: ModifiedResNetConfiguration, _ computation: Computation, in scope: Scope) {
    let (width, side) = (configuration.pooledWidth, configuration.gridSide)
    positions = scope.parameter("positional_embedding", [side * side + 1, width], .constant(0))
      .to(.float32).to(computation.device)
    // A vector a picture: their cost is small.
    query = FrozenLinear(inputs: width, outputs: width, computation.exact, in: scope["q_proj"])
    keysAndValues = FrozenLinear(inputs: width, outputs: width, computation, in: scope["k_proj"], scope["v_proj"])
    projection = FrozenLinear(
      inputs: width, outputs: configuration.embeddingWidth, computation.exact, in: scope["c_proj"])
    headCount = configuration.headCount
    dtype = computation.dtype
  }

  /// What stands for each picture, [N, D], float32, before the projection, of its last map [N, D, s, s].
  func callAsFunction(_ map: Tensor) -> Tensor {
    let (count, width) = (map.shape[0], map.shape[1])
    let elements = map.to(.float32).permuted(to: [0, 2, 3, 1]).reshaped(to: [count, -1, width])
    let x = Tensor.concatenated([elements.mean(along: 1, keepingRank: true), elements], along: 1) + positions
    let length = x.shape[1]
    func heads(_ x: Tensor, _ parts: Int, _ length: Int) -> Tensor {
      x.to(.float32).reshaped(to: [count, length, parts, headCount, width / headCount]).permuted(to: [2, 0, 3, 1, 4])
    }
    let queries = heads(query(x.selected(0, along: 1).contiguous()), 1, 1).selected(0)
    let others = heads(keysAndValues(x.reshaped(to: [count * length, width]).to(dtype)), 2, length)
    return queries.attention(keys: others.selected(0), values: others.selected(1)).reshaped(to: [count, width])
  }
}
