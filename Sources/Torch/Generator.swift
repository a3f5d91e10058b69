import CTorch

/// A seeded source of random numbers: the same seed gives the same numbers on the same device.
///
/// On the CPU it is the Mersenne Twister that Python's `torch.Generator` is.
public final class Generator {
  let pointer: OpaquePointer
  public let device: Device

  public init(seed: UInt64, device: Device = .cpu) {
    _ = Runtime.isPrepared
    var result: OpaquePointer?
    check(ct_generator_make(seed, device.index, &result), "making a generator on \(device)")
    pointer = result!
    self.device = device
  }

  private init(copying other: Generator) {
    var result: OpaquePointer?
    check(ct_generator_copy(other.pointer, &result), "copying a generator on \(other.device)")
    pointer = result!
    device = other.device
  }

  /// A generator that gives the numbers that this one would give from here on.
  public func copied() -> Generator { Generator(copying: self) }

  deinit { ct_generator_release(pointer) }

  /// A generator for one part of a seeded run, such as the epoch of a stage.
  ///
  /// Every part has its own stream, so that what an earlier part drew changes nothing here: a resumed run needs no
  /// saved random state. Parts are mixed into the seed by SplitMix64's finaliser over an FNV-1a hash.
  public convenience init(seed: UInt64, parts: String..., device: Device = .cpu) {
    var state = seed
    for part in parts {
      var hash: UInt64 = 0xcbf2_9ce4_8422_2325
      for byte in part.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
      state = Generator.mixed(state ^ hash)
    }
    self.init(seed: state, device: device)
  }

  private static func mixed(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9e37_79b9_7f4a_7c15
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
