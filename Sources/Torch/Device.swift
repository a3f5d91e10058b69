import CTorch

/// Where a tensor lives and its operations run.
public enum Device: Sendable, Hashable, CustomStringConvertible {
  case cpu
  case cuda(Int)
  /// Nowhere: tensors have a shape and a type but no values, and operations only work those out. No name is read as it.
  case meta

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
    case .meta: "meta"
    }
  }

  /// Whether this process can compute there.
  public var isAvailable: Bool {
    switch self {
    case .cpu, .meta: true
    case .cuda(let index): index < ct_cuda_device_count()
    }
  }

  /// Why this process cannot compute there, with what to do about it; `nil` where it can.
  public var fault: String? {
    guard !isAvailable else { return nil }
    let count = ct_cuda_device_count()
    return "the device '\(self)' is not there: "
      + (count > 0
        ? "the last GPU is cuda:\(count - 1)"
        : "it needs a GPU with its driver, and a program built with a CUDA build of libtorch (LIBTORCH=PATH ./run); cpu is "
          + "always there")
  }

  var index: Int32 {
    switch self {
    case .cpu: -1
    case .cuda(let index): Int32(index)
    case .meta: -2
    }
  }

  init(index: Int32) {
    switch index {
    case -2: self = .meta
    case -1: self = .cpu
    default: self = .cuda(Int(index))
    }
  }
}

/// A device is its name in files.
extension Device: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let name = try container.decode(String.self)
    guard let device = Device(name) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "there is no device '\(name)'; expected cpu, cuda or cuda:1")
    }
    self = device
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
