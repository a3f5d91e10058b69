import Checkpoints
import Foundation
import Testing
import Torch

@Suite struct CheckpointTests {
  let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  @Test(arguments: [false, true]) func roundTripKeepsValuesTypesAndMetadata(isMapped: Bool) throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let url = folder.appending(path: "a.safetensors")
    let values: [Float] = [1, -2.5, 3, 4, 5, 6]
    let checkpoint = Checkpoint(
      tensors: [
        "weight": Tensor(values, shape: [2, 3]), "turned": Tensor(values, shape: [2, 3]).transposed(),
        "half": Tensor(values, shape: [6]).to(.bfloat16), "steps": Tensor([7], shape: []),
        "flags": Tensor([true, false, true]), "empty": Tensor([Float](), shape: [0, 4]),
      ], metadata: ["format": "pt"])
    try checkpoint.write(to: url)
    let read = try Checkpoint(contentsOf: url, isMapped: isMapped)
    #expect(read.metadata == ["format": "pt"])
    #expect(read.tensors.keys.sorted() == ["empty", "flags", "half", "steps", "turned", "weight"])
    #expect(read.tensors["weight"]?.values(of: Float.self) == values)
    #expect(read.tensors["turned"]?.shape == [3, 2])
    #expect(read.tensors["turned"]?.values(of: Float.self) == [1, 4, -2.5, 5, 3, 6])
    #expect(read.tensors["half"]?.dtype == .bfloat16)
    #expect(read.tensors["half"]?.floats == values)
    #expect(read.tensors["steps"]?.values(of: Int.self) == [7])
    #expect(read.tensors["flags"]?.values(of: Bool.self) == [true, false, true])
    #expect(read.tensors["empty"]?.shape == [0, 4])
    let first = try Data(contentsOf: url)
    try checkpoint.write(to: url)
    #expect(try Data(contentsOf: url) == first)
  }

  @Test func copiesMayBeChangedAndMappedTensorsLieInTheFile() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let url = folder.appending(path: "a.safetensors")
    try Checkpoint(tensors: ["w": Tensor([Float(1), 2])]).write(to: url)
    let copy = try #require(try Checkpoint(contentsOf: url).tensors["w"])
    copy.fill(with: 9)
    #expect(copy.floats == [9, 9])
    let stored = try #require(try SafetensorsFile(url).tensors["w"])
    let view = Tensor(viewing: stored)
    #expect(view.floats == [1, 2])
    view.withBytes { #expect($0.baseAddress == stored.bytes.baseAddress) }
  }

  @Test func errorsNameTheFile() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let url = folder.appending(path: "broken.pth")
    for bytes in [[], [0x80, 2], Array("PK\u{3}\u{4}".utf8), [8, 0, 0, 0, 0, 0, 0, 0, 0x7B]] as [[UInt8]] {
      try Data(bytes).write(to: url)
      let error = #expect(throws: CheckpointError.self) { try Checkpoint(contentsOf: url) }
      #expect(error?.description.contains("broken.pth") == true)
    }
    #expect(throws: CheckpointError.self) { try Checkpoint(contentsOf: folder.appending(path: "absent")) }
  }
}
