import Foundation
import Torch
import TorchNN

/// A convolution with TensorFlow's SAME padding and its batch normalisation folded in, for inference.
///
/// SAME pads so that the result has ⌈side / stride⌉ rows; where the padding is odd, one more row goes to the end. Kernels
/// pad both ends alike: here the start gets `stride` rows more than SAME gives it, and the first row and column of the
/// result, which come of them, are dropped. That costs less than padding the input or a larger kernel.
struct SameConvolution: Sendable {
  private let convolution: FrozenConvolution
  private let isShifted: Bool

  /// The variance's lower bound in batch normalisation, TensorFlow's default.
  private static let epsilon = 1e-3

  /// Makes the convolutions of a network in turn, keeping count of the size of what they are given.
  struct Builder {
    private(set) var channels: Int
    private var side: Int
    private let batchSize: Int
    private let computation: Computation
    /// What the next convolutions compute in.
    var dtype: DType
    /// What each channel is on average over the pictures of the training, [C] float64; `nil` for the picture itself.
    var means: Tensor?

    init(channels: Int, side: Int, batchSize: Int, computation: Computation) {
      self.channels = channels
      self.side = side
      self.batchSize = batchSize
      self.computation = computation
      dtype = computation.dtype
    }

    /// - Parameter weightScale: What weights are multiplied by, the bias not.
    mutating func convolution(
      outputs: Int, kernel: Int, stride: Int, groups: Int = 1, activation: FusedActivation, weightScale: Double = 1,
      _ scope: Scope, _ normalization: Scope
    ) -> SameConvolution {
      let weight = scope.parameter("weight", [outputs, channels / groups, kernel, kernel], .constant(0))
      let normalization = FrozenBatchNorm(width: outputs, epsilon: SameConvolution.epsilon, in: normalization)
      let folded = normalization.folded(into: weight, scaledBy: weightScale)
      var bias = normalization.bias
      if dtype == .bfloat16, groups == 1, let means {
        // What rounding the weights changes on average, given back: data-free bias correction (Nagel et al., 2019,
        // arXiv:1906.04721, section 4.2). Depthwise filters keep their sums instead.
        let errors = folded - folded.to(.bfloat16).to(.float64)
        bias = bias + errors.sum(along: 2, 3).matmul(means)
      }
      defer {
        channels = outputs
        side = (side + stride - 1) / stride
        means = activation == .relu6 ? Builder.meansOfReLU6(normalization) : normalization.offset
      }
      return SameConvolution(
        weight: folded.to(.float32), bias: bias.to(.float32), stride: stride, groups: groups,
        activation: activation, input: [batchSize, channels, side, side], dtype: dtype, computation)
    }

    /// The means of normal distributions whose values are clamped to 0…6.
    private static func meansOfReLU6(_ normalization: FrozenBatchNorm) -> Tensor {
      let means = zip(normalization.offset.doubles, normalization.gain.doubles).map { mean, deviation in
        let deviation = max(abs(deviation), 1e-9)
        let (low, high) = (-mean / deviation, (6 - mean) / deviation)
        func below(_ z: Double) -> Double { (1 + erf(z / 2.0.squareRoot())) / 2 }
        func density(_ z: Double) -> Double { exp(-z * z / 2) / (2 * .pi).squareRoot() }
        return mean * (below(high) - below(low)) + deviation * (density(low) - density(high)) + 6 * (1 - below(high))
      }
      return Tensor(means)
    }
  }

  private init(
    weight: Tensor, bias: Tensor, stride: Int, groups: Int, activation: FusedActivation, input: [Int],
    dtype: DType, _ computation: Computation
  ) {
    let side = input[3]
    let missing = max(0, ((side + stride - 1) / stride - 1) * stride + weight.shape[3] - side)
    isShifted = !missing.isMultiple(of: 2)
    // A depthwise filter has few weights, whose rounding errors do not average out: most of what bfloat16 costs.
    let weight = groups > 1 && dtype == .bfloat16 ? weight.roundedKeepingFilterSums() : weight
    convolution = FrozenConvolution(
      weight: weight, bias: bias, stride: stride, padding: missing / 2 + (isShifted ? stride : 0), groups: groups,
      activation: activation, input: input, dtype: dtype, computation)
  }

  func callAsFunction(_ x: Tensor, adding other: Tensor? = nil) -> Tensor {
    let result = convolution(x, adding: other)
    guard isShifted else { return result }
    let (rows, columns) = (result.shape[2], result.shape[3])
    return result.sliced(1..<rows, along: 2).sliced(1..<columns, along: 3).contiguousChannelsLast()
  }
}

extension Tensor {
  /// Weights [O, …] that bfloat16 holds exactly, each filter's sum nearly that of the original.
  ///
  /// The error of each rounding is carried to the next weight of the filter.
  fileprivate func roundedKeepingFilterSums() -> Tensor {
    var values = floats
    let filterSize = values.count / shape[0]
    for start in stride(from: 0, to: values.count, by: filterSize) {
      var error: Float = 0
      for index in start..<start + filterSize {
        let wanted = values[index] + error
        // To nearest, ties to even: bfloat16 is the upper half of a float32.
        let bits = wanted.bitPattern
        values[index] = Float(bitPattern: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) & 0xFFFF_0000)
        error = wanted - values[index]
      }
    }
    return Tensor(values, shape: shape)
  }
}
