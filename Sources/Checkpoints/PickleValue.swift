/// A value on the pickle machine's stack.
///
/// Containers are numbers into the machine's tables: values then have no depth, so that a deeply nested or cyclic
/// pickle can neither overflow the stack when it is freed nor leak.
enum PickleValue {
  case none
  case bool(Bool)
  case int(Int)
  /// An integer of more than 64 bits, little-endian two's complement; torch.save writes one, its magic number.
  case wideInt([UInt8])
  case double(Double)
  case string(String)
  case bytes
  case tuple(Int)
  case list(Int)
  case dictionary(Int)
  case global(PickleGlobal)
  case storage(Int)
  case tensor(Int)

  /// What it is, for messages.
  var kind: String {
    switch self {
    case .none: "None"
    case .bool: "a truth value"
    case .int, .wideInt: "an integer"
    case .double: "a number"
    case .string: "a string"
    case .bytes: "bytes"
    case .tuple: "a tuple"
    case .list: "a list"
    case .dictionary: "a dictionary"
    case .global(let global): "the global \(global.name)"
    case .storage: "a storage"
    case .tensor: "a tensor"
    }
  }
}

/// The only globals a pickle may name: those torch.save writes for tensors in dictionaries. None is ever called.
enum PickleGlobal: Equatable {
  case orderedDictionary
  case rebuildTensor
  case rebuildTensorV2
  case rebuildParameter
  case storage(ElementType)

  /// `nil` for every other global.
  init?(_ name: String) {
    switch name {
    case "collections.OrderedDict": self = .orderedDictionary
    case "torch._utils._rebuild_tensor": self = .rebuildTensor
    case "torch._utils._rebuild_tensor_v2": self = .rebuildTensorV2
    case "torch._utils._rebuild_parameter": self = .rebuildParameter
    // A storage without a type is counted in bytes.
    case "torch.storage.UntypedStorage": self = .storage(.uint8)
    default:
      guard let type = Self.storageTypes.first(where: { $0.value == name })?.key else { return nil }
      self = .storage(type)
    }
  }

  var name: String {
    switch self {
    case .orderedDictionary: "collections.OrderedDict"
    case .rebuildTensor: "torch._utils._rebuild_tensor"
    case .rebuildTensorV2: "torch._utils._rebuild_tensor_v2"
    case .rebuildParameter: "torch._utils._rebuild_parameter"
    case .storage(let type): Self.storageTypes[type] ?? type.rawValue
    }
  }

  private static let storageTypes: [ElementType: String] = [
    .float64: "torch.DoubleStorage", .float32: "torch.FloatStorage", .float16: "torch.HalfStorage",
    .bfloat16: "torch.BFloat16Storage", .int64: "torch.LongStorage", .int32: "torch.IntStorage",
    .int16: "torch.ShortStorage", .int8: "torch.CharStorage", .uint8: "torch.ByteStorage", .bool: "torch.BoolStorage",
  ]
}

/// A dictionary in a pickle, in insertion order.
struct PickleDictionary {
  enum Key: Hashable {
    case string(String)
    case int(Int)

    var text: String {
      switch self {
      case .string(let text): "\"\(text)\""
      case .int(let number): "\(number)"
      }
    }
  }

  /// Whether it is an `OrderedDict`, which may carry attributes (a module's `_metadata`); they are dropped.
  let isOrdered: Bool
  private(set) var entries: [(key: Key, value: PickleValue)] = []
  private var keys: Set<Key> = []

  init(isOrdered: Bool) { self.isOrdered = isOrdered }

  /// - Returns: Whether the key was new.
  mutating func append(_ key: Key, _ value: PickleValue) -> Bool {
    guard keys.insert(key).inserted else { return false }
    entries.append((key, value))
    return true
  }

  subscript(key: String) -> PickleValue? { entries.first { $0.key == .string(key) }?.value }
}

/// A storage a pickle refers to; its bytes lie outside the pickle.
struct PickledStorage: Equatable {
  let key: String
  let type: ElementType
  let elementCount: Int

  /// `nil` when it overflows.
  var byteCount: Int? {
    let (bytes, overflow) = elementCount.multipliedReportingOverflow(by: type.byteCount)
    return overflow ? nil : bytes
  }
}

/// A view of a storage as a pickle describes it, nothing checked yet but the signs.
struct PickledTensor {
  let storage: Int
  let offset: Int
  let shape: [Int]
  let strides: [Int]
}
