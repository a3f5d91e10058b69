import Metrics

/// The chance behind drawn corpora and augmented pictures, by `SplitMix64`.
///
/// Its own methods are used instead of the standard library's, whose way from bits to numbers may change.
public struct SeededRandom: Sendable {
  private var source: SplitMix64

  public init(seed: UInt64) {
    source = SplitMix64(seed: seed)
  }

  /// A stream for one part of a seeded whole, such as a view of a meme in an epoch of a stage: what other parts draw, and
  /// in which order, changes nothing here.
  public init(seed: UInt64, _ name: String, parts: Int...) {
    var state = seed
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325  // FNV-1a
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    for part in [hash] + parts.map({ UInt64(bitPattern: Int64($0)) }) {
      var mixed = SplitMix64(seed: state ^ part)
      state = mixed.next()
    }
    self.init(seed: state)
  }

  mutating func bits() -> UInt64 { source.next() }

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
