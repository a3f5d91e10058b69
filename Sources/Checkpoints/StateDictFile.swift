import Foundation

/// A PyTorch state dict (`.pt`, `.pth`, `.bin`), memory-mapped and read without executing anything.
///
/// Reads what `torch.save` writes for a dictionary of tensors, in the zip format and the legacy one. The tensors may
/// stand at the top or in the only nested dictionary that has any (`{"state_dict": …, "epoch": 3}`); numbers, strings
/// and `None` beside them are ignored. Everything that would run code on loading is refused by name.
public struct StateDictFile: Sendable {
  /// The tensors by name. Parameters and buffers are not told apart; views keep their strides and may share bytes.
  public let tensors: [String: StoredTensor]
  /// The names of the tensors in the order of the dictionary.
  public let names: [String]

  /// Maps a file and checks all but the tensors' data, which are not touched.
  ///
  /// - Throws: ``CheckpointError`` naming the tensor, archive entry or byte at fault.
  public init(_ url: URL) throws(CheckpointError) {
    let source = try StateDictSource(try MappedFile(url))
    var tensors: [String: StoredTensor] = [:]
    var names: [String] = []
    var elementBytes = 0
    for (key, value) in try source.tensorDictionary().entries {
      func failure(_ reason: CheckpointError.Reason, _ message: String) -> CheckpointError {
        CheckpointError(reason, url, at: "key \(key.text)", message)
      }
      switch value {
      case .none, .bool, .int, .wideInt, .double, .string, .bytes: continue
      case .tensor(let number):
        guard case .string(let name) = key else { throw failure(.unsupported, "a tensor's key must be a string") }
        let tensor = try source.tensor(number, named: name)
        // Views can repeat one element without end; whoever copies the tensors must be able to hold them.
        let (sum, overflow) = elementBytes.addingReportingOverflow(tensor.elementCount * tensor.type.byteCount)
        guard !overflow, sum <= source.largestContents else {
          throw failure(.refused, "refused: views of few bytes as very many elements; save contiguous tensors")
        }
        elementBytes = sum
        names.append(name)
        tensors[name] = tensor
      default: throw failure(.unsupported, "\(value.kind) among tensors; expected tensors, numbers and strings")
      }
    }
    self.tensors = tensors
    self.names = names
  }
}

extension StateDictSource {
  /// The most bytes all tensors together may take when copied: tied weights count once each, hence the factor.
  fileprivate var largestContents: Int { 16 * file.bytes.count + 64 << 20 }

  /// The dictionary that holds the tensors: the top one, or the only nested one that holds any.
  fileprivate func tensorDictionary() throws(CheckpointError) -> PickleDictionary {
    guard case .dictionary(let number) = root else {
      throw CheckpointError(.unsupported, file.url, "holds \(root.kind); expected a dictionary of tensors")
    }
    let top = machine.dictionaries[number]
    if top.entries.isEmpty || top.holdsTensors { return top }
    let nested = top.entries.compactMap { entry -> PickleDictionary? in
      guard case .dictionary(let number) = entry.value else { return nil }
      return machine.dictionaries[number].holdsTensors ? machine.dictionaries[number] : nil
    }
    guard nested.count == 1 else {
      let keys = top.entries.prefix(20).map(\.key.text).joined(separator: ", ")
      throw CheckpointError(
        .unsupported, file.url,
        "\(nested.count) of its entries are dictionaries of tensors; expected tensors or one such dictionary. "
          + "Save the wanted one alone. Keys: \(keys)\(top.entries.count > 20 ? ", …" : "")")
    }
    return nested[0]
  }

  /// Checks that a view lies within its storage.
  fileprivate func tensor(_ number: Int, named name: String) throws(CheckpointError) -> StoredTensor {
    let pickled = machine.tensors[number]
    let (storage, range) = (machine.storages[pickled.storage], storages[pickled.storage])
    let size = storage.type.byteCount
    guard let layout = RowMajorLayout(pickled.shape), let span = pickled.span(layout),
      case (let end, let overflow) = pickled.offset.addingReportingOverflow(span),
      !overflow, end <= storage.elementCount,
      !layout.elementCount.multipliedReportingOverflow(by: size).overflow
    else {
      throw CheckpointError(
        .malformed, file.url, at: "key \"\(name)\"",
        "shape \(pickled.shape), strides \(pickled.strides) and offset \(pickled.offset) reach beyond its storage of "
          + "\(storage.elementCount) elements")
    }
    let strides =
      layout.elementCount == 0
      ? layout.strides
      : pickled.shape.indices.map { pickled.shape[$0] == 1 ? layout.strides[$0] : pickled.strides[$0] }
    return StoredTensor(
      name: name, type: storage.type, shape: pickled.shape, strides: strides, storage: file,
      byteOffset: range.lowerBound + pickled.offset * size, byteCount: span * size)
  }
}

extension PickleDictionary {
  fileprivate var holdsTensors: Bool {
    entries.contains { if case .tensor = $0.value { true } else { false } }
  }
}

extension PickledTensor {
  /// The elements from the first to the last, gaps included; `nil` when it overflows.
  fileprivate func span(_ layout: RowMajorLayout) -> Int? {
    guard layout.elementCount > 0 else { return 0 }
    var span = 1
    for (size, stride) in zip(shape, strides) {
      let (distance, isTooFar) = (size - 1).multipliedReportingOverflow(by: stride)
      let (sum, isTooFarToo) = span.addingReportingOverflow(distance)
      guard !isTooFar, !isTooFarToo else { return nil }
      span = sum
    }
    return span
  }
}
