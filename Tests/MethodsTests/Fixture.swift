import Foundation
import Testing
import Torch
import TorchNN

@testable import Methods

/// Values that Fixtures/generate.py wrote; a missing file or name fails the test that asks for it.
struct Fixture {
  private let tensors: [String: Tensor]

  init(_ file: String = #filePath) throws {
    let folder = URL(fileURLWithPath: file).deletingLastPathComponent().appending(path: "Fixtures")
    tensors = try Checkpoint(contentsOf: folder.appending(path: "methods.safetensors")).tensors
  }

  subscript(_ name: String) -> Tensor {
    guard let tensor = tensors[name] else {
      Issue.record("the fixture has no '\(name)'")
      return Tensor.zeros([0])
    }
    return tensor
  }

  /// The named weights as trained parameters in a model of `method`.
  func loaded<M: Methods.Method>(_ method: M, _ name: String, _ shape: ProblemShape) throws -> (
    model: M.Model, parameters: [String: Tensor]
  ) {
    let outline = ParameterStore(uninitializedOn: .meta)
    _ = method.model(for: shape, in: outline.root)
    let values = Dictionary(
      uniqueKeysWithValues: outline.names.map { path in
        // Means and deviations play no part without scaling.
        (path, path.hasPrefix("preparation.") ? Tensor.zeros(outline.values[path]!.shape) : self["\(name).\(path)"])
      })
    let store = ParameterStore(loading: values)
    let model = method.model(for: shape, in: store.root)
    try store.validate()
    let parameters = store.values.filter { !$0.key.hasPrefix("preparation.") }
    for parameter in parameters.values { parameter.requiringGrad() }
    return (model, parameters)
  }
}

/// The largest difference between elements; infinite when the shapes differ.
func difference(_ a: Tensor, _ b: Tensor) -> Double {
  guard a.shape == b.shape else { return .infinity }
  return zip(a.detached().doubles, b.detached().doubles).reduce(0) { max($0, abs($1.0 - $1.1)) }
}
