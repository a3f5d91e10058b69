// EfficientNet-Lite (Google, 2020), after https://github.com/tensorflow/tpu, models/official/efficientnet/lite, in the
// PyTorch form whose checkpoints it reads: efficientnet-lite-pytorch 0.1.0, key names as they are there.
// Lite differs from EfficientNet (Tan and Le, 2019, arXiv:1905.11946) in ReLU6 instead of swish and in having no
// squeeze-and-excitation.
//
// Shapes: N images, C channels, H rows, W columns.
import Torch
import TorchNN

/// The architecture of an EfficientNet-Lite.
public struct EfficientNetLiteConfiguration: Sendable, Equatable {
  /// Blocks of one shape, one after the other.
  public struct Stage: Sendable, Equatable {
    public var blockCount: Int
    public var kernel: Int
    /// Of the first block; the others keep the size.
    public var stride: Int
    /// How many times wider a block is inside than at its input.
    public var expansion: Int
    public var outputs: Int

    public init(blockCount: Int, kernel: Int, stride: Int, expansion: Int, outputs: Int) {
      self.blockCount = blockCount
      self.kernel = kernel
      self.stride = stride
      self.expansion = expansion
      self.outputs = outputs
    }
  }

  /// Rows and columns of the input.
  public var side: Int
  public var stemWidth: Int
  public var stages: [Stage]
  /// Features of an image.
  public var width: Int

  public init(side: Int, stemWidth: Int, stages: [Stage], width: Int) {
    self.side = side
    self.stemWidth = stemWidth
    self.stages = stages
    self.width = width
  }

  /// The smallest of the family, 4.7 million parameters, 0.4 billion multiplications an image.
  public static let lite0 = EfficientNetLiteConfiguration(
    side: 224, stemWidth: 32,
    stages: [
      Stage(blockCount: 1, kernel: 3, stride: 1, expansion: 1, outputs: 16),
      Stage(blockCount: 2, kernel: 3, stride: 2, expansion: 6, outputs: 24),
      Stage(blockCount: 2, kernel: 5, stride: 2, expansion: 6, outputs: 40),
      Stage(blockCount: 3, kernel: 3, stride: 2, expansion: 6, outputs: 80),
      Stage(blockCount: 3, kernel: 5, stride: 1, expansion: 6, outputs: 112),
      Stage(blockCount: 4, kernel: 5, stride: 2, expansion: 6, outputs: 192),
      Stage(blockCount: 1, kernel: 3, stride: 1, expansion: 6, outputs: 320),
    ], width: 1280)
}

/// EfficientNet-Lite without its classifier, for inference: batch normalisation is folded into the convolutions.
///
/// Its values never change, so that threads may share it.
public struct EfficientNetLite: Sendable {
  private let stem: SameConvolution
  private let blocks: [InvertedResidual]
  private let head: SameConvolution
  public let configuration: EfficientNetLiteConfiguration
  public let computation: Computation

  /// - Parameter batchSize: The images of a call, which the weights' layout is chosen for; others work.
  public init(
    _ configuration: EfficientNetLiteConfiguration, computation: Computation, batchSize: Int, in scope: Scope
  ) {
    self.configuration = configuration
    self.computation = computation
    var builder = SameConvolution.Builder(
      channels: 3, side: configuration.side, batchSize: batchSize, computation: computation)
    // Flat areas make equal numbers, whose rounding errors add up: the first layers stay in float32 (4 % of the time,
    // and the least cosine over real pictures grows).
    builder.dtype = .float32
    // Inputs are x − 127; the division by 128 is folded into the first weights.
    stem = builder.convolution(
      outputs: configuration.stemWidth, kernel: 3, stride: 2, activation: .relu6, weightScale: 1 / 128,
      scope["_conv_stem"], scope["_bn0"])
    var blocks: [InvertedResidual] = []
    for stage in configuration.stages {
      for index in 0..<stage.blockCount {
        blocks.append(
          InvertedResidual(
            stage, stride: index == 0 ? stage.stride : 1, &builder, dtype: computation.dtype,
            in: scope["_blocks"][blocks.count]))
      }
    }
    self.blocks = blocks
    head = builder.convolution(
      outputs: configuration.width, kernel: 1, stride: 1, activation: .relu6, scope["_conv_head"], scope["_bn1"])
  }

  /// Features [N, width], float32, of uint8 pixels [N, 3, H, W]: means over the last feature map.
  public func callAsFunction(_ pixels: Tensor) -> Tensor { map(pixels).mean(along: 2, 3) }

  /// The last feature map [N, width, H / 32, W / 32], float32, of uint8 pixels [N, 3, H, W].
  public func map(_ pixels: Tensor) -> Tensor {
    var x = stem(pixels.to(computation.device).to(.float32).channelsLast - 127)
    for block in blocks { x = block(x) }
    return head(x).to(.float32)
  }
}

/// Widens, filters each channel by itself, narrows; the input is added where shapes allow.
private struct InvertedResidual: Sendable {
  let expansion: SameConvolution?
  let depthwise: SameConvolution
  let projection: SameConvolution
  let isResidual: Bool

  /// - Parameter dtype: What the block computes in after its depthwise convolution.
  init(
    _ stage: EfficientNetLiteConfiguration.Stage, stride: Int, _ builder: inout SameConvolution.Builder, dtype: DType,
    in scope: Scope
  ) {
    let inputs = builder.channels
    let inner = inputs * stage.expansion
    let inputMeans = builder.means
    expansion =
      stage.expansion == 1
      ? nil
      : builder.convolution(
        outputs: inner, kernel: 1, stride: 1, activation: .relu6, scope["_expand_conv"], scope["_bn0"])
    depthwise = builder.convolution(
      outputs: inner, kernel: stage.kernel, stride: stride, groups: inner, activation: .relu6,
      scope["_depthwise_conv"], scope["_bn1"])
    builder.dtype = dtype
    projection = builder.convolution(
      outputs: stage.outputs, kernel: 1, stride: 1, activation: .none, scope["_project_conv"], scope["_bn2"])
    isResidual = stride == 1 && inputs == stage.outputs
    if isResidual, let inputMeans, let means = builder.means { builder.means = means + inputMeans }
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    projection(depthwise(expansion?(x) ?? x), adding: isResidual ? x : nil)
  }
}
