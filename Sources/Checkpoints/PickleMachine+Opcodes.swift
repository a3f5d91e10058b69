import Foundation

/// The opcodes torch.save emits for dictionaries of tensors, under protocols 2 to 5.
enum Opcode: UInt8 {
  case proto = 0x80
  case frame = 0x95
  case stop = 0x2E
  case mark = 0x28
  case pop = 0x30
  case popMark = 0x31
  case none = 0x4E
  case newTrue = 0x88
  case newFalse = 0x89
  case binInt = 0x4A
  case binInt1 = 0x4B
  case binInt2 = 0x4D
  case long1 = 0x8A
  case long4 = 0x8B
  case binFloat = 0x47
  case binString = 0x54
  case shortBinString = 0x55
  case binBytes = 0x42
  case shortBinBytes = 0x43
  case binBytes8 = 0x8E
  case binUnicode = 0x58
  case shortBinUnicode = 0x8C
  case binUnicode8 = 0x8D
  case emptyTuple = 0x29
  case tuple = 0x74
  case tuple1 = 0x85
  case tuple2 = 0x86
  case tuple3 = 0x87
  case emptyList = 0x5D
  case append = 0x61
  case appends = 0x65
  case emptyDictionary = 0x7D
  case setItem = 0x73
  case setItems = 0x75
  case binPut = 0x71
  case longBinPut = 0x72
  case memoize = 0x94
  case binGet = 0x68
  case longBinGet = 0x6A
  case global = 0x63
  case stackGlobal = 0x93
  case reduce = 0x52
  case build = 0x62
  case binPersistentID = 0x51

  /// What to call an opcode that is not read, with the global it names where it does.
  static func refusal(of byte: UInt8, _ cursor: inout ByteCursor) throws(CheckpointError) -> String {
    switch byte {
    case UInt8(ascii: "i"): "global \(try cursor.line()).\(try cursor.line()): an object of it (opcode INST)"
    case UInt8(ascii: "o"): "an object (opcode OBJ)"
    case 0x81, 0x92: "an object (opcode \(byte == 0x81 ? "NEWOBJ" : "NEWOBJ_EX"))"
    case 0x82, 0x83, 0x84: "a global from the extension registry (opcode EXT)"
    case UInt8(ascii: "P"): "a textual persistent id (opcode PERSID)"
    case 0x8F, 0x90, 0x91: "a set; a state dict holds tensors, numbers and strings"
    default: "opcode 0x\(String(byte, radix: 16)), which torch.save does not write for state dicts"
    }
  }
}

extension PickleMachine {
  mutating func execute(_ opcode: Opcode) throws(CheckpointError) {
    switch opcode {
    case .proto: throw cursor.malformed("a pickle starts within a pickle")
    case .stop: break
    // Frames only tell how much to buffer.
    case .frame: _ = try cursor.length(UInt64.self)
    case .mark: marks.append(stack.count)
    case .pop: _ = try pop()
    case .popMark: _ = try popToMark()
    case .none: stack.append(.none)
    case .newTrue: stack.append(.bool(true))
    case .newFalse: stack.append(.bool(false))
    case .binInt: stack.append(.int(Int(try cursor.integer(Int32.self))))
    case .binInt1: stack.append(.int(Int(try cursor.integer(UInt8.self))))
    case .binInt2: stack.append(.int(Int(try cursor.integer(UInt16.self))))
    case .long1: try pushInteger(byteCount: try cursor.length(UInt8.self))
    case .long4: try pushInteger(byteCount: try cursor.length(Int32.self))
    case .binFloat: stack.append(.double(Double(bitPattern: try cursor.integer(UInt64.self).byteSwapped)))
    case .binUnicode, .binString: stack.append(.string(try cursor.string(try cursor.length(UInt32.self))))
    case .shortBinUnicode, .shortBinString: stack.append(.string(try cursor.string(try cursor.length(UInt8.self))))
    case .binUnicode8: stack.append(.string(try cursor.string(try cursor.length(UInt64.self))))
    case .binBytes: try pushBytes(try cursor.length(UInt32.self))
    case .shortBinBytes: try pushBytes(try cursor.length(UInt8.self))
    case .binBytes8: try pushBytes(try cursor.length(UInt64.self))
    case .emptyTuple: push(tuple: [])
    case .tuple: push(tuple: try popToMark())
    case .tuple1: try pushTuple(1)
    case .tuple2: try pushTuple(2)
    case .tuple3: try pushTuple(3)
    case .emptyList:
      stack.append(.list(lists.count))
      lists.append([])
    case .append:
      let value = try pop()
      try append([value])
    case .appends: try append(try popToMark())
    case .emptyDictionary: push(dictionary: PickleDictionary(isOrdered: false))
    case .setItem:
      let value = try pop()
      try setItems([try pop(), value])
    case .setItems: try setItems(try popToMark())
    case .binPut: try remember(Int(try cursor.integer(UInt8.self)))
    case .longBinPut: try remember(Int(try cursor.integer(UInt32.self)))
    case .memoize: try remember(memo.count)
    case .binGet: try recall(Int(try cursor.integer(UInt8.self)))
    case .longBinGet: try recall(Int(try cursor.integer(UInt32.self)))
    case .global: try pushGlobal(module: try cursor.line(), name: try cursor.line())
    case .stackGlobal:
      guard case .string(let name) = try pop(), case .string(let module) = try pop() else {
        throw cursor.malformed("a global whose name is no string")
      }
      try pushGlobal(module: module, name: name)
    case .reduce: try reduce()
    case .build: try build()
    case .binPersistentID: try pushStorage()
    }
  }

