import Torch
import TorchNN

/// Losses that hold embeddings of one meme together and those of others apart.
///
/// Embeddings are [B, E], rows of length 1; row i of both is of the same meme. Source: reference file 11 §2.
public enum ContrastiveLoss {
  /// How much more alike others are than the meme's own pair, summed over all pairs of different memes.
  ///
  /// - Parameter margin: By how much the own pair should be ahead.
  /// - Returns: `rows`, where every u is compared with the other v, and `columns`, every v with the other u.
  public static func hinge(_ u: Tensor, _ v: Tensor, margin: Double) -> (rows: Tensor, columns: Tensor) {
    let likeness = u.matmul(v.transposed()).to(.float32)  // [B, B]
    let diagonal = Tensor.identity(u.shape[0], on: u.device)
    let own = (likeness * diagonal).sum(along: 1)
    func excess(over own: Tensor) -> Tensor { ((likeness - own + margin).relu() * (1 - diagonal)).sum() }
    return (excess(over: own.expanded(at: 1)), excess(over: own.expanded(at: 0)))
  }

  /// SimCLR's normalised temperature-scaled cross-entropy: of 2 B embeddings each is to find its partner, the mean.
  public static func normalizedTemperature(_ u: Tensor, _ v: Tensor, temperature: Double) -> Tensor {
    let count = u.shape[0]
    let all = Tensor.concatenated([u, v], along: 0)
    let likeness = all.matmul(all.transposed()).to(.float32) / temperature  // [2 B, 2 B]
    let partners = (0..<2 * count).map { ($0 + count) % (2 * count) }
    return Loss.crossEntropy(
      logits: likeness - Tensor.identity(2 * count, on: u.device) * 1e9, classes: Tensor(partners, device: u.device))
  }
}

extension Tensor {
  /// Ones on the diagonal and zeros elsewhere [n, n].
  fileprivate static func identity(_ count: Int, on device: Device) -> Tensor {
    var values = [Float](repeating: 0, count: count * count)
    for index in 0..<count { values[index * count + index] = 1 }
    return Tensor(values, shape: [count, count], device: device)
  }
}
