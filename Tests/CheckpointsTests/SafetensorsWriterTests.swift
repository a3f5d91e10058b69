import Checkpoints
import Foundation
import Testing

@Suite struct SafetensorsWriterTests {
  let folder: TemporaryFolder
  let url: URL

  init() throws {
    folder = try TemporaryFolder()
    url = folder.url.appending(path: "out.safetensors")
  }

  /// The reference implementation's file, read and written again, must not change by a byte.
  @Test(arguments: ["all-types.safetensors", "small.safetensors"])
  func equalsTheReferenceImplementation(fixture: String) throws {
    let source = try SafetensorsFile(Fixture.url(fixture))
    let declarations = source.tensors.values.map {
      SafetensorsWriter.Declaration(name: $0.name, type: $0.type, shape: $0.shape)
    }
    let writer = try SafetensorsWriter(to: url, tensors: declarations.shuffled(), metadata: source.metadata)
    #expect(writer.tensors.map(\.name) == source.names)
    try writer.write { tensor, append in try append(#require(source.tensors[tensor.name]).bytes) }
    #expect(try Array(Data(contentsOf: url)) == Fixture.bytes(fixture))
    #expect(try folder.names == ["out.safetensors"])
  }

  @Test func writesInPieces() throws {
    try SafetensorsWriter(
      to: url, tensors: [.init(name: "rows", type: .int32, shape: [100, 2])], metadata: ["b": "\u{1F}\"\\", "a": "é\n"]
    ).write { _, append in
      for row in 0..<Int32(100) { try [row, -row].withUnsafeBytes { try append($0) } }
    }
    let file = try SafetensorsFile(url)
    #expect(file.metadata == ["b": "\u{1F}\"\\", "a": "é\n"])
    #expect(file.tensors["rows"]?.values(as: Int32.self) == (0..<100).flatMap { [$0, -$0] })
    let header = try #require(String(bytes: Data(contentsOf: url).dropFirst(8).prefix(60), encoding: .utf8))
    #expect(header.hasPrefix(#"{"__metadata__":{"a":"é\n","b":"\u001f\"\\"},"rows":"#))
  }

  /// Swift's own string order would put the composed letter between e and f.
  @Test func ordersNamesByBytes() throws {
    let names = ["é", "f", "e", "Z", "e\u{0}"]
    let writer = try SafetensorsWriter(to: url, tensors: names.map { .init(name: $0, type: .int8, shape: [0]) })
    #expect(writer.tensors.map(\.name) == ["Z", "e", "e\u{0}", "f", "é"])
  }

  @Test func refusesWhatTheFormatCannotHold() {
    expectFailure(.malformed, "tensor \"a\"", "the name is taken") {
      _ = try SafetensorsWriter(
        to: url, tensors: [.init(name: "a", type: .int8, shape: []), .init(name: "a", type: .bool, shape: [])])
    }
    expectFailure(.malformed, "tensor \"__metadata__\"") {
      _ = try SafetensorsWriter(to: url, tensors: [.init(name: "__metadata__", type: .int8, shape: [])])
    }
    for shape in [[-1], [Int.max, 2], [Int.max]] {
      expectFailure(.malformed, "tensor \"a\"", "\(shape)") {
        _ = try SafetensorsWriter(to: url, tensors: [.init(name: "a", type: .float32, shape: shape)])
      }
    }
  }

  @Test func leavesTheOldFileWhenATensorHasTheWrongSize() throws {
    try writeAtomically(Data("old".utf8), to: url)
    let writer = try SafetensorsWriter(to: url, tensors: [.init(name: "a", type: .float32, shape: [2])])
    for count in [0, 7, 9] {
      expectFailure(.malformed, "tensor \"a\"", "\(count) bytes were given", "takes 8") {
        try writer.write { _, append in
          try [UInt8](repeating: 0, count: count).withUnsafeBytes { try append($0) }
        }
      }
    }
    #expect(try Data(contentsOf: url) == Data("old".utf8))
    #expect(try folder.names == ["out.safetensors"])
  }

  @Test func tenThousandTensorsAreQuick() throws {
    let declarations = (0..<10_000).map {
      SafetensorsWriter.Declaration(name: "encoder.layers.\($0).weight", type: .float32, shape: [1])
    }
    let clock = ContinuousClock()
    // Unoptimised, on a shared machine; optimised it takes some hundredths.
    let duration = try clock.measure {
      try SafetensorsWriter(to: url, tensors: declarations).write { tensor, append in
        try withUnsafeBytes(of: Float(tensor.name.count)) { try append($0) }
      }
      #expect(try SafetensorsFile(url).tensors["encoder.layers.9999.weight"]?.values(as: Float.self) == [26])
    }
    #expect(duration < .seconds(10))
  }
}
