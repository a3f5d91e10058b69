import Dispatch
import Foundation

/// Finds all pairs of hashes that differ in few bits without comparing each with each.
///
/// Multi-index hashing (Norouzi, Punjani and Fleet, 2012): of sixteen chunks of 16 bits, at least one differs in one bit
/// at most where two hashes differ in 31 or fewer. For each chunk the hashes are therefore sorted by it, and those
/// with a value compared among each other and with those of the sixteen values one bit away. Sorting copies the hashes, so that
/// what is compared lies side by side in memory. Nothing is missed and nothing is found twice.
///
/// A million random hashes take 2 · 10⁹ comparisons instead of 5 · 10¹¹. Hashes that share a chunk are compared with each other,
/// so equal ones should be given once: see ``HashGroups``.
public enum NearHashes {
  /// Two positions, `first < second`, and the bits in which their hashes differ.
  public struct Pair: Hashable, Sendable {
    public var first: Int
    public var second: Int
    public var distance: Int
  }

  private static let chunkCount = 16

  /// Calls `found` with every pair of hashes that differ in `distance` bits or fewer, each once, in no order.
  ///
  /// Chunks are worked on at once, one a core; each such worker takes 36 bytes a hash.
  ///
  /// - Parameters:
  ///   - distance: 0 to 31.
  ///   - found: called with some pairs at a time, never from two threads at once.
  public static func forEachPair(
    in hashes: [PDQHash], within distance: Int = PDQHash.nearDistance, _ found: ([Pair]) -> Void
  ) {
    precondition((0..<2 * chunkCount).contains(distance), "a distance of \(distance) bits; expected 0 to 31")
    precondition(hashes.count < Int32.max, "\(hashes.count) hashes; positions are counted in 32 bits")
    let lock = NSLock()
    // `found` does not escape: all work is done when this function returns, and the lock keeps calls apart.
    withoutActuallyEscaping(found) { found in
      nonisolated(unsafe) let found = found
      let tell: @Sendable ([Pair]) -> Void = { pairs in lock.withLock { found(pairs) } }
      DispatchQueue.concurrentPerform(iterations: chunkCount) { chunk in
        SortedByChunk(hashes, chunk: chunk).forEachPair(within: distance, tell)
      }
    }
  }

  /// Hashes in the order of one of their chunks.
  private struct SortedByChunk {
    let chunk: Int
    let hashes: [PDQHash]
    /// Where each hash stood.
    let positions: [Int32]
    /// Where the hashes of each value of the chunk begin, and at last where they end.
    let starts: [Int32]  // [65537]

    init(_ unsorted: [PDQHash], chunk: Int) {
      self.chunk = chunk
      var starts = [Int32](repeating: 0, count: (1 << 16) + 1)
      for hash in unsorted { starts[Int(hash.chunk(chunk)) + 1] += 1 }
      for value in 1..<starts.count { starts[value] += starts[value - 1] }
      var next = starts
      var sorted = [PDQHash](repeating: PDQHash(words: .zero), count: unsorted.count)
      var positions = [Int32](repeating: 0, count: unsorted.count)
      for (position, hash) in unsorted.enumerated() {
        let value = Int(hash.chunk(chunk))
        let place = Int(next[value])
        next[value] += 1
        sorted[place] = hash
        positions[place] = Int32(position)
      }
      self.starts = starts
      self.positions = positions
      hashes = sorted
    }

    func forEachPair(within distance: Int, _ found: ([Pair]) -> Void) {
      var pairs: [Pair] = []
      func tell() {
        if !pairs.isEmpty { found(pairs) }
        pairs.removeAll(keepingCapacity: true)
      }
      hashes.withUnsafeBufferPointer { hashes in
        func compare(_ place: Int, with others: Range<Int>) {
          let words = hashes[place].words
          for other in others {
            let bits = words ^ hashes[other].words
            // Half of the bits nearly always tell that two hashes have nothing in common.
            let half = bits.x.nonzeroBitCount + bits.y.nonzeroBitCount
            guard half <= distance else { continue }
            let difference = half + bits.z.nonzeroBitCount + bits.w.nonzeroBitCount
            guard difference <= distance, !isFoundEarlier(PDQHash(words: bits)) else { continue }
            let (a, b) = (Int(positions[place]), Int(positions[other]))
            pairs.append(Pair(first: min(a, b), second: max(a, b), distance: difference))
          }
        }
        for value in 0..<(1 << 16) {
          let places = range(of: value)
          guard !places.isEmpty else { continue }
          let relatives = (0..<16).map { value ^ (1 << $0) }.filter { $0 > value }.map(range).filter { !$0.isEmpty }
          for place in places {
            compare(place, with: place + 1..<places.upperBound)
            for others in relatives { compare(place, with: others) }
            if pairs.count >= 4096 { tell() }
          }
        }
      }
      tell()
    }

    private func range(of value: Int) -> Range<Int> { Int(starts[value])..<Int(starts[value + 1]) }

    /// Whether the chunks before this one already bring two hashes together that differ in `bits`.
    private func isFoundEarlier(_ bits: PDQHash) -> Bool {
      (0..<chunk).contains { bits.chunk($0).nonzeroBitCount <= 1 }
    }
  }
}

/// Equal hashes put together, so that a picture that stands in a dataset a thousand times is compared once.
public struct HashGroups: Sendable {
  /// Each hash once, in order of first appearance.
  public let hashes: [PDQHash]
  /// The group of each hash given.
  public let groups: [Int32]

  public init(_ all: some Collection<PDQHash>) {
    var known: [PDQHash: Int32] = [:]
    var hashes: [PDQHash] = []
    groups = all.map { hash in
      if let group = known[hash] { return group }
      let group = Int32(hashes.count)
      known[hash] = group
      hashes.append(hash)
      return group
    }
    self.hashes = hashes
  }
}
