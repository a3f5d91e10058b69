import Checkpoints
import Foundation

private let notEqual = Operator("aten::ne", "Scalar")

extension DType {
  /// The same type of number as a file of tensors names it.
  public var elementType: ElementType {
    switch self {
    case .uint8: .uint8
    case .int8: .int8
    case .int16: .int16
    case .int32: .int32
    case .int64: .int64
    case .float16: .float16
    case .float32: .float32
    case .float64: .float64
    case .bool: .bool
    case .bfloat16: .bfloat16
    }
  }

  init(_ type: ElementType) {
    switch type {
    case .uint8: self = .uint8
    case .int8: self = .int8
    case .int16: self = .int16
    case .int32: self = .int32
    case .int64: self = .int64
    case .float16: self = .float16
    case .float32: self = .float32
    case .float64: self = .float64
    case .bool: self = .bool
    case .bfloat16: self = .bfloat16
    }
  }
}

extension Tensor {
  /// A copy of a tensor of a file, row-major and the caller's to change.
  public init(copying stored: StoredTensor) {
    let isBool = stored.type == .bool
    // A file's truth values may be any byte; libtorch's must be 0 or 1.
    let tensor = Tensor(empty: stored.shape, dtype: isBool ? .uint8 : DType(stored.type))
    tensor.withMutableBytes { stored.copyElements(to: $0) }
    self = isBool ? notEqual(.tensor(tensor), .int(0)) : tensor
  }

  /// A tensor of a file without copying it, where its layout allows that: aligned, row-major and not of truth values.
  ///
  /// The memory is the mapped file's and read-only: writing to the tensor in place ends the process.
  public init(viewing stored: StoredTensor) {
    guard stored.isContiguous, stored.isAligned, stored.type != .bool, let start = stored.bytes.baseAddress else {
      self.init(copying: stored)
      return
    }
    self.init(
      viewing: start, dtype: DType(stored.type), shape: stored.shape, strides: stored.strides, owner: stored.storage)
  }
}

/// Named tensors with free text beside them, as they lie in one file.
public struct Checkpoint {
  public var tensors: [String: Tensor]
  /// The free text of a safetensors file; empty for a PyTorch one.
  public var metadata: [String: String]
  /// What mapped tensors look into.
  private var mapping: MappedFile?

  public init(tensors: [String: Tensor], metadata: [String: String] = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  /// Reads a safetensors file or a PyTorch state dict, told apart by their first bytes.
  ///
  /// - Parameter isMapped: Whether tensors may stay in the mapped file, read-only (see ``Tensor/init(viewing:)``).
  ///   Quick and without memory of their own: for weights that are frozen or converted. Copies otherwise.
  /// - Throws: `CheckpointError` naming the file and the tensor or byte at fault.
  public init(contentsOf url: URL, isMapped: Bool = false) throws(CheckpointError) {
    let stored: [String: StoredTensor]
    if try Self.isStateDict(url) {
      stored = try StateDictFile(url).tensors
      metadata = [:]
    } else {
      let file = try SafetensorsFile(url)
      stored = file.tensors
      metadata = file.metadata
    }
    tensors = stored.mapValues { isMapped ? Tensor(viewing: $0) : Tensor(copying: $0) }
    mapping = isMapped ? stored.values.first?.storage : nil
  }

  /// Frees the memory that reading mapped tensors took; they stay usable. For weights that were converted, so that
  /// they do not stand in memory twice.
  public func releasePages() { mapping?.releasePages() }

  /// Writes a safetensors file, which appears whole or not at all. Equal contents give equal bytes.
  ///
  /// - Throws: `CheckpointError` when the file cannot be written.
  public func write(to url: URL) throws {
    let declarations = tensors.map { name, tensor in
      SafetensorsWriter.Declaration(name: name, type: tensor.dtype.elementType, shape: tensor.shape)
    }
    try SafetensorsWriter(to: url, tensors: declarations, metadata: metadata).write { declaration, append in
      try tensors[declaration.name]?.withBytes { try append($0) }
    }
  }

  /// A zip archive or a pickle. A safetensors file begins with the length of its header, below 2³², and a brace.
  private static func isStateDict(_ url: URL) throws(CheckpointError) -> Bool {
    let file = try MappedFile(url)
    let start = withExtendedLifetime(file) { [UInt8](file.bytes.prefix(9)) }
    let isSafetensors = start.count == 9 && start[4..<8].allSatisfy { $0 == 0 } && start[8] == UInt8(ascii: "{")
    return !isSafetensors && (start.starts(with: "PK\u{3}\u{4}".utf8) || start.first == 0x80)
  }
}
