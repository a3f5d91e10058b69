import Checkpoints
import Crypto
import Foundation
import Synchronization
import Torch

/// Features on disk, one row for each content that was ever encoded.
///
/// A folder belongs to one encoder with its preprocessing. It holds shards, safetensors files of `features` [n, D]
/// float32 and `keys` [n, 32] (SHA-256 of the content). Each appears whole or not at all under a name of its own, so a
/// killed process loses what it had not yet written and two processes at once only do some work twice. Memory holds the
/// keys; rows stay on disk until they are asked for.
public final class FeatureCache: Sendable {
  /// The SHA-256 of a content.
  public struct Key: Hashable, Sendable {
    private let words: (UInt64, UInt64, UInt64, UInt64)

    public init(of content: some DataProtocol) {
      self = SHA256.hash(data: content).withUnsafeBytes(Key.init(bytes:))
    }

    fileprivate init(bytes: UnsafeRawBufferPointer) {
      func word(_ index: Int) -> UInt64 { bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self) }
      words = (word(0), word(1), word(2), word(3))
    }

    fileprivate func append(to bytes: inout [UInt8]) {
      withUnsafeBytes(of: words) { bytes.append(contentsOf: $0) }
    }

    public static func == (a: Key, b: Key) -> Bool { a.words == b.words }

    /// One word of a cryptographic hash is as good as all of them.
    public func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
  }

  private struct Place {
    var shard: Int32
    var row: Int32
  }

  private struct State {
    var places: [Key: Place] = [:]
    var shards: [URL] = []
    /// Rows that are not on disk yet, as they will lie in the next shard.
    var pendingKeys: [Key] = []
    var pendingRows: [Float] = []
    var lastWrite = ContinuousClock.now
  }

  public let width: Int
  private let folder: URL
  private let state: Mutex<State>
  /// A shard is written when it has this many rows, or after ``interval``.
  private static let rowLimit = 2048
  private static let interval = Duration.seconds(10)

  /// Opens or makes the cache in `folder`.
  ///
  /// - Parameter warn: told of shards that cannot be read; they are set aside and their rows are computed anew.
  public init(folder: URL, width: Int, warn: (String) -> Void) throws {
    let indexed = try Self.indexed(folder, width: width, warn: warn)
    self.folder = folder
    self.width = width
    state = Mutex(indexed)
  }

  private static func indexed(_ folder: URL, width: Int, warn: (String) -> Void) throws -> State {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    var state = State()
    let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    for file in files.filter({ $0.pathExtension == "safetensors" }).sorted(by: { $0.path < $1.path }) {
      guard let damage = damage(of: file, width: width, indexingInto: &state) else { continue }
      let aside = file.appendingPathExtension("damaged")
      if FileManager.default.fileExists(atPath: aside.path) { try FileManager.default.removeItem(at: aside) }
      try FileManager.default.moveItem(at: file, to: aside)
      warn("\(damage); set aside as \(aside.lastPathComponent), its features are computed anew")
    }
    return state
  }

  /// Takes a shard's keys into the index, or says what is wrong with it.
  private static func damage(of file: URL, width: Int, indexingInto state: inout State) -> CheckpointError? {
    do {
      try index(file, width: width, in: &state)
      return nil
    } catch {
      return error
    }
  }

  private static func index(_ file: URL, width: Int, in state: inout State) throws(CheckpointError) {
    let tensors = try SafetensorsFile(file).tensors
    guard let keys = tensors["keys"], let features = tensors["features"], keys.type == .uint8, keys.shape.count == 2,
      keys.shape[1] == 32, features.type == .float32, features.shape == [keys.shape[0], width]
    else {
      throw CheckpointError(.malformed, file, "no shard of 'keys' [n, 32] and 'features' [n, \(width)]")
    }
    let shard = Int32(state.shards.count)
    state.shards.append(file)
    withExtendedLifetime(keys.storage) {
      for row in 0..<keys.shape[0] {
        let key = Key(bytes: UnsafeRawBufferPointer(rebasing: keys.bytes[row * 32..<row * 32 + 32]))
        state.places[key] = Place(shard: shard, row: Int32(row))
      }
    }
  }

  /// How many contents have features, those not yet written included.
  public var count: Int { state.withLock { $0.places.count } }

  public func contains(_ key: Key) -> Bool { state.withLock { $0.places[key] != nil } }

  /// Takes up features [n, D] of n contents; they reach the disk with the next shard.
  public func add(_ keys: [Key], _ features: Tensor) throws {
    precondition(features.shape == [keys.count, width], "\(keys.count) keys for features \(features.shape)")
    let rows = features.floats
    try state.withLock { state in
      for key in keys {
        state.places[key] = Place(shard: -1, row: Int32(state.pendingKeys.count))
        state.pendingKeys.append(key)
      }
      state.pendingRows.append(contentsOf: rows)
      if state.pendingKeys.count >= Self.rowLimit || ContinuousClock.now - state.lastWrite >= Self.interval {
        try write(&state)
      }
    }
  }

  /// Writes what is not on disk yet.
  public func flush() throws {
    try state.withLock { try write(&$0) }
  }

  private func write(_ state: inout State) throws {
    state.lastWrite = .now
    guard !state.pendingKeys.isEmpty else { return }
    let count = state.pendingKeys.count
    var keys: [UInt8] = []
    keys.reserveCapacity(count * 32)
    for key in state.pendingKeys { key.append(to: &keys) }
    let file = folder.appending(path: "\(UUID().uuidString).safetensors")
    try Checkpoint(tensors: [
      "features": Tensor(state.pendingRows, shape: [count, width]), "keys": Tensor(keys, shape: [count, 32]),
    ]).write(to: file)
    let shard = Int32(state.shards.count)
    state.shards.append(file)
    for (row, key) in state.pendingKeys.enumerated() { state.places[key] = Place(shard: shard, row: Int32(row)) }
    state.pendingKeys.removeAll(keepingCapacity: true)
    state.pendingRows.removeAll(keepingCapacity: true)
  }

  /// The features of contents, a row each; rows of `nil` and of contents without features are zero and absent.
  public func gather(_ keys: [Key?]) throws -> FeatureBlock {
    let (places, shards) = try state.withLock { state in
      try write(&state)
      return (keys.map { $0.flatMap { state.places[$0] } }, state.shards)
    }
    var values = [Float](repeating: 0, count: keys.count * width)
    let rowsByShard = Dictionary(grouping: places.indices.filter { places[$0] != nil }) { places[$0]!.shard }
    for (shard, rows) in rowsByShard {
      guard let features = try SafetensorsFile(shards[Int(shard)]).tensors["features"] else {
        throw CheckpointError(.malformed, shards[Int(shard)], "the shard lost its 'features' while it was in use")
      }
      let rowBytes = width * MemoryLayout<Float>.size
      withExtendedLifetime(features.storage) {
        values.withUnsafeMutableBytes { target in
          for row in rows {
            let source = Int(places[row]!.row) * rowBytes
            UnsafeMutableRawBufferPointer(rebasing: target[row * rowBytes..<(row + 1) * rowBytes])
              .copyMemory(from: UnsafeRawBufferPointer(rebasing: features.bytes[source..<source + rowBytes]))
          }
        }
      }
    }
    return FeatureBlock(values: Tensor(values, shape: [keys.count, width]), isPresent: places.map { $0 != nil })
  }
}
