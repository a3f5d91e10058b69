import Checkpoints
import Foundation

/// Files of named tensors.
public enum Checkpoint {
  /// Reads a safetensors file; the tensors view the mapped file and must not be written in place.
  public static func read(
    _ file: URL
  ) throws(CheckpointError) -> (tensors: [String: Tensor], metadata: [String: String]) {
    let contents = try SafetensorsFile(file)
    return (contents.tensors.mapValues(Tensor.init(stored:)), contents.metadata)
  }

  /// Reads a PyTorch state dict (`.pth`, `.pt`, `.bin`); nothing in it is executed.
  public static func readStateDict(_ file: URL) throws(CheckpointError) -> [String: Tensor] {
    try StateDictFile(file).tensors.mapValues(Tensor.init(stored:))
  }

  /// Writes a safetensors file, which appears whole or not at all. Equal tensors and metadata give equal bytes.
  public static func write(_ tensors: [String: Tensor], metadata: [String: String] = [:], to file: URL) throws {
    let writer = try SafetensorsWriter(
      to: file,
      tensors: tensors.map { name, tensor in
        SafetensorsWriter.Declaration(name: name, type: tensor.dtype.elementType, shape: tensor.shape)
      }, metadata: metadata)
    try writer.write { declaration, append in try tensors[declaration.name]!.withBytes(append) }
  }
}

extension Tensor {
  /// A tensor of a file: a view of the mapped bytes where their layout allows it, else a copy.
  public init(stored: StoredTensor) {
    let dtype = DType(stored.type)
    // The bytes of a stored truth value may be other than 0 and 1, which kernels must not see.
    if stored.isAligned && stored.elementCount > 0 && dtype != .bool {
      self.init(
        viewing: stored.bytes.baseAddress!, dtype: dtype, shape: stored.shape, strides: stored.strides,
        owner: stored.storage)
      return
    }
    var bytes = [UInt8](repeating: 0, count: stored.elementCount * dtype.byteCount)
    bytes.withUnsafeMutableBytes { stored.copyElements(to: $0) }
    if dtype == .bool { bytes = bytes.map { $0 == 0 ? 0 : 1 } }
    self = bytes.withUnsafeBytes { Tensor(copying: $0, dtype: dtype, shape: stored.shape) }
  }
}

extension DType {
  init(_ type: ElementType) {
    switch type {
    case .float64: self = .float64
    case .float32: self = .float32
    case .float16: self = .float16
    case .bfloat16: self = .bfloat16
    case .int64: self = .int64
    case .int32: self = .int32
    case .int16: self = .int16
    case .int8: self = .int8
    case .uint8: self = .uint8
    case .bool: self = .bool
    }
  }

  var elementType: ElementType {
    switch self {
    case .float64: .float64
    case .float32: .float32
    case .float16: .float16
    case .bfloat16: .bfloat16
    case .int64: .int64
    case .int32: .int32
    case .int16: .int16
    case .int8: .int8
    case .uint8: .uint8
    case .bool: .bool
    }
  }
}
