// ResNet (He et al., 2015, arXiv:1512.03385) as torchvision and timm have it, with their key names.
//
// Shapes: N pictures, C channels, S rows and columns.
import Torch
import TorchNN

/// The architecture of a ResNet.
public struct ResNetConfiguration: Sendable, Equatable {
  public enum Block: Sendable, Equatable {
    /// Two 3 × 3 convolutions.
    case basic
    /// 1 × 1, 3 × 3 and 1 × 1, the last of four times the channels.
    case bottleneck

    var expansion: Int { self == .basic ? 1 : 4 }
  }

  public var block: Block
  /// Blocks of each stage.
  public var depths: [Int]
  /// Channels of each stage before a bottleneck's expansion.
  public var channels = [64, 128, 256, 512]

  public init(block: Block, depths: [Int], channels: [Int] = [64, 128, 256, 512]) {
    precondition(depths.count == channels.count, "\(depths.count) depths for \(channels.count) stages")
    self.block = block
    self.depths = depths
    self.channels = channels
  }

  public static let resnet18 = ResNetConfiguration(block: .basic, depths: [2, 2, 2, 2])
  public static let resnet50 = ResNetConfiguration(block: .bottleneck, depths: [3, 4, 6, 3])

  /// Channels of the last map.
  public var width: Int { channels.last! * block.expansion }
}

/// A residual network for pictures, all of it trainable.
public struct ResNet: PictureNetwork {
  public let configuration: ResNetConfiguration
  public var width: Int { configuration.width }
  /// Stages, and the stem before them, whose running statistics stay while the network is trained; 0 for none.
  private let frozenStages: Int
  private let stem: Convolution
  private let stemNormalization: BatchNorm
  /// With the stage, counted from 1, that each is of.
  private let blocks: [(stage: Int, block: ResidualBlock)]

  public init(_ configuration: ResNetConfiguration, frozenStages: Int = 0, in scope: Scope) {
    self.configuration = configuration
    self.frozenStages = frozenStages
    let stemChannels = 64
    stem = Convolution(
      inputs: 3, outputs: stemChannels, kernel: 7, stride: 2, padding: 3, usesBias: false,
      initializer: .fanOut(stemChannels * 49), in: scope["conv1"])
    stemNormalization = BatchNorm(channels: stemChannels, in: scope["bn1"])
    var inputs = stemChannels
    blocks = zip(configuration.depths, configuration.channels).enumerated().flatMap { stage, size in
      (0..<size.0).map { index in
        let block = ResidualBlock(
          configuration.block, inputs: inputs, channels: size.1, stride: stage > 0 && index == 0 ? 2 : 1,
          in: scope["layer\(stage + 1)"][index])
        inputs = size.1 * configuration.block.expansion
        return (stage + 1, block)
      }
    }
  }

  /// What training changes.
  public var parameters: [Tensor] {
    layers.flatMap { [$0.0.weight, $0.1.weight, $0.1.bias] }
  }

  /// The running statistics, which passes through the network while training change.
  public var buffers: [Tensor] {
    layers.flatMap { [$0.1.runningMean, $0.1.runningVariance] }
  }

  private var layers: [(Convolution, BatchNorm)] { [(stem, stemNormalization)] + blocks.flatMap(\.block.layers) }

  /// The last map [N, C, S / 32, S / 32] of pictures [N, 3, S, S].
  public func map(_ pictures: Tensor, isTraining: Bool) -> Tensor {
    let stem = stemNormalization(stem(pictures.channelsLast), isTraining: isTraining && frozenStages == 0).relu()
      .maxPooled(window: 3, stride: 2, padding: 1)
    return blocks.reduce(stem) { x, part in part.block(x, isTraining: isTraining && part.stage > frozenStages) }
  }

  /// The mean over the last map.
  public func callAsFunction(_ pictures: Tensor, using generator: Generator?) -> Tensor {
    map(pictures, isTraining: generator != nil).mean(along: 2, 3)
  }
}

/// Convolutions beside a way around them.
private struct ResidualBlock {
  private var convolutions: [(Convolution, BatchNorm)] = []
  private let shortcut: (Convolution, BatchNorm)?

  init(_ kind: ResNetConfiguration.Block, inputs: Int, channels: Int, stride: Int, in scope: Scope) {
    func layer(_ inputs: Int, _ outputs: Int, kernel: Int, stride: Int, _ convolution: Scope, _ normalization: Scope)
      -> (Convolution, BatchNorm)
    {
      let convolution = Convolution(
        inputs: inputs, outputs: outputs, kernel: kernel, stride: stride, padding: kernel / 2, usesBias: false,
        initializer: .fanOut(outputs * kernel * kernel), in: convolution)
      return (convolution, BatchNorm(channels: outputs, in: normalization))
    }
    let outputs = channels * kind.expansion
    // A bottleneck strides in its 3 × 3 convolution, as torchvision and timm do.
    let sizes: [(outputs: Int, kernel: Int, stride: Int)] =
      switch kind {
      case .basic: [(channels, 3, stride), (channels, 3, 1)]
      case .bottleneck: [(channels, 1, 1), (channels, 3, stride), (outputs, 1, 1)]
      }
    var width = inputs
    for (index, size) in sizes.enumerated() {
      convolutions.append(
        layer(
          width, size.outputs, kernel: size.kernel, stride: size.stride, scope["conv\(index + 1)"],
          scope["bn\(index + 1)"]))
      width = size.outputs
    }
    shortcut =
      stride != 1 || inputs != outputs
      ? layer(inputs, outputs, kernel: 1, stride: stride, scope["downsample"][0], scope["downsample"][1]) : nil
  }

  var layers: [(Convolution, BatchNorm)] { convolutions + (shortcut.map { [$0] } ?? []) }

  func callAsFunction(_ x: Tensor, isTraining: Bool) -> Tensor {
    var y = x
    for (index, (convolution, normalization)) in convolutions.enumerated() {
      y = normalization(convolution(y), isTraining: isTraining)
      if index + 1 < convolutions.count { y = y.relu() }
    }
    let around = shortcut.map { $0.1($0.0(x), isTraining: isTraining) } ?? x
    return (y + around).relu()
  }
}

extension Initializer {
  /// Kaiming's for rectifiers, by outgoing connections.
  fileprivate static func fanOut(_ count: Int) -> Initializer {
    .normal(mean: 0, deviation: (2 / Double(count)).squareRoot())
  }
}
