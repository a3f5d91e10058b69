import CTorch

/// What `body` makes of `inputs`, of which nothing is kept that lies between: the backward pass computes it once more
/// (activation checkpointing, arXiv:1604.06174). It takes the memory of one part instead of that of all, for the time of
/// another forward pass.
///
/// Gradients are those of an ordinary call to the last bit: what is drawn at random is drawn again from a copy of the
/// generator, and mixed precision is what it was. Only where mixed precision converts a parameter that `body` reads twice
/// are its two gradients added before they are rounded instead of after. Without gradients it is an ordinary call.
///
/// - Parameters:
///   - parameters: What `body` reads beside `inputs` and gradients are wanted of.
///   - generator: Handed to `body`, which must not use another.
///   - body: Must do the same whenever it is called, and write to nothing that outlives it.
public func recomputed(
  _ inputs: [Tensor], parameters: [Tensor], using generator: Generator?,
  _ body: @escaping (_ inputs: [Tensor], _ generator: Generator?) -> [Tensor]
) -> [Tensor] {
  guard ct_grad_is_enabled() else { return body(inputs, generator) }
  let part = RecomputedPart(body: body, generator: generator, start: generator?.copied())
  let capacity = 8
  return withUnsafeTemporaryAllocation(of: OpaquePointer?.self, capacity: capacity) { results in
    var count: Int32 = 0
    let status = ct_recomputed(
      inputs.map(\.pointer), Int32(inputs.count), parameters.map(\.pointer), Int32(parameters.count),
      { context, isAgain, inputs, count, results in
        let part = Unmanaged<RecomputedPart>.fromOpaque(context!).takeUnretainedValue()
        let inputs = (0..<Int(count)).map { Tensor(owning: inputs![$0]!) }
        let found = part.body(inputs, isAgain ? part.start?.copied() : part.generator)
        for tensor in found { ct_tensors_add(results, tensor.pointer) }
      },
      { Unmanaged<RecomputedPart>.fromOpaque($0!).release() }, Unmanaged.passRetained(part).toOpaque(),
      results.baseAddress, Int32(capacity), &count)
    withExtendedLifetime((inputs, parameters)) {}
    check(status, "a part that is recomputed from \(inputs)")
    return (0..<Int(count)).map { Tensor(owning: results[$0]!) }
  }
}

/// What the backward pass needs to compute a part again.
private final class RecomputedPart {
  let body: ([Tensor], Generator?) -> [Tensor]
  let generator: Generator?
  /// The generator as it was before the part.
  let start: Generator?

  init(body: @escaping ([Tensor], Generator?) -> [Tensor], generator: Generator?, start: Generator?) {
    (self.body, self.generator, self.start) = (body, generator, start)
  }
}
