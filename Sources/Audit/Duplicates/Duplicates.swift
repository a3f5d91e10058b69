import MemeData

/// Which memes of a dataset show the same picture, and which of them leak from one split into another.
///
/// Two memes are *exact* duplicates where their files are equal to the byte (or, of memes without picture, their
/// normalised texts), and *near* ones where their hashes differ in ``PDQHash/nearDistance`` bits or fewer. Counts and
/// leaks are complete; the list of pairs ends at a limit, since a picture that occurs 50,000 times makes 10⁹ pairs.
public struct Duplicates: Sendable {
  public enum Kind: String, Sendable, Encodable, CaseIterable {
    case exact, near
  }

  /// Two memes, by position; `first < second`.
  public struct Pair: Sendable, Equatable {
    public var first: Int
    public var second: Int
    public var kind: Kind
    /// Bits of the hashes that differ; 0 for exact duplicates.
    public var distance: Int
  }

  /// How many pairs lie in the same two splits, each counted whether listed or not.
  public struct Count: Sendable, Equatable {
    /// In the order of ``Split``, memes without a split last; both the same for pairs within a split.
    public var splits: [Split?]
    public var exact: Int
    public var near: Int
    public var isAcross: Bool { splits[0] != splits[1] }
  }

  /// Pairs across splits that touch the test split first, then others across splits, then those within one; closest first.
  public private(set) var pairs: [Pair] = []
  /// For every two splits that have duplicates.
  public private(set) var counts: [Count] = []
  /// For each meme, the split that it leaks into: test before validation, `nil` where it does not leak.
  ///
  /// Memes leak from training into validation or test, and from validation into test.
  public private(set) var leaks: [Split?] = []
  /// Positions of the test memes with a duplicate in training or validation.
  public private(set) var leakedTestMemes: [Int] = []
  public var touchedTestMemes: Int { leakedTestMemes.count }
  /// For each meme a number that it shares with all it is linked to by a chain of duplicates.
  public private(set) var clusters: [Int] = []

  /// - Parameters:
  ///   - fingerprints: one for each meme.
  ///   - splits: one for each meme.
  ///   - pairLimit: how many pairs across splits are listed at most, and how many within.
  public init(_ fingerprints: [Fingerprint?], splits: [Split?], pairLimit: Int = 100_000) {
    precondition(fingerprints.count == splits.count, "one fingerprint and one split for each meme")
    let groups = Groups(fingerprints, splits: splits)
    var search = Search(groups: groups, fingerprints: fingerprints, limit: pairLimit)
    for group in 0..<groups.count { search.addPairs(within: group) }
    NearHashes.forEachPair(in: groups.hashes) { found in
      for pair in found { search.addPairs(pair) }
    }
    pairs = search.sortedPairs
    counts = search.counts.sorted { $0.key < $1.key }.map { key, count in
      Count(splits: [key / 4, key % 4].map { Place(rawValue: $0)!.split }, exact: count.exact, near: count.near)
    }
    leaks = groups.places.indices.map { search.leak(of: $0) }
    leakedTestMemes = groups.places.indices.filter { groups.places[$0] == .test && search.isTouchedByTraining($0) }
    clusters = search.clusters()
  }
}

/// Where a meme stands, as an index.
private enum Place: Int {
  case train, validation, test, none

  init(_ split: Split?) {
    switch split {
    case .train: self = .train
    case .validation: self = .validation
    case .test: self = .test
    case nil: self = .none
    }
  }

  var split: Split? {
    switch self {
    case .train: .train
    case .validation: .validation
    case .test: .test
    case .none: nil
    }
  }
}

/// Memes with equal hashes, or without hash and with equal content, put together.
private struct Groups {
  /// The hashes of the first groups; the others have none.
  let hashes: [PDQHash]
  private(set) var count: Int
  /// The group of each meme, `nil` without a fingerprint.
  private(set) var groupOf: [Int32?]
  let places: [Place]
  private let members: [Int32]
  private let starts: [Int]

  init(_ fingerprints: [Fingerprint?], splits: [Split?]) {
    places = splits.map(Place.init)
    let hashed = fingerprints.indices.filter { fingerprints[$0]?.hash != nil }
    let byHash = HashGroups(hashed.map { fingerprints[$0]!.hash! })
    hashes = byHash.hashes
    var groupOf = [Int32?](repeating: nil, count: fingerprints.count)
    for (index, group) in zip(hashed, byHash.groups) { groupOf[index] = group }
    var count = byHash.hashes.count
    var byContent: [ContentDigest: Int32] = [:]
    for (index, fingerprint) in fingerprints.enumerated() {
      guard let fingerprint, fingerprint.hash == nil else { continue }
      if byContent[fingerprint.content] == nil {
        byContent[fingerprint.content] = Int32(count)
        count += 1
      }
      groupOf[index] = byContent[fingerprint.content]
    }
    var starts = [Int](repeating: 0, count: count + 1)
    for case let group? in groupOf { starts[Int(group) + 1] += 1 }
    for group in 0..<count { starts[group + 1] += starts[group] }
    var next = starts
    var members = [Int32](repeating: 0, count: starts[count])
    for (index, group) in groupOf.enumerated() {
      guard let group = group.map(Int.init) else { continue }
      members[next[group]] = Int32(index)
      next[group] += 1
    }
    self.count = count
    self.groupOf = groupOf
    self.members = members
    self.starts = starts
  }

  /// The memes of a group, in order.
  func members(of group: Int) -> ArraySlice<Int32> { members[starts[group]..<starts[group + 1]] }

