import Foundation
import Testing
import Torch

/// Tensors that a `Fixtures/generate.py` wrote; a missing file or name fails the test that asks for it.
public struct Fixture {
  public let tensors: [String: Tensor]

  /// - Parameters:
  ///   - name: The safetensors file in the folder `Fixtures` beside the test.
  ///   - file: The test that asks.
  public init(_ name: String, beside file: String = #filePath) throws {
    let folder = URL(fileURLWithPath: file).deletingLastPathComponent().appending(path: "Fixtures")
    tensors = try Checkpoint(contentsOf: folder.appending(path: "\(name).safetensors")).tensors
  }

  public subscript(_ name: String) -> Tensor {
    guard let tensor = tensors[name] else {
      Issue.record("the fixture has no '\(name)'")
      return Tensor.zeros([0])
    }
    return tensor
  }

  /// The tensors below a prefix, the prefix taken off.
  public func group(_ prefix: String) -> [String: Tensor] {
    Dictionary(
      uniqueKeysWithValues: tensors.filter { $0.key.hasPrefix(prefix) }.map {
        (String($0.key.dropFirst(prefix.count)), $0.value)
      })
  }
}

/// The largest difference between elements; infinite when the shapes differ.
public func difference(_ a: Tensor, _ b: Tensor) -> Double {
  guard a.shape == b.shape else { return .infinity }
  return zip(a.detached().doubles, b.detached().doubles).reduce(0) { max($0, abs($1.0 - $1.1)) }
}

/// The largest difference between elements relative to the largest expected one; infinite when the shapes differ.
public func relativeDifference(_ actual: Tensor, _ expected: Tensor) -> Double {
  guard actual.shape == expected.shape else { return .infinity }
  let (a, b) = (actual.detached().doubles, expected.doubles)
  let scale = max(b.map(abs).max() ?? 0, 1e-3)
  return zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } / scale
}
