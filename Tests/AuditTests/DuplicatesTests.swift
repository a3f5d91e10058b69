import Foundation
import MemeData
import Testing

@testable import Audit

@Suite struct DuplicatesTests {
  private func fingerprint(_ content: Int, _ hash: PDQHash?) -> Fingerprint {
    Fingerprint(content: ContentDigest(of: Data("\(content)".utf8)), hash: hash)
  }

  private struct Key: Hashable {
    var kind: Duplicates.Kind
    var splits: Set<Split?>
  }

  /// Counts, pairs, leaks and clusters against comparing each meme with each.
  @Test func everythingIsWhatComparingEachWithEachSays() {
    var random = NearHashesTests.Random(state: 21)
    let seeds = (0..<12).map { _ in random.hash() }
    var fingerprints: [Fingerprint?] = []
    var splits: [Split?] = []
    for index in 0..<160 {
      splits.append([.train, .train, .validation, .test, nil][Int(random.next() % 5)])
      switch random.next() % 8 {
      case 0: fingerprints.append(nil)
      case 1: fingerprints.append(fingerprint(1000 + Int(random.next() % 6), nil))
      case 2: fingerprints.append(fingerprint(2000 + index, random.hash()))
      default:
        let seed = Int(random.next() % 12)
        let bits = (0..<256).shuffled(using: &random).prefix(Int(random.next() % 3) * 9)
        var words = seeds[seed].words
        for bit in bits { words[bit / 64] ^= 1 << UInt64(bit % 64) }
        // Some files are equal; some differ and have equal hashes.
        let content = bits.isEmpty ? 10 * seed + Int(random.next() % 3) : 3000 + index
        fingerprints.append(fingerprint(content, PDQHash(words: words)))
      }
    }
    let duplicates = Duplicates(fingerprints, splits: splits)
    var expected: [Duplicates.Pair] = []
    for first in fingerprints.indices {
      for second in fingerprints.indices where second > first {
        guard let a = fingerprints[first], let b = fingerprints[second] else { continue }
        let distance = a.hash.flatMap { a in b.hash.map(a.distance) }
        if a.content == b.content {
          expected.append(.init(first: first, second: second, kind: .exact, distance: 0))
        } else if let distance, distance <= 31 {
          expected.append(.init(first: first, second: second, kind: .near, distance: distance))
        }
      }
    }
    #expect(expected.count > 200)
    #expect(
      duplicates.pairs.sorted { ($0.first, $0.second) < ($1.first, $1.second) } == expected)
    var counts: [Key: Int] = [:]
    for pair in expected {
      counts[Key(kind: pair.kind, splits: [splits[pair.first], splits[pair.second]]), default: 0] += 1
    }
    for count in duplicates.counts {
      #expect(counts.removeValue(forKey: Key(kind: .exact, splits: Set(count.splits))) ?? 0 == count.exact)
      #expect(counts.removeValue(forKey: Key(kind: .near, splits: Set(count.splits))) ?? 0 == count.near)
    }
    #expect(counts.isEmpty)
    let partners = Dictionary(
      grouping: expected.flatMap { [($0.first, $0.second), ($0.second, $0.first)] }, by: \.0
    ).mapValues { Set($0.map { splits[$0.1] }) }
    for index in fingerprints.indices {
      let near = partners[index] ?? []
      let leak: Split? =
        switch splits[index] {
        case .train: near.contains(.test) ? .test : near.contains(.validation) ? .validation : nil
        case .validation: near.contains(.test) ? .test : nil
        default: nil
        }
      #expect(duplicates.leaks[index] == leak, "meme \(index)")
    }
    #expect(
      duplicates.touchedTestMemes
        == splits.indices.count {
          splits[$0] == .test && !(partners[$0] ?? []).isDisjoint(with: [.train, .validation])
        })
    #expect(duplicates.clusters == clusters(expected, of: duplicates.clusters))
  }

  /// The given numbers, where they say the same as a flood over the pairs; others where they do not.
  private func clusters(_ pairs: [Duplicates.Pair], of numbers: [Int]) -> [Int] {
    var flooded = Array(numbers.indices)
    var isChanged = true
    while isChanged {
      isChanged = false
      for pair in pairs where flooded[pair.first] != flooded[pair.second] {
        let least = min(flooded[pair.first], flooded[pair.second])
        flooded[pair.first] = least
        flooded[pair.second] = least
        isChanged = true
      }
    }
    let names = Dictionary(zip(flooded, numbers)) { first, _ in first }
    #expect(Set(names.values).count == names.count, "two clusters share a number")
    return flooded.map { names[$0]! }
  }

  @Test func theWorstPairsComeFirst() {
    var random = NearHashesTests.Random(state: 3)
    let hash = random.hash()
    let near = PDQHash(words: hash.words ^ SIMD4(0b111, 0, 0, 0))
    let fingerprints = [fingerprint(0, hash), fingerprint(1, near), fingerprint(0, hash), fingerprint(2, hash)]
    let pairs = Duplicates(fingerprints, splits: [.train, .test, .validation, .train]).pairs
    #expect(
      pairs == [
        .init(first: 0, second: 1, kind: .near, distance: 3), .init(first: 1, second: 2, kind: .near, distance: 3),
        .init(first: 1, second: 3, kind: .near, distance: 3), .init(first: 0, second: 2, kind: .exact, distance: 0),
        .init(first: 2, second: 3, kind: .near, distance: 0), .init(first: 0, second: 3, kind: .near, distance: 0),
      ])
  }

  /// 1.25 · 10⁹ pairs are counted, not made.
  @Test func fiftyThousandCopiesOfOnePictureAreCountedNotListed() {
    var random = NearHashesTests.Random(state: 4)
    let hash = random.hash()
    let count = 50_000
    let splits: [Split?] = (0..<count).map { $0 < 49_000 ? .train : .test }
    let all = Duplicates([Fingerprint?](repeating: fingerprint(1, hash), count: count), splits: splits, pairLimit: 500)
    #expect(
      all.counts == [
        .init(splits: [.train, .train], exact: 49_000 * 48_999 / 2, near: 0),
        .init(splits: [.train, .test], exact: 49_000 * 1000, near: 0),
        .init(splits: [.test, .test], exact: 1000 * 999 / 2, near: 0),
      ])
    #expect(all.pairs.count == 1000 && all.pairs.count { splits[$0.first] != splits[$0.second] } == 500)
    #expect(all.leaks.count { $0 == .test } == 49_000 && all.touchedTestMemes == 1000)
  }
}
