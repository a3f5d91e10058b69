import Foundation
import Testing

@testable import Audit

@Suite struct NearHashesTests {
  /// SplitMix64, so that a failure repeats.
  struct Random: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      return z ^ (z >> 31)
    }
    mutating func hash() -> PDQHash { PDQHash(words: SIMD4(next(), next(), next(), next())) }
  }

  private func changed(_ hash: PDQHash, bits: some Sequence<Int>) -> PDQHash {
    var words = hash.words
    for bit in bits { words[bit / 64] ^= 1 << UInt64(bit % 64) }
    return PDQHash(words: words)
  }

  private func found(_ hashes: [PDQHash], within distance: Int) -> [NearHashes.Pair] {
    var pairs: [NearHashes.Pair] = []
    NearHashes.forEachPair(in: hashes, within: distance) { pairs += $0 }
    return pairs.sorted { ($0.first, $0.second) < ($1.first, $1.second) }
  }

  private func compared(_ hashes: [PDQHash], within distance: Int) -> [NearHashes.Pair] {
    hashes.indices.flatMap { first in
      (first + 1..<hashes.count).compactMap { second in
        let difference = hashes[first].distance(to: hashes[second])
        return difference <= distance ? NearHashes.Pair(first: first, second: second, distance: difference) : nil
      }
    }
  }

  /// Exactly what comparing each with each finds, each pair once: random hashes, and others 0 to 40 bits from them.
  @Test(arguments: [0, 1, 10, 30, 31])
  func nothingIsMissedAndNothingFoundTwice(distance: Int) {
    var random = Random(state: 5)
    var hashes = (0..<300).map { _ in random.hash() }
    for count in 0...40 {
      for _ in 0..<8 {
        let bits = (0..<256).shuffled(using: &random).prefix(count)
        hashes.append(changed(hashes[Int(random.next() % 300)], bits: bits))
      }
    }
    hashes.shuffle(using: &random)
    let expected = compared(hashes, within: distance)
    #expect(expected.count > 3)
    #expect(found(hashes, within: distance) == expected)
  }

  /// The hardest neighbours: two bits in every chunk but one, where the pigeonhole has just one chunk to offer.
  @Test func theOnlyChunkThatTellsIsUsed() {
    var random = Random(state: 6)
    let hash = random.hash()
    for lone in 0..<16 {
      var bits: [Int] = []
      for chunk in 0..<16 {
        bits.append(16 * chunk + 15)
        if chunk != lone { bits.append(16 * chunk + 9) }
      }
      let pair = [hash, changed(hash, bits: bits)]
      #expect(found(pair, within: 31) == [NearHashes.Pair(first: 0, second: 1, distance: 31)])
      #expect(found(pair, within: 30).isEmpty)
    }
    #expect(found([], within: 31).isEmpty && found([hash], within: 31).isEmpty)
  }

  @Test func equalHashesFormOneGroup() {
    var random = Random(state: 7)
    let (a, b) = (random.hash(), random.hash())
    let groups = HashGroups([a, b, a, a, b])
    #expect(groups.hashes == [a, b] && groups.groups == [0, 1, 0, 0, 1])
  }

  /// A million hashes, one in ten with a neighbour. Benchmarks/audit times the release build; this finds them all.
  @Test(
    .enabled(if: ProcessInfo.processInfo.environment["MEMESENSE_SLOW_TESTS"] == "1", "MEMESENSE_SLOW_TESTS is not 1"))
  func aMillionHashesAreSearchedForNeighbours() {
    var random = Random(state: 8)
    var hashes = (0..<900_000).map { _ in random.hash() }
    for index in 0..<100_000 {
      let bits = (0..<256).shuffled(using: &random).prefix(Int(random.next() % 32))
      hashes.append(changed(hashes[index], bits: bits))
    }
    var neighbours: Set<Int> = []
    var count = 0
    NearHashes.forEachPair(in: hashes) { pairs in
      count += pairs.count
      for pair in pairs where pair.second == pair.first + 900_000 { neighbours.insert(pair.first) }
    }
    #expect(neighbours.count == 100_000 && count == 100_000)
  }
}
