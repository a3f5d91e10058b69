/// The chance behind drawn corpora and augmented pictures: SplitMix64 (Steele, Lea and Flood, 2014).
///
/// Its own methods are used instead of the standard library's, whose way from bits to numbers may change.
public struct SeededRandom: Sendable {
  private var state: UInt64

  public init(seed: UInt64) {
    state = seed
  }

  /// A stream for one part of a seeded whole, such as a view of a meme in an epoch of a stage: what other parts draw, and
  /// in which order, changes nothing here.
  public init(seed: UInt64, _ name: String, parts: Int...) {
    self.init(seed: seed)
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325  // FNV-1a
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    for part in [hash] + parts.map({ UInt64(bitPattern: Int64($0)) }) {
      state ^= part
      state = bits()
    }
  }

  mutating func bits() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Uniform in 0 ..< 1.
  package mutating func unit() -> Double {
    Double(bits() >> 11) * 0x1p-53
  }

  /// Uniform in `range`.
  mutating func number(in range: ClosedRange<Double>) -> Double {
    range.lowerBound + (range.upperBound - range.lowerBound) * unit()
  }

  /// Uniform in `range`.
  package mutating func integer(in range: ClosedRange<Int>) -> Int {
    range.lowerBound + Int(unit() * Double(range.upperBound - range.lowerBound + 1))
  }

  /// True with the given probability.
  mutating func chance(_ probability: Double) -> Bool {
    unit() < probability
  }

  /// One of `choices`, which must not be empty.
  mutating func pick<Element>(_ choices: [Element]) -> Element {
    choices[integer(in: 0...(choices.count - 1))]
  }

  /// Puts `elements` in a random order (Fisher and Yates).
  package mutating func shuffle<Element>(_ elements: inout [Element]) {
    for last in stride(from: elements.count - 1, to: 0, by: -1) {
      elements.swapAt(last, integer(in: 0...last))
    }
  }
}
