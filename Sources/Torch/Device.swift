import CTorch

/// Where a tensor lives and its operations run.
public enum Device: Sendable, Hashable, CustomStringConvertible {
  case cpu
  case cuda(Int)

  /// Reads `cpu`, `cuda` or `cuda:1`; `nil` for anything else.
  public init?(_ name: String) {
    switch name {
    case "cpu": self = .cpu
    case "cuda": self = .cuda(0)
    default:
      guard name.hasPrefix("cuda:"), let index = Int(name.dropFirst(5)), (0..<128).contains(index) else { return nil }
      self = .cuda(index)
    }
  }

  public var description: String {
    switch self {
    case .cpu: "cpu"
    case .cuda(let index): "cuda:\(index)"
    }
  }

  /// Whether this process can compute there.
  public var isAvailable: Bool { self == .cpu || ct_cuda_is_available() }

  var index: Int32 {
    switch self {
    case .cpu: -1
    case .cuda(let index): Int32(index)
    }
  }

  init(index: Int32) { self = index < 0 ? .cpu : .cuda(Int(index)) }
}
