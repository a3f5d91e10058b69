import CTorch

extension Tensor {
  /// Whether gradients flow back to this tensor.
  public var requiresGrad: Bool { ct_tensor_requires_grad(pointer) }

  /// Marks a leaf as one whose gradient is wanted, or not, and returns it.
  @discardableResult
  public func requiringGrad(_ value: Bool = true) -> Tensor {
    check(ct_tensor_set_requires_grad(pointer, value), "requiring a gradient of \(self)")
    return self
  }

  /// The gradient that `backward` left, if any.
  public var grad: Tensor? {
    var result: OpaquePointer?
    check(ct_tensor_grad(pointer, &result), "reading the gradient of \(self)")
    return result.map(Tensor.init(owning:))
  }

  /// Replaces the gradient; `nil` drops it.
  public func setGrad(_ grad: Tensor?) {
    check(ct_tensor_set_grad(pointer, grad?.pointer), "setting the gradient of \(self)")
  }

  /// Lets this leaf go on with the memory, shape and type of `other`; every copy of the reference sees it.
  public func adopt(_ other: Tensor) {
    check(ct_tensor_set_data(pointer, other.pointer), "letting \(self) adopt \(other)")
  }

  /// Adds the gradient of this scalar to every leaf it was computed from.
  public func backward() {
    check(ct_backward(pointer, nil), "backward of \(self)")
  }

  /// Propagates `gradient`, of this tensor's shape, to every leaf it was computed from.
  public func backward(gradient: Tensor) {
    check(ct_backward(pointer, gradient.pointer), "backward of \(self)")
  }
}

/// Runs `body` without recording operations for gradients.
public func withoutGrad<Result>(_ body: () throws -> Result) rethrows -> Result {
  let wasEnabled = ct_grad_is_enabled()
  ct_set_grad_enabled(false)
  defer { ct_set_grad_enabled(wasEnabled) }
  return try body()
}

/// Runs `body` in libtorch's inference mode: no graph, no version counters. Tensors made inside never take part in one.
public func withInferenceMode<Result>(_ body: () throws -> Result) rethrows -> Result {
  let scope = ct_inference_scope_enter()
  defer { ct_inference_scope_leave(scope) }
  return try body()
}

/// Runs `body` with matrix products and convolutions of `device` in `dtype` (mixed precision): weights and what needs
/// more precision stay in float32. With `.float32` inside another such body precision is not mixed. Do not step an optimizer
/// inside.
public func withAutocast<Result>(
  to dtype: DType, on device: Device = .cpu, _ body: () throws -> Result
) rethrows -> Result {
  let scope = ct_autocast_scope_enter(device.index, dtype.rawValue)
  defer { ct_autocast_scope_leave(scope) }
  return try body()
}
