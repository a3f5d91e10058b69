import Torch

extension [String: Tensor] {
  /// What stands below a prefix, without it; all where nothing does. Published models with a head keep the network there.
  public func ownOrBelow(_ prefix: String) -> [String: Tensor] {
    let below = filter { $0.key.hasPrefix(prefix) }
    guard !below.isEmpty else { return self }
    return Dictionary(uniqueKeysWithValues: below.map { (String($0.key.dropFirst(prefix.count)), $0.value) })
  }

  /// The same with the gain and shift of layer norms named as in PyTorch: google-bert's files have `gamma` and `beta`, as
  /// TensorFlow does.
  public var withLayerNormsOfToday: [String: Tensor] {
    func renamed(_ key: String) -> String {
      for (old, new) in [("LayerNorm.gamma", "LayerNorm.weight"), ("LayerNorm.beta", "LayerNorm.bias")]
      where key.hasSuffix(old) {
        return key.dropLast(old.count) + new
      }
      return key
    }
    // A file from outside may have both names; one of them counts then.
    return Dictionary(map { (renamed($0.key), $0.value) }) { first, _ in first }
  }
}
