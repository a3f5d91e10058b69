import Checkpoints
import Foundation
import Testing

/// Pickles that Python would run, or that would exhaust a careless reader.
///
/// Programs are written as text whose scalars below 256 are the bytes: `"\u{93}"` is STACK_GLOBAL.
@Suite struct HostilePickleTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test(arguments: [
    ("GLOBAL", "cos\nsystem\n(X\u{2}\0\0\0lstR.", "refused global os.system"),
    ("STACK_GLOBAL", "\u{8C}\u{8}builtins\u{8C}\u{4}eval\u{93}.", "refused global builtins.eval"),
    ("INST", "(ios\nsystem\n.", "refused global os.system"),
    ("OBJ", "(ccollections\nOrderedDict\no.", "opcode OBJ"),
    ("OBJ of a foreign class", "(csubprocess\nPopen\no.", "refused global subprocess.Popen"),
    ("NEWOBJ", "ccollections\nOrderedDict\n)\u{81}.", "opcode NEWOBJ"),
    ("NEWOBJ_EX", "ccollections\nOrderedDict\n)}\u{92}.", "opcode NEWOBJ_EX"),
    ("EXT1", "\u{82}\u{1}.", "extension registry"),
    ("PERSID", "Pcommand\n.", "PERSID"),
    ("a set", "\u{8F}.", "a set"),
    ("a protocol 0 string", "S'x'\n.", "opcode 0x53"),
    ("REDUCE of a string", "\u{8C}\u{9}os.system)R.", "a call of a string"),
    ("REDUCE of a storage", "ctorch\nFloatStorage\n)R.", "a call of torch.FloatStorage"),
    ("REDUCE of a dictionary", "})R.", "a call of a dictionary"),
    ("BUILD of a dictionary", "}}b.", "BUILD"),
    ("BUILD of a list", "]}b.", "BUILD"),
    ("BUILD of a global", "ccollections\nOrderedDict\n}b.", "BUILD"),
    ("BUILD with slots", "ccollections\nOrderedDict\n)R(N}tb.", "BUILD"),
    ("__setstate__ by name", "ccollections\nOrderedDict.__setstate__\n.", "collections.OrderedDict.__setstate__"),
    ("a dotted global", "\u{8C}\u{5}torch\u{8C}\u{17}serialization.os.system\u{93}", "torch.serialization.os.system"),
    ("a near miss", "ctorch._utils\n_rebuild_tensor_v2 \n.", "refused global torch._utils._rebuild_tensor_v2 :"),
    ("a class as persistent id", "(\u{8C}\u{6}moduleNNNtQ.", "persistent id"),
    ("a string as persistent id", "\u{8C}\u{7}storageQ.", "persistent id"),
    ("a storage of negative size", storageID("J\u{FF}\u{FF}\u{FF}\u{FF}") + ".", "persistent id"),
    ("a list as key", "}]Ns.", "a list as the key"),
    ("a long integer", "\u{8B}\u{40}\0\0\0" + String(repeating: "\u{1}", count: 64) + ".", "an integer of 64 bytes"),
  ])
  func refuses(name: String, program: String, fragment: String) {
    expectFailure(.refused, fragment) { try load(program) }
  }

  @Test(arguments: [
    ("nothing", ""),
    ("no STOP", "}"),
    ("an empty stack", "."),
    ("two values", "}}."),
    ("an open mark", "}(."),
    ("POP of nothing", "0."),
    ("POP past a mark", "N(0."),
    ("TUPLE without a mark", "t."),
    ("TUPLE2 of one", "N\u{86}."),
    ("SETITEM of nothing", "s."),
    ("SETITEMS of an odd count", "}(NNNu."),
    ("SETITEM of a list", "]NNs."),
    ("APPEND to a dictionary", "}Na."),
    ("APPENDS to nothing", "(e."),
    ("BINPUT of nothing", "q\0."),
    ("BINGET of nothing", "h\0."),
    ("LONG_BINGET far away", "j\u{FF}\u{FF}\u{FF}\u{FF}."),
    ("MEMOIZE of nothing", "\u{94}."),
    ("a duplicate key", "}\u{8C}\u{1}aNs\u{8C}\u{1}aNs."),
    ("a huge string", "X\u{FF}\u{FF}\u{FF}\u{FF}"),
    ("a huge string of protocol 4", "\u{8D}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}"),
    ("huge bytes", "\u{8E}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}"),
    ("a huge frame", "\u{95}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{7F}"),
    ("a long of negative length", "\u{8B}\u{FF}\u{FF}\u{FF}\u{FF}."),
    ("a long cut off", "\u{8A}\u{9}\u{1}"),
    ("text that is not UTF-8", "\u{8C}\u{2}\u{C3}\u{28}."),
    ("a nested PROTO", "\u{80}\u{2}}."),
    ("an unnamed STACK_GLOBAL", "NN\u{93}."),
    ("REDUCE without arguments", "ccollections\nOrderedDict\nNR."),
    ("OrderedDict of a number", "ccollections\nOrderedDict\nK\u{1}\u{85}R."),
    ("OrderedDict of triples", "ccollections\nOrderedDict\n](K\u{1}NNta\u{85}R."),
    ("a tensor without a storage", "ctorch._utils\n_rebuild_tensor_v2\n(NK\0))\u{89}}tR."),
    ("a parameter of a string", "ctorch._utils\n_rebuild_parameter\n\u{8C}\u{1}x\u{88}}\u{87}R."),
  ])
  func rejectsNonsense(name: String, program: String) {
    expectFailure(.malformed) { try load(program) }
  }

  @Test func nestingNeitherCrashesNorPasses() {
    let million = 1_000_000
    for opener in ["(", "]", "}", ")", "N"] {
      expectFailure(.refused, "nested or wide") { try load(repeated(opener, million)) }
    }
    // Lists in lists, with a stack that stays low: each is appended to the one before, remembered as number 0.
    let chain = bytes("]q\u{0}0") + repeated("h\u{0}]q\u{0}a0", million) + bytes("N.")
    expectFailure(.unsupported, "holds None") { try load(chain) }
    expectFailure(.unsupported, "holds a tuple") { try load(bytes("N") + repeated("\u{85}", million) + bytes(".")) }
    // A list and a dictionary that contain themselves.
    expectFailure(.unsupported, "holds a list") { try load("]q\0h\0a.") }
    expectFailure(.unsupported, "0 of its entries") { try load("}q\0\u{8C}\u{1}ah\0s.") }
  }

  @Test func bombsStaySmall() {
    // Thirty lists, each holding the one before ten times: 10^30 elements if expanded.
    let laugh = "](" + String(repeating: "h\0", count: 10) + "eq\u{0}0"
    expectFailure(.unsupported, "holds a list") { try load("]q\u{0}0" + String(repeating: laugh, count: 30) + "h\0.") }
    // One value remembered without end.
    expectFailure(.refused, "remembered values") { try load(bytes("N") + repeated("\u{94}", 1 << 20 + 1)) }
    expectFailure(.refused, "containers") { try load(repeated("}0", 1 << 20 + 1)) }
    expectFailure(.refused, "opcodes") { try load(repeated("N0", 4 << 20)) }
    // One list of a thousand pairs, made into a dictionary again and again.
    let pairs = "]q\u{0}(" + (0..<1000).map { short("\($0)") + "N\u{86}" }.joined() + "e0"
    let again = "ccollections\nOrderedDict\nh\u{0}\u{85}R0"
    expectFailure(.refused, "entries") { try load(bytes(pairs) + repeated(again, 1 << 11)) }
  }

  @Test func readsWhatPython2Wrote() throws {
    // There an OrderedDict is built from a list of pairs, and names are byte strings.
    let pair = "](U\u{1}x" + rebuilt(0, [2], [2]) + "ea"
    let file = try load(bytes("ccollections\nOrderedDict\n]" + pair + "\u{85}R."), floats: 4)
    #expect(file.tensors["x"]?.values(as: Float.self) == [0, 2])
  }

  @Test(arguments: [
    View([4], [1], offset: 0, elements: [0, 1, 2, 3]),
    View([2, 2], [1, 1], offset: 1, elements: [1, 2, 2, 3]),
    View([0], [9], offset: 4, elements: []),
    View([1, 1], [Int.max, 7], offset: 3, elements: [3]),
    View([2, 0, 3], [Int.max, Int.max, Int.max], offset: 0, elements: []),
    View([3], [0], offset: 2, elements: [2, 2, 2]),
    View([], [], offset: 3, elements: [3]),
  ])
  func readsViewsWithinTheStorage(view: View) throws {
    #expect(try load(view).tensors["x"]?.values(as: Float.self) == view.elements)
  }

  @Test(arguments: [
    View([4], [1], offset: 1),
    View([0], [1], offset: 5),
    View([], [], offset: 4),
    View([2, 2], [3, 1], offset: 0),
    View([2], [1], offset: Int.max),
    View([2], [Int.max], offset: 0),
    View([Int.max, Int.max], [0, 0], offset: 0),
    View([2, 2], [Int.max, Int.max], offset: 0),
    View([Int.max], [0], offset: 0),
    View([-1], [1], offset: 0),
    View([2], [-1], offset: 1),
    View([1], [1], offset: -1),
    View([2], [1, 1], offset: 0),
    View(Array(repeating: 1, count: 65), Array(repeating: 1, count: 65), offset: 0),
  ])
  func refusesViewsBeyondTheStorage(view: View) {
    expectFailure(.malformed) { _ = try load(view) }
  }

  @Test func refusesViewsThatMultiplyAFewBytes() {
    expectFailure(.refused, "key \"x\"", "very many elements") {
      _ = try load(View([1 << 20, 1 << 20], [0, 0], offset: 0))
    }
  }

  @Test func tenThousandTensorsAreQuick() throws {
    let names = (0..<10_000).map { "layers.\($0).weight" }
    let tensors = names.map { short($0) + rebuilt(0, [2, 2], [2, 1]) }.joined()
    let clock = ContinuousClock()
    // Unoptimised, on a shared machine; optimised it takes some hundredths.
    let duration = try clock.measure {
      let file = try load(bytes("}(" + tensors + "u."), floats: 4)
      #expect(file.names == names)
    }
    #expect(duration < .seconds(10))
  }

  /// A tensor of float storage "0" and what reading it gives.
  struct View: Sendable {
    var shape: [Int]
    var strides: [Int]
    var offset: Int
    var elements: [Float]

    init(_ shape: [Int], _ strides: [Int], offset: Int, elements: [Float] = []) {
      (self.shape, self.strides, self.offset, self.elements) = (shape, strides, offset, elements)
    }
  }

  private func load(_ view: View) throws -> StateDictFile {
    try load(bytes("}" + short("x") + rebuilt(view.offset, view.shape, view.strides) + "s."), floats: 4)
  }

  /// Loads a legacy file of one object without storages.
  private func load(_ program: [UInt8]) throws { _ = try load(program, floats: 0) }

  private func load(_ program: String) throws { try load(bytes(program)) }

  /// Loads a legacy file of one object and, unless it has no elements, one storage "0" holding 0, 1, 2, ….
  private func load(_ program: [UInt8], floats: Int) throws -> StateDictFile {
    let magic = bytes("\u{8A}\u{A}\u{6C}\u{FC}\u{9C}\u{46}\u{F9}\u{20}\u{6A}\u{A8}\u{50}\u{19}.")
    let system = bytes("}" + short("little_endian") + "\u{88}s.")
    let keys = bytes(floats > 0 ? "]" + short("0") + "a." : "].")
    var file: [UInt8] = []
    for pickle in [magic, bytes("M\u{E9}\u{3}."), system, program, keys] { file += [0x80, 4] + pickle }
    if floats > 0 { file += [UInt8](Int64(floats)) }
    for value in 0..<floats { file += [UInt8](Float(value).bitPattern) }
    return try StateDictFile(folder.file("hostile.pt", file))
  }
}