  /// The memes of a group by place. [4]
  func membersByPlace(of group: Int) -> [[Int]] {
    var result = [[Int]](repeating: [], count: 4)
    for meme in members(of: group) { result[places[Int(meme)].rawValue].append(Int(meme)) }
    return result
  }
}

/// Gathers what ``Duplicates`` says while pairs of groups come in.
private struct Search {
  private let groups: Groups
  private let fingerprints: [Fingerprint?]
  private let limit: Int
  private var across: [Duplicates.Pair] = []
  private var within: [Duplicates.Pair] = []
  /// By 4 · the lower place + the higher.
  private(set) var counts: [Int: (exact: Int, near: Int)] = [:]
  /// For each group, a bit for each place that has one of its memes or of those near it.
  private var reached: [UInt8]
  private let own: [UInt8]
  /// A forest over the groups: each leads to another of its cluster, the root to itself.
  private var parents: [Int32]

  init(groups: Groups, fingerprints: [Fingerprint?], limit: Int) {
    self.groups = groups
    self.fingerprints = fingerprints
    self.limit = limit
    own = (0..<groups.count).map { group in
      groups.members(of: group).reduce(0) { $0 | 1 << UInt8(groups.places[Int($1)].rawValue) }
    }
    reached = own
    parents = (0..<groups.count).map(Int32.init)
  }

  // MARK: Pairs

  mutating func addPairs(within group: Int) {
    let members = groups.members(of: group)
    guard members.count > 1 else { return }
    let byPlace = groups.membersByPlace(of: group)
    // Equal hashes need not mean equal files.
    var contents: [ContentDigest: [Int]] = [:]
    for meme in members {
      contents[fingerprints[Int(meme)]!.content, default: [0, 0, 0, 0]][groups.places[Int(meme)].rawValue] += 1
    }
    for first in 0..<4 {
      for second in first..<4 {
        func pairs(_ sizes: [Int]) -> Int {
          first == second ? sizes[first] * (sizes[first] - 1) / 2 : sizes[first] * sizes[second]
        }
        let all = pairs(byPlace.map(\.count))
        guard all > 0 else { continue }
        let exact = contents.values.reduce(0) { $0 + pairs($1) }
        count(first, second, exact: exact, near: all - exact)
        list(byPlace[first], byPlace[second], isAcross: first != second, isSameGroup: first == second, distance: 0)
      }
    }
  }

  mutating func addPairs(_ pair: NearHashes.Pair) {
    let (a, b) = (groups.membersByPlace(of: pair.first), groups.membersByPlace(of: pair.second))
    for first in 0..<4 {
      for second in 0..<4 where !a[first].isEmpty && !b[second].isEmpty {
        count(min(first, second), max(first, second), exact: 0, near: a[first].count * b[second].count)
        list(a[first], b[second], isAcross: first != second, isSameGroup: false, distance: pair.distance)
      }
    }
    reached[pair.first] |= own[pair.second]
    reached[pair.second] |= own[pair.first]
    let (root, other) = (root(of: Int32(pair.first)), root(of: Int32(pair.second)))
    parents[Int(max(root, other))] = min(root, other)
  }

  private mutating func count(_ first: Int, _ second: Int, exact: Int, near: Int) {
    counts[4 * first + second, default: (0, 0)].exact += exact
    counts[4 * first + second]!.near += near
  }

  /// Lists every pair of a meme of `a` with one of `b` as long as there is room; of equal lists each pair once.
  private mutating func list(_ a: [Int], _ b: [Int], isAcross: Bool, isSameGroup: Bool, distance: Int) {
    for (index, first) in a.enumerated() {
      for second in isSameGroup ? b[(index + 1)...] : b[...] {
        guard (isAcross ? across : within).count < limit else { return }
        let isExact = fingerprints[first]!.content == fingerprints[second]!.content
        let pair = Duplicates.Pair(
          first: min(first, second), second: max(first, second), kind: isExact ? .exact : .near, distance: distance)
        if isAcross { across.append(pair) } else { within.append(pair) }
      }
    }
  }

  var sortedPairs: [Duplicates.Pair] {
    func rank(_ pair: Duplicates.Pair) -> (Int, Int, Int, Int, Int) {
      let places = [groups.places[pair.first], groups.places[pair.second]]
      let tier = places[0] == places[1] ? 2 : places.contains(.test) ? 0 : 1
      return (tier, pair.distance, pair.kind == .exact ? 0 : 1, pair.first, pair.second)
    }
    return (across + within).sorted { rank($0) < rank($1) }
  }

  // MARK: Memes

  func leak(of meme: Int) -> Split? {
    guard let group = groups.groupOf[meme] else { return nil }
    let others = reached[Int(group)]
    func reaches(_ place: Place) -> Bool { others & 1 << UInt8(place.rawValue) != 0 }
    switch groups.places[meme] {
    case .train: return reaches(.test) ? .test : reaches(.validation) ? .validation : nil
    case .validation: return reaches(.test) ? .test : nil
    case .test, .none: return nil
    }
  }

  func isTouchedByTraining(_ meme: Int) -> Bool {
    groups.groupOf[meme].map { reached[Int($0)] & 0b11 != 0 } ?? false
  }

  /// The root of each meme's cluster; memes without a fingerprint have numbers of their own.
  mutating func clusters() -> [Int] {
    var next = groups.count
    return groups.groupOf.map { group in
      if let group { return Int(root(of: group)) }
      defer { next += 1 }
      return next
    }
  }

  private mutating func root(of group: Int32) -> Int32 {
    var group = group
    while parents[Int(group)] != group {
      parents[Int(group)] = parents[Int(parents[Int(group)])]
      group = parents[Int(group)]
    }
    return group
  }
}
