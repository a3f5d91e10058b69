import TestSupport
import Torch
import TorchNN

@testable import Methods

extension Fixture {
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
