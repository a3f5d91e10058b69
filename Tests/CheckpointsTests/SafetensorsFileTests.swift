import Checkpoints
import Foundation
import Testing

@Suite struct SafetensorsFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func readsEveryType() throws {
    let file = try SafetensorsFile(Fixture.url("all-types.safetensors"))
    let expected = try ExpectedTensor.read("all-types.json")
    #expect(Set(expected.map(\.type)) == Set(ElementType.allCases.map(\.rawValue)))
    #expect(file.tensors.count == expected.count)
    for tensor in expected { try tensor.expectEqual(file.tensors[tensor.name]) }
    #expect(file.metadata == ["format": "pt"])
    #expect(file.names.count == expected.count)
    #expect(file.names.first == "block.i64" && file.names.last == "block.bool")
  }

  @Test func givesTypedValues() throws {
    let tensors = try SafetensorsFile(Fixture.url("all-types.safetensors")).tensors
    #expect(tensors["scalar"]?.values(as: Float.self) == [-1.5])
    #expect(tensors["limits"]?.values(as: Int64.self) == [.max, .min])
    #expect(tensors["empty"]?.values(as: Float.self) == [])
    let small = try #require(try SafetensorsFile(Fixture.url("small.safetensors")).tensors["weight"])
    #expect(small.values(as: Float.self) == [1, 2, 3, 4])
    #expect(small.isContiguous && small.isAligned && small.strides == [2, 1])
  }

  @Test func copiesUnalignedTensors() throws {
    let json =
      #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}}"#
    let data: [UInt8] = [7] + [UInt8](Float(1.5).bitPattern) + [UInt8](Float(-2).bitPattern)
    let tensor = try #require(try load(json, data).tensors["b"])
    #expect(!tensor.isAligned)
    #expect(tensor.values(as: Float.self) == [1.5, -2])
  }

  @Test func acceptsAnyValidJSON() throws {
    let json = """
      {\t"__metadata__" : { } , "\\u00e9\\ud83d\\ude00\\/" :
      { "data_offsets" : [ 0 , 1 ] , "shape" : [ ] , "dtype" : "BOOL" } }
      """
    let file = try load(json + "   ", [1])
    #expect(file.names == ["é😀/"])
    #expect(file.tensors["é😀/"]?.values(as: UInt8.self) == [1])
    #expect(try load("{}", []).names.isEmpty)
  }

  @Test(arguments: [
    // Layout.
    (#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#, 2, ["tensor \"a\"", "hole of 1 bytes", "the header"]),
    (
      #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[3,4]}}"#, 4,
      ["tensor \"b\"", "hole of 2 bytes", "tensor \"a\""]
    ),
    (
      #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#, 3,
      ["tensor \"b\"", "overlaps tensor \"a\" by 1 bytes"]
    ),
    (#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, 3, ["2 trailing bytes", "tensor \"a\""]),
    (#"{}"#, 1, ["1 trailing bytes"]),
    (#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#, 1, ["tensor \"a\"", "[0, 2]", "1 bytes of data"]),
    (#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}"#, 1, ["tensor \"a\"", "[1, 0]"]),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,2]}}"#, 2, ["tensor \"a\"", "[1] of F32", "2 bytes"]),
    (
      #"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#, 0,
      ["tensor \"a\"", "overflows"]
    ),
    (
      #"{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}"#, 0,
      ["tensor \"a\"", "does not fill"]
    ),
    (#"{"a":{"dtype":"U8","shape":[0,9223372036854775807,9],"data_offsets":[0,0]}}"#, 0, ["overflows"]),
    // Keys.
    (
      #"{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[],"data_offsets":[1,2]}}"#, 2,
      ["key \"a\" occurs twice"]
    ),
    (#"{"__metadata__":{},"__metadata__":{}}"#, 0, ["__metadata__", "twice"]),
    (#"{"__metadata__":{"k":"1","k":"2"}}"#, 0, ["key \"k\" of __metadata__ occurs twice"]),
    (#"{"a":{"dtype":"U8","dtype":"U8","shape":[],"data_offsets":[0,1]}}"#, 1, ["tensor \"a\"", "\"dtype\" twice"]),
    (#"{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1],"x":1}}"#, 1, ["tensor \"a\"", "unknown key \"x\""]),
    (#"{"a":{"dtype":"U8","shape":[]}}"#, 0, ["tensor \"a\"", "lacks data_offsets"]),
    (#"{"a":{"dtype":"U8","data_offsets":[0,0]}}"#, 0, ["tensor \"a\"", "lacks shape"]),
    (#"{"a":{}}"#, 0, ["tensor \"a\"", "lacks dtype"]),
    (#"{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1,2]}}"#, 1, ["tensor \"a\"", "3 data_offsets"]),
    // JSON.
    (#"{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}"#, 1, ["not negative"]),
    (#"{"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}}"#, 1, ["expected ]", "found ."]),
    (#"{"a":{"dtype":"U8","shape":[01],"data_offsets":[0,1]}}"#, 1, ["leading zero"]),
    (#"{"a":{"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,1]}}"#, 1, ["too large"]),
    (#"{"a":{"dtype":"U8","shape":[1,],"data_offsets":[0,1]}}"#, 1, ["expected an integer"]),
    (#"{"a":{"dtype":1,"shape":[],"data_offsets":[0,1]}}"#, 1, ["expected \""]),
    (#"{"__metadata__":{"k":1}}"#, 0, ["expected \""]),
    (#"{"__metadata__":{"k":{"deeper":"1"}}}"#, 0, ["expected \"", "found {"]),
    (#"{"a":[[[[[[[[[[[[[[[["#, 0, ["expected {", "found ["]),
    (#"{"\ud800":{}}"#, 0, ["lone surrogate"]),
    (#"{"\ud800\ud800":{}}"#, 0, ["lone surrogate"]),
    (#"{"\x":{}}"#, 0, ["unknown escape"]),
    (#"{"\u12g4":{}}"#, 0, ["hexadecimal"]),
    ("{\"a\u{1}\":{}}", 0, ["control character"]),
    (#"{} {}"#, 0, ["only spaces may follow"]),
    ("{}\n", 0, ["only spaces may follow"]),
    (#"{"#, 0, ["the header ends"]),
    (#"{"a"#, 0, ["ends early"]),
    (#" {}"#, 0, ["must start with {"]),
    (#"[]"#, 0, ["must start with {"]),
    ("", 0, ["must start with {"]),
  ])
  func refusesMalformedFiles(json: String, dataCount: Int, fragments: [String]) {
    for fragment in fragments {
      expectFailure(.malformed, fragment, "broken.safetensors") {
        _ = try load(json, [UInt8](repeating: 0, count: dataCount))
      }
    }
  }

  @Test func refusesForeignTypesByName() {
    expectFailure(.unsupported, "tensor \"a\"", "\"F8_E4M3\"", "BF16") {
      _ = try load(#"{"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}"#, [0])
    }
  }

  @Test func refusesInvalidText() throws {
    let json: [UInt8] = Array("{\"".utf8) + [0xC3, 0x28] + Array("\":{}}".utf8)
    let url = try folder.file("text.safetensors", [UInt8](UInt64(json.count)) + json)
    expectFailure(.malformed, "not valid UTF-8") { _ = try SafetensorsFile(url) }
  }

  @Test func refusesImpossibleHeaderLengths() throws {
    for length: UInt64 in [100_000_001, .max, UInt64(Int64.max)] {
      let url = try folder.file("long.safetensors", [UInt8](length) + Array("{}".utf8))
      expectFailure(.malformed, "\(length) bytes", "100000000") { _ = try SafetensorsFile(url) }
    }
    let url = try folder.file("short.safetensors", [UInt8](UInt64(3)) + Array("{}".utf8))
    expectFailure(.malformed, "truncated", "2 left") { _ = try SafetensorsFile(url) }
  }

  @Test func tellsWhatIsNotThere() throws {
    expectFailure(.missing, "nowhere.safetensors", "No such file") {
      _ = try SafetensorsFile(folder.url.appending(path: "nowhere.safetensors"))
    }
    expectFailure(.unreadable, "is a folder") { _ = try SafetensorsFile(folder.url) }
    let empty = try folder.file("empty.safetensors", [])
    expectFailure(.malformed, "truncated") { _ = try SafetensorsFile(empty) }
    let pipe = folder.url.appending(path: "pipe")
    try #require(mkfifo(pipe.path, 0o600) == 0)
    expectFailure(.unreadable, "no regular file") { _ = try SafetensorsFile(pipe) }
  }

  private func load(_ json: String, _ data: [UInt8]) throws -> SafetensorsFile {
    try SafetensorsFile(folder.file("broken.safetensors", [UInt8](UInt64(json.utf8.count)) + Array(json.utf8) + data))
  }
}
