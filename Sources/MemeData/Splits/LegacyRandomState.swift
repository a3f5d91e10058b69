/// NumPy's legacy generator, `numpy.random.RandomState(seed)`: the same numbers in the same order.
///
/// Published label draws come from it (pandas `sample(random_state=42)`, scikit-learn's shuffles). The
/// generator is MT19937 (Matsumoto and Nishimura, 1998) with the 2002 initialisation.
public struct LegacyRandomState: Sendable {
  private static let size = 624
  private static let middle = 397

  private var state: [UInt32]
  private var position = size

  /// - Parameter seed: What NumPy takes: 0 to 2³² − 1.
  public init(seed: UInt32) {
    state = [UInt32](repeating: seed, count: Self.size)
    for index in 1..<Self.size {
      let previous = state[index - 1]
      state[index] = 1_812_433_253 &* (previous ^ (previous >> 30)) &+ UInt32(index)
    }
  }

  /// The next 32 bits.
  public mutating func next() -> UInt32 {
    if position == Self.size { twist() }
    var word = state[position]
    position += 1
    word ^= word >> 11
    word ^= (word << 7) & 0x9D2C_5680
    word ^= (word << 15) & 0xEFC6_0000
    return word ^ (word >> 18)
  }

  /// A number in [0, 1) of 53 random bits, as `random_sample` draws it.
  public mutating func uniform() -> Double {
    let high = Double(next() >> 5)
    let low = Double(next() >> 6)
    return (high * 67_108_864 + low) / 9_007_199_254_740_992
  }

  /// The numbers below `count` in random order, as `permutation(count)` draws them: Fisher–Yates from the end.
  public mutating func permutation(_ count: Int) -> [Int] {
    precondition(count >= 0, "a permutation of \(count) numbers: the count must not be negative")
    var order = Array(0..<count)
    for last in stride(from: count - 1, through: 1, by: -1) {
      order.swapAt(last, integer(through: last))
    }
    return order
  }

  /// A whole number in 0…maximum by masked rejection, 64 bits at a time only where 32 do not suffice.
  private mutating func integer(through maximum: Int) -> Int {
    let mask = UInt64.max >> UInt64(maximum).leadingZeroBitCount
    while true {
      var bits = UInt64(next())
      if maximum > Int(UInt32.max) { bits = bits << 32 | UInt64(next()) }
      if bits & mask <= UInt64(maximum) { return Int(bits & mask) }
    }
  }

  private mutating func twist() {
    for index in 0..<Self.size {
      let word = (state[index] & 0x8000_0000) | (state[(index + 1) % Self.size] & 0x7FFF_FFFF)
      let odd: UInt32 = word & 1 == 1 ? 0x9908_B0DF : 0
      state[index] = state[(index + Self.middle) % Self.size] ^ (word >> 1) ^ odd
    }
    position = 0
  }
}