/// The program's bytes.
private func bytes(_ program: String) -> [UInt8] { program.unicodeScalars.map { UInt8($0.value) } }

/// A program repeated; appending is many times faster than joining where tests run unoptimised.
private func repeated(_ program: String, _ count: Int) -> [UInt8] {
  let unit = bytes(program)
  var all: [UInt8] = []
  for _ in 0..<count { all += unit }
  return all
}

private func character(_ byte: UInt8) -> String { String(Character(Unicode.Scalar(byte))) }

/// SHORT_BINUNICODE.
private func short(_ text: String) -> String { "\u{8C}" + character(UInt8(text.utf8.count)) + text }

/// LONG1 of eight bytes.
private func integer(_ value: Int) -> String { "\u{8A}\u{8}" + [UInt8](value).map(character).joined() }

/// The persistent id of float storage "0".
///
/// - Parameter count: The program that pushes its element count.
private func storageID(_ count: String) -> String {
  "(" + short("storage") + "ctorch\nFloatStorage\n" + short("0") + short("cpu") + count + "tQ"
}

/// A call of `_rebuild_tensor_v2` on float storage "0" of four elements.
private func rebuilt(_ offset: Int, _ shape: [Int], _ strides: [Int]) -> String {
  let sizes = [shape, strides].map { "(" + $0.map(integer).joined() + "t" }.joined()
  return "ctorch._utils\n_rebuild_tensor_v2\n(" + storageID(integer(4)) + integer(offset) + sizes + "\u{89}}tR"
}
