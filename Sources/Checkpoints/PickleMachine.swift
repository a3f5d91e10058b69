import Foundation

/// Reads pickles of dictionaries of tensors without executing anything.
///
/// Python's pickle format is a program for a stack machine that may import and call any function. This machine knows
/// the opcodes of protocols 2–5 that torch.save emits and the few globals of ``PickleGlobal``, whose effect it
/// imitates; everything else is refused by name. Opcodes: https://github.com/python/cpython/blob/main/Lib/pickletools.py
struct PickleMachine {
  /// Bounds on what a pickle may make the machine do and hold; 150,000 tensors stay below.
  enum Limit {
    static let byteCount = 256 << 20
    static let opcodes = 8 << 20
    static let stack = 100_000
    static let memo = 1 << 20
    static let containers = 1 << 20
    /// Of all dictionaries together: one list may be made into a dictionary again and again.
    static let entries = 1 << 20
  }

  var cursor: ByteCursor
  var stack: [PickleValue] = []
  /// The stack's height at each open mark.
  var marks: [Int] = []
  var memo: [Int: PickleValue] = [:]

  var tuples: [[PickleValue]] = []
  var lists: [[PickleValue]] = []
  var dictionaries: [PickleDictionary] = []
  var entryCount = 0
  var tensors: [PickledTensor] = []
  var storages: [PickledStorage] = []
  var storageNumbers: [String: Int] = [:]

  /// - Parameter range: Where pickles may lie, one after the other.
  init(_ file: MappedFile, _ range: Range<Int>) {
    cursor = ByteCursor(file, range.lowerBound..<min(range.upperBound, range.lowerBound + Limit.byteCount))
  }

  /// Reads the next pickle, up to its STOP.
  mutating func run() throws(CheckpointError) -> PickleValue {
    (stack, marks, memo) = ([], [], [:])
    guard try cursor.integer(UInt8.self) == Opcode.proto.rawValue, (2...5).contains(try cursor.integer(UInt8.self))
    else { throw cursor.malformed("no pickle of protocols 2 to 5 starts here") }
    for _ in 0..<Limit.opcodes {
      let byte = try cursor.integer(UInt8.self)
      guard let opcode = Opcode(rawValue: byte) else {
        throw refused(try Opcode.refusal(of: byte, &cursor))
      }
      if opcode == .stop {
        guard stack.count == 1, marks.isEmpty else { throw cursor.malformed("the pickle ends with values left over") }
        return stack[0]
      }
      try execute(opcode)
      guard stack.count <= Limit.stack, marks.count <= Limit.stack else {
        throw refused("nested or wide beyond \(Limit.stack) values")
      }
      guard tuples.count + lists.count + dictionaries.count + tensors.count <= Limit.containers else {
        throw refused("more than \(Limit.containers) containers")
      }
    }
    throw refused("more than \(Limit.opcodes) opcodes")
  }

  func refused(_ what: String) -> CheckpointError {
    CheckpointError(.refused, cursor.file.url, at: "pickle, byte \(cursor.position)", "refused \(what)")
  }

  mutating func pop() throws(CheckpointError) -> PickleValue {
    guard stack.count > marks.last ?? 0 else { throw cursor.malformed("the pickle takes from an empty stack") }
    return stack.removeLast()
  }

  /// The values above the last mark, which is closed.
  mutating func popToMark() throws(CheckpointError) -> [PickleValue] {
    guard let height = marks.popLast() else { throw cursor.malformed("the pickle closes a mark it did not open") }
    defer { stack.removeSubrange(height...) }
    return Array(stack[height...])
  }

  mutating func remember(_ index: Int) throws(CheckpointError) {
    guard let top = stack.last, stack.count > marks.last ?? 0 else {
      throw cursor.malformed("the pickle remembers a value of an empty stack")
    }
    memo[index] = top
    guard memo.count <= Limit.memo else { throw refused("more than \(Limit.memo) remembered values") }
  }

  mutating func recall(_ index: Int) throws(CheckpointError) {
    guard let value = memo[index] else { throw cursor.malformed("the pickle recalls value \(index), never remembered") }
    stack.append(value)
  }

  mutating func push(tuple: [PickleValue]) {
    stack.append(.tuple(tuples.count))
    tuples.append(tuple)
  }

  mutating func push(dictionary: PickleDictionary) {
    stack.append(.dictionary(dictionaries.count))
    dictionaries.append(dictionary)
  }
}
