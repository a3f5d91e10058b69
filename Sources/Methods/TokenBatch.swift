import Networks
import Torch

/// Token ids of a batch of texts, padded to the longest.
///
/// N texts, L tokens of the longest.
public struct TokenBatch {
  let ids: Tensor  // [N, L] int64, 0 behind the end of a text
  let isPresent: Tensor  // [N, L], 1 for tokens and 0 behind the end

  /// - Parameters:
  ///   - device: Of the network that reads them.
  ///   - limit: Tokens of a text at most; of a longer one the last, which says that it ends, stays.
  ///   - vocabularySize: What ids lie below; one beyond it counts as unknown.
  init(_ texts: [[Int32]], limit: Int, vocabularySize: Int, device: Device) {
    let read = texts.map { TextArchitecture.read($0, limit: limit, vocabularySize: vocabularySize) }
    let length = max(1, read.map(\.count).max() ?? 0)
    var ids = [Int](repeating: 0, count: texts.count * length)
    var flags = [Float](repeating: 0, count: texts.count * length)
    for (row, text) in read.enumerated() {
      for (column, id) in text.enumerated() {
        ids[row * length + column] = Int(id)
        flags[row * length + column] = 1
      }
    }
    self.ids = Tensor(ids, shape: [texts.count, length], device: device)
    isPresent = Tensor(flags, shape: [texts.count, length], device: device)
  }
}
