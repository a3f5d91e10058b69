import Foundation

/// What the known globals and persistent ids stand for.
extension PickleMachine {
  /// Imitates the call of a known global.
  mutating func reduce() throws(CheckpointError) {
    guard case .tuple(let number) = try pop() else { throw cursor.malformed("a call whose arguments are no tuple") }
    let callee = try pop()
    let arguments = tuples[number]
    guard case .global(let global) = callee else { throw refused("a call of \(callee.kind)") }
    switch global {
    case .orderedDictionary: try pushOrderedDictionary(arguments)
    case .rebuildTensor, .rebuildTensorV2: try pushTensor(arguments, global)
    case .rebuildParameter:
      guard arguments.count == 3, case .tensor = arguments[0] else { throw unexpected(arguments, of: global) }
      stack.append(arguments[0])
    case .storage: throw refused("a call of \(global.name)")
    }
  }

  /// Sets the attributes of an ordered dictionary, which nothing needs; no other object may have any.
  mutating func build() throws(CheckpointError) {
    guard case .dictionary = try pop() else { throw refused("attributes that are no dictionary (opcode BUILD)") }
    guard let target = stack.last, case .dictionary(let number) = target, dictionaries[number].isOrdered,
      stack.count > marks.last ?? 0
    else { throw refused("attributes of anything but an OrderedDict (opcode BUILD)") }
  }

  /// Reads `("storage", type, key, location, element count)`, with a sixth element `None` in legacy files.
  mutating func pushStorage() throws(CheckpointError) {
    guard case .tuple(let number) = try pop() else { throw refused("a persistent id that is no tuple") }
    let id = tuples[number]
    guard id.count == 5 || id.count == 6, case .string("storage") = id[0], case .global(.storage(let type)) = id[1],
      case .string(let key) = id[2], case .string = id[3], case .int(let elementCount) = id[4], elementCount >= 0
    else { throw refused("a persistent id other than a storage of torch.save") }
    if id.count == 6 {
      guard case .none = id[5] else { throw refused("a view of a storage, as PyTorch before 0.4 wrote; save it anew") }
    }
    let storage = PickledStorage(key: key, type: type, elementCount: elementCount)
    if let known = storageNumbers[key] {
      guard storages[known] == storage else { throw cursor.malformed("storage \"\(key)\" has two types or sizes") }
      stack.append(.storage(known))
    } else {
      storageNumbers[key] = storages.count
      stack.append(.storage(storages.count))
      storages.append(storage)
    }
  }

  /// Reads the arguments of OrderedDict: none, or under Python 2 a list of pairs.
  private mutating func pushOrderedDictionary(_ arguments: [PickleValue]) throws(CheckpointError) {
    let number = dictionaries.count
    push(dictionary: PickleDictionary(isOrdered: true))
    guard let first = arguments.first else { return }
    guard arguments.count == 1, case .list(let list) = first else {
      throw unexpected(arguments, of: .orderedDictionary)
    }
    for item in lists[list] {
      let pair: [PickleValue]
      switch item {
      case .list(let list): pair = lists[list]
      case .tuple(let tuple): pair = tuples[tuple]
      default: pair = []
      }
      guard pair.count == 2 else { throw unexpected(arguments, of: .orderedDictionary) }
      try set(pair[0], pair[1], in: number)
    }
  }

  /// Reads `(storage, offset, size, stride)`, in version 2 followed by requires_grad, hooks and perhaps metadata.
  private mutating func pushTensor(
    _ arguments: [PickleValue], _ global: PickleGlobal
  ) throws(CheckpointError) {
    guard (global == .rebuildTensor ? 4...4 : 6...7).contains(arguments.count),
      case .storage(let storage) = arguments[0], case .int(let offset) = arguments[1],
      let shape = sizes(arguments[2]), let strides = sizes(arguments[3]), offset >= 0, shape.count == strides.count
    else { throw unexpected(arguments, of: global) }
    if arguments.count == 7 {
      switch arguments[6] {
      case .none: break
      case .dictionary(let metadata) where dictionaries[metadata].entries.isEmpty: break
      default: throw refused("tensor metadata (a conjugate or negated view); resolve it before saving")
      }
    }
    stack.append(.tensor(tensors.count))
    tensors.append(PickledTensor(storage: storage, offset: offset, shape: shape, strides: strides))
  }

  /// A tuple of at most 64 integers that are not negative; 64 is libtorch's limit of dimensions.
  private func sizes(_ value: PickleValue) -> [Int]? {
    guard case .tuple(let number) = value, tuples[number].count <= 64 else { return nil }
    var sizes: [Int] = []
    for element in tuples[number] {
      guard case .int(let size) = element, size >= 0 else { return nil }
      sizes.append(size)
    }
    return sizes
  }

  private func unexpected(_ arguments: [PickleValue], of global: PickleGlobal) -> CheckpointError {
    let kinds = arguments.prefix(8).map(\.kind).joined(separator: ", ")
    return cursor.malformed("\(global.name) got (\(kinds)), or sizes out of range; not what torch.save writes")
  }
}
