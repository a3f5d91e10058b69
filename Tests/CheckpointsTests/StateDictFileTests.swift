import Checkpoints
import Foundation
import Testing

@Suite struct StateDictFileTests {
  @Test(arguments: ["zip", "legacy"], [2, 3, 4, 5])
  func readsEveryTypeAndView(format: String, pickleProtocol: Int) throws {
    let file = try StateDictFile(Fixture.url("state-\(format)-\(pickleProtocol).pt"))
    let expected = try ExpectedTensor.read("state.json")
    #expect(file.names == expected.map(\.name))
    for tensor in expected { try tensor.expectEqual(file.tensors[tensor.name]) }
    let (base, slice) = (try #require(file.tensors["base"]), try #require(file.tensors["slice"]))
    #expect(base.isContiguous)
    #expect(file.tensors["transposed"]?.strides == [1, 6])
    #expect(file.tensors["transposed"]?.byteOffset == base.byteOffset, "a shared storage is not repeated")
    #expect(slice.strides == [6, 2] && slice.byteOffset == base.byteOffset + 6 * 4)
    #expect(slice.byteCount == (6 + 2 * 2 + 1) * 4)
    #expect(file.tensors["expanded"]?.strides == [0, 0])
    #expect(file.tensors["column"]?.values(as: Float.self) == [5, 11, 17, 23].map { Float($0) / 7 })
    #expect(file.tensors["parameter"]?.values(as: Float.self) == [0.25, -4])
  }

  @Test(arguments: ["small-zip.pt", "small-legacy.pt", "stored.pt", "nested.pt"])
  func findsTheTensors(fixture: String) throws {
    let file = try StateDictFile(Fixture.url(fixture))
    let expected = try ExpectedTensor.read("small.json")
    #expect(file.names == expected.map(\.name))
    for tensor in expected { try tensor.expectEqual(file.tensors[tensor.name]) }
  }

  @Test func readsAnEmptyDictionary() throws {
    #expect(try StateDictFile(Fixture.url("empty.pt")).names.isEmpty)
  }

  @Test(arguments: [
    ("ambiguous.pt", ["2 of its entries", "\"model\", \"ema\", \"epoch\""]),
    ("tensor.pt", ["holds a tensor"]),
    ("mixed.pt", ["key \"layers\"", "a list among tensors"]),
    ("integer-key.pt", ["key 0", "must be a string"]),
    ("compressed.pt", ["entry \"small-zip/data.pkl\"", "compressed (method 8)"]),
    ("big-endian.pt", ["byteorder", "little-endian"]),
    ("without-pickle.pt", ["without small-zip/data.pkl"]),
    ("small.safetensors", ["neither a zip archive nor a pickle"]),
  ])
  func saysWhatItDoesNotRead(fixture: String, fragments: [String]) throws {
    let url = try Fixture.url(fixture)
    for fragment in fragments { expectFailure(.unsupported, fragment) { _ = try StateDictFile(url) } }
  }

  @Test(arguments: [
    ("duplicate.pt", ["entry \"small-zip/data/0\"", "twice"]),
    ("without-storage.pt", ["entry \"small-zip/data/1\"", "missing"]),
    ("short-storage.pt", ["entry \"small-zip/data/0\"", "12 bytes", "4 elements of F32"]),
  ])
  func refusesInconsistentArchives(fixture: String, fragments: [String]) throws {
    let url = try Fixture.url(fixture)
    for fragment in fragments { expectFailure(.malformed, fragment) { _ = try StateDictFile(url) } }
  }

  @Test(arguments: [
    ("attack-zip.pt", "global posix.system"),
    ("attack-zip-4.pt", "global posix.system"),
    ("attack-legacy.pt", "global posix.system"),
    ("instance.pt", "global __main__.Instance"),
    ("module.pt", "global torch.nn.modules.linear.Linear"),
    ("uint16.pt", "global torch._utils._rebuild_tensor_v3"),
    ("quantized.pt", "global torch._utils._rebuild_qtensor"),
    ("sparse.pt", "global torch._utils._rebuild_sparse_tensor"),
    ("negated.pt", "negated view"),
    ("torchscript.pt", "TorchScript program"),
  ])
  func refusesByName(fixture: String, fragment: String) throws {
    let url = try Fixture.url(fixture)
    expectFailure(.refused, "refused", fragment) { _ = try StateDictFile(url) }
  }
}
