import Checkpoints
import Foundation
import Testing

/// Damaged files: an error or a load whose every element can be read, never a crash.
@Suite struct DamageTests {
  private static let fixtures = [
    "small.safetensors", "all-types.safetensors", "small-zip.pt", "small-legacy.pt", "state-legacy-4.pt", "nested.pt",
  ]

  @Test(arguments: fixtures)
  func everyTruncationIsAnError(fixture: String) throws {
    let damaged = try Damaged(fixture)
    for count in (0..<damaged.bytes.count).reversed() {
      try damaged.truncate(to: count)
      #expect(throws: CheckpointError.self, "cut to \(count) bytes") { try damaged.load() }
    }
  }

  @Test(arguments: fixtures)
  func everyExtensionIsAnError(fixture: String) throws {
    for count in [1, 8, 100] {
      let damaged = try Damaged(fixture, appending: [UInt8](repeating: 0, count: count))
      #expect(throws: CheckpointError.self, "\(count) bytes more") { try damaged.load() }
    }
  }

  @Test(arguments: ["small.safetensors", "small-zip.pt", "small-legacy.pt"])
  func tenThousandFlipsAreSurvived(fixture: String) throws {
    let damaged = try Damaged(fixture)
    let whole = try damaged.load()
    var generator = SplitMix64(state: 20)
    var (loads, errors) = (0, 0)
    for _ in 0..<10_000 {
      let position = Int.random(in: damaged.bytes.indices, using: &generator)
      let flipped = damaged.bytes[position] ^ UInt8.random(in: 1...255, using: &generator)
      try damaged.set(position, to: flipped)
      do {
        // A flip within data or names is a valid file; loading it also reads every element.
        _ = try damaged.load()
        loads += 1
      } catch is CheckpointError {
        errors += 1
      }
      try damaged.set(position, to: damaged.bytes[position])
    }
    #expect(errors > 500 && loads > 100, "\(errors) errors, \(loads) loads: the flips reach headers and data")
    #expect(try damaged.load() == whole, "the file is as before")
  }
}

/// A copy of a fixture that is damaged in place.
private final class Damaged {
  let bytes: [UInt8]
  private let folder: TemporaryFolder
  private let url: URL
  private let descriptor: Int32

  init(_ fixture: String, appending extra: [UInt8] = []) throws {
    bytes = try Fixture.bytes(fixture) + extra
    folder = try TemporaryFolder()
    url = try folder.file(fixture, bytes)
    descriptor = open(url.path, O_RDWR)
    try #require(descriptor >= 0)
  }

  deinit { close(descriptor) }

  func truncate(to count: Int) throws { try #require(ftruncate(descriptor, off_t(count)) == 0) }

  func set(_ position: Int, to byte: UInt8) throws {
    try #require(withUnsafeBytes(of: byte) { pwrite(descriptor, $0.baseAddress, 1, off_t(position)) } == 1)
  }

  /// Loads the file and reads every element.
  func load() throws -> [String: [UInt8]] {
    let tensors =
      url.pathExtension == "safetensors" ? try SafetensorsFile(url).tensors : try StateDictFile(url).tensors
    return tensors.mapValues(\.rowMajorBytes)
  }
}

/// A small generator with a seed, so that a failing flip can be found again (Steele et al. 2014).
private struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