  private mutating func pushInteger(byteCount: Int) throws(CheckpointError) {
    // Python reads integers of any length, in quadratic time; no state dict needs more than the magic number's ten.
    guard byteCount <= 16 else { throw refused("an integer of \(byteCount) bytes") }
    let digits = Array(cursor.file.bytes[try cursor.take(byteCount)])
    guard byteCount <= 8 else { return stack.append(.wideInt(digits)) }
    var value: Int64 = digits.last.map { $0 >= 0x80 ? -1 : 0 } ?? 0
    for digit in digits.reversed() { value = value << 8 | Int64(digit) }
    stack.append(.int(Int(value)))
  }

  private mutating func pushBytes(_ count: Int) throws(CheckpointError) {
    _ = try cursor.take(count)
    stack.append(.bytes)
  }

  private mutating func pushTuple(_ count: Int) throws(CheckpointError) {
    var values: [PickleValue] = []
    for _ in 0..<count { values.append(try pop()) }
    push(tuple: values.reversed())
  }

  private mutating func pushGlobal(module: String, name: String) throws(CheckpointError) {
    guard let global = PickleGlobal("\(module).\(name)") else {
      throw refused(
        "global \(module).\(name): a state dict may hold tensors, numbers and strings in dictionaries only; "
          + "save model.state_dict() alone, or as safetensors")
    }
    stack.append(.global(global))
  }

  private mutating func append(_ values: [PickleValue]) throws(CheckpointError) {
    guard case .list(let list) = try pop() else { throw cursor.malformed("appends to what is no list") }
    lists[list] += values
    stack.append(.list(list))
  }

  /// - Parameter items: Keys and values in turn.
  private mutating func setItems(_ items: [PickleValue]) throws(CheckpointError) {
    guard case .dictionary(let number) = try pop(), items.count.isMultiple(of: 2) else {
      throw cursor.malformed("sets items of what is no dictionary, or a key without a value")
    }
    for position in stride(from: 0, to: items.count, by: 2) {
      try set(items[position], items[position + 1], in: number)
    }
    stack.append(.dictionary(number))
  }

  mutating func set(
    _ key: PickleValue, _ value: PickleValue, in dictionary: Int
  ) throws(CheckpointError) {
    let typedKey: PickleDictionary.Key
    switch key {
    case .string(let text): typedKey = .string(text)
    case .int(let number): typedKey = .int(number)
    default: throw refused("\(key.kind) as the key of a dictionary; expected a string or an integer")
    }
    guard dictionaries[dictionary].append(typedKey, value) else {
      throw cursor.malformed("the key \(typedKey.text) occurs twice in a dictionary")
    }
    entryCount += 1
    guard entryCount <= Limit.entries else { throw refused("more than \(Limit.entries) entries of dictionaries") }
  }
}
