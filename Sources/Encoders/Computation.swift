import Torch

/// Where and how precisely an encoder computes.
public struct Computation: Sendable, Equatable {
  /// The type of number that weights and activations have; features are float32 always.
  public enum Precision: String, Sendable, Codable, CaseIterable {
    case float32
    case bfloat16

    /// bfloat16 where hardware multiplies it: on GPUs and on processors with AVX-512 BF16.
    public static func fastest(on device: Device) -> Precision {
      device != .cpu || Runtime.cpuMultipliesBFloat16 ? .bfloat16 : .float32
    }

    /// What whoever chose this precision should know before a long wait; `nil` where it is a good choice.
    public func warning(on device: Device) -> String? {
      guard self == .bfloat16, device == .cpu, !Runtime.cpuMultipliesBFloat16 else { return nil }
      return "this processor has no bfloat16 instructions: they are emulated, some ten times slower than float32"
    }
  }

  public var device: Device
  public var precision: Precision
  /// Whether oneDNN's fused kernels are used, which only the CPU has.
  var isFused: Bool

  public init(device: Device = .cpu, precision: Precision? = nil) {
    self.device = device
    self.precision = precision ?? .fastest(on: device)
    // With bfloat16 oneDNN's kernels want AVX-512; libtorch's own do without, slowly.
    isFused = device == .cpu && (self.precision == .float32 || Runtime.cpuCapability.hasPrefix("AVX512"))
  }

  var dtype: DType { precision == .bfloat16 ? .bfloat16 : .float32 }
}
