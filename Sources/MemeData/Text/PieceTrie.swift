/// Word pieces as two tries over UTF-8, so that the longest piece is found in one pass over the bytes of a word.
///
/// All edges lie in one open-addressed table of 64-bit entries: the node left and the byte (36 bits), then the node
/// entered (28 bits). No edge enters a root, so that 0 is an empty entry.
struct PieceTrie: Sendable {
  /// The node that pieces at the start of a word hang from.
  static let wordStart: UInt64 = 0
  /// The node that pieces inside a word hang from.
  static let continuation: UInt64 = 1
  /// The token of nodes that no piece ends at.
  static let noToken: Int32 = -1

  private var entries = [UInt64](repeating: 0, count: 1 << 10)
  /// The token that ends at each node.
  private var tokens = [noToken, noToken]

  /// The node that a byte leads to, 0 when there is none.
  @inline(__always)
  func step(from node: UInt64, over byte: UInt8) -> UInt64 {
    let key = node << 8 | UInt64(byte)
    var slot = slot(of: key)
    while entries[slot] != 0 {
      if entries[slot] >> 28 == key { return entries[slot] & 0xFFF_FFFF }
      slot = (slot + 1) & (entries.count - 1)
    }
    return 0
  }

  /// The token that ends at a node, `noToken` when none does.
  @inline(__always)
  func token(at node: UInt64) -> Int32 {
    tokens[Int(node)]
  }

  /// Adds a piece; returns false, and changes nothing, when it is there already.
  mutating func insert(_ piece: some Sequence<UInt8>, below root: UInt64, token: Int32) -> Bool {
    var node = root
    for byte in piece {
      var next = step(from: node, over: byte)
      if next == 0 {
        next = UInt64(tokens.count)
        tokens.append(Self.noToken)
        if tokens.count * 2 > entries.count { grow() }
        place((node << 8 | UInt64(byte)) << 28 | next)
      }
      node = next
    }
    guard tokens[Int(node)] == Self.noToken else { return false }
    tokens[Int(node)] = token
    return true
  }

  @inline(__always)
  private func slot(of key: UInt64) -> Int {
    Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) & (entries.count - 1)
  }

  private mutating func place(_ entry: UInt64) {
    var slot = slot(of: entry >> 28)
    while entries[slot] != 0 { slot = (slot + 1) & (entries.count - 1) }
    entries[slot] = entry
  }

  private mutating func grow() {
    let old = entries
    entries = [UInt64](repeating: 0, count: old.count * 2)
    for entry in old where entry != 0 { place(entry) }
  }
}
