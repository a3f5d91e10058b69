import Checkpoints
import Crypto
import Foundation
import Synchronization
import Torch

/// Features on disk, one row or one sequence of rows for each content that was ever encoded.
///
/// A folder belongs to one encoder with its preprocessing. It holds shards, safetensors files of `features` [n, D]
/// float32 and `keys` [n, 32] (SHA-256 of the content). Each appears whole or not at all under a name of its own, so a
/// killed process loses what it had not yet written and two processes at once only do some work twice. Memory holds the
/// keys; rows stay on disk until they are asked for.
///
/// A cache of sequences has `features` [T, D] float16, those of one content after the other, and `lengths` [n] int32.
/// Half the bytes matter there, and what float16 rounds away is an eighth of what a network in bfloat16 does.
public final class FeatureCache: Sendable {
  /// The SHA-256 of a content.
  public struct Key: Hashable, Sendable {
    private let words: (UInt64, UInt64, UInt64, UInt64)

    public init(of content: some DataProtocol) {
      self = SHA256.hash(data: content).withUnsafeBytes(Key.init(bytes:))
    }

    init(bytes: UnsafeRawBufferPointer) {
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

  /// What a content has features of.
  public enum Layout: Sendable {
    /// One row for the whole of it.
    case vectors
    /// A row for each of its parts, such as the tokens of a text.
    case sequences
    /// The bytes of a picture itself, in one row.
    case pictures

    fileprivate var dtype: DType {
      switch self {
      case .vectors: .float32
      case .sequences: .float16
      case .pictures: .uint8
      }
    }

    fileprivate var storedType: ElementType { dtype.elementType }
  }

  /// Rows of a shard.
  private struct Place {
    var shard: Int
    var start: Int
    var count: Int
  }

  private struct State {
    var places: [Key: Place] = [:]
    var shards: [URL] = []
    /// Rows that are not on disk yet, as they will lie in the next shard.
    var pendingKeys: [Key] = []
    var pendingLengths: [Int32] = []
    var pendingBytes: [UInt8] = []
    var lastWrite = ContinuousClock.now
  }

  public let width: Int
  private let layout: Layout
  private let folder: URL
  private let state: Mutex<State>
  /// A shard is written when it has this many contents or bytes, or after ``interval``.
  private static let contentLimit = 2048
  private static let byteLimit = 64 << 20
  private static let interval = Duration.seconds(10)

  /// Opens or makes the cache in `folder`.
  ///
  /// - Parameter warn: told of shards that cannot be read; they are set aside and their rows are computed anew.
  public init(folder: URL, width: Int, layout: Layout = .vectors, warn: (String) -> Void) throws {
    let indexed = try Self.indexed(folder, width: width, layout: layout, warn: warn)
    self.folder = folder
    self.width = width
    self.layout = layout
    state = Mutex(indexed)
  }

  private static func indexed(_ folder: URL, width: Int, layout: Layout, warn: (String) -> Void) throws -> State {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    var state = State()
    let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    // Names are never used twice, so that nothing writes over what a killed process left.
    for file in files where file.pathExtension == "partial" { removeIfAbandoned(file) }
    for file in files.filter({ $0.pathExtension == "safetensors" }).sorted(by: { $0.path < $1.path }) {
      do throws(CheckpointError) {
        try index(file, width: width, layout: layout, in: &state)
      } catch {
        switch error.reason {
        case .missing: break  // Another process has set it aside since.
        case .unreadable, .unwritable: throw error  // The shard may be sound.
        case .malformed, .unsupported, .refused:
          let aside = file.appendingPathExtension("damaged")
          guard rename(file.path, aside.path) == 0 else {
            guard errno == ENOENT else { throw error }
            continue  // as above
          }
          warn("\(error); set aside as \(aside.lastPathComponent), its features are computed anew")
        }
      }
    }
    return state
  }

  private static func index(
    _ file: URL, width: Int, layout: Layout, in state: inout State
  ) throws(CheckpointError) {
    let tensors = try SafetensorsFile(file).tensors
    guard let keys = tensors["keys"], let features = tensors["features"], keys.type == .uint8, keys.shape.count == 2,
      keys.shape[1] == 32, features.type == layout.storedType,
      let lengths = lengths(of: keys.shape[0], layout: layout, in: tensors),
      features.shape == [lengths.reduce(0, +), width]
    else {
      let expected = layout == .sequences ? "'lengths' [n], 'features' [T, \(width)]" : "'features' [n, \(width)]"
      throw CheckpointError(.malformed, file, "no shard of 'keys' [n, 32] and \(expected)")
    }
    let shard = state.shards.count
    state.shards.append(file)
    var start = 0
    withExtendedLifetime(keys.storage) {
      for (row, length) in lengths.enumerated() {
        let key = Key(bytes: UnsafeRawBufferPointer(rebasing: keys.bytes[row * 32..<row * 32 + 32]))
        state.places[key] = Place(shard: shard, start: start, count: length)
        start += length
      }
    }
  }

  /// Rows of each of a shard's contents; `nil` where it does not say.
  private static func lengths(of count: Int, layout: Layout, in tensors: [String: StoredTensor]) -> [Int]? {
    guard layout == .sequences else { return [Int](repeating: 1, count: count) }
    guard let stored = tensors["lengths"], stored.type == .int32, stored.shape == [count] else { return nil }
    let lengths = stored.values(as: Int32.self).map(Int.init)
    return lengths.allSatisfy { $0 > 0 } ? lengths : nil
  }

  /// How many contents have features, those not yet written included.
  public var count: Int { state.withLock { $0.places.count } }

  public func contains(_ key: Key) -> Bool { state.withLock { $0.places[key] != nil } }

  /// Takes up features of contents; they reach the disk with the next shard.
  ///
  /// - Parameters:
  ///   - features: Rows [T, D], one content after the other.
  ///   - lengths: Rows of each content, none without; one of each where not given.
  public func add(_ keys: [Key], _ features: Tensor, lengths: [Int]? = nil) throws {
    let lengths = lengths ?? [Int](repeating: 1, count: keys.count)
    precondition(
      lengths.count == keys.count && features.shape == [lengths.reduce(0, +), width],
      "\(keys.count) keys for features \(features.shape)")
    let rows = features.to(layout.dtype)
    try state.withLock { state in
      var start = state.pendingLengths.reduce(0) { $0 + Int($1) }
      for (key, length) in zip(keys, lengths) {
        state.places[key] = Place(shard: -1, start: start, count: length)
        state.pendingKeys.append(key)
        state.pendingLengths.append(Int32(length))
        start += length
      }
      rows.withBytes { state.pendingBytes.append(contentsOf: $0) }
      let isFull = state.pendingKeys.count >= Self.contentLimit || state.pendingBytes.count >= Self.byteLimit
      if isFull || ContinuousClock.now - state.lastWrite >= Self.interval { try write(&state) }
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
    let rowCount = state.pendingLengths.reduce(0) { $0 + Int($1) }
    var tensors = [
      "features": state.pendingBytes.withUnsafeBytes {
        Tensor(copying: $0, dtype: layout.dtype, shape: [rowCount, width])
      }, "keys": Tensor(keys, shape: [count, 32]),
    ]
    if layout == .sequences { tensors["lengths"] = Tensor(state.pendingLengths) }
    try Checkpoint(tensors: tensors).write(to: file)
    let shard = state.shards.count
    state.shards.append(file)
    var start = 0
    for (key, length) in zip(state.pendingKeys, state.pendingLengths) {
      state.places[key] = Place(shard: shard, start: start, count: Int(length))
      start += Int(length)
    }
    state.pendingKeys.removeAll(keepingCapacity: true)
    state.pendingLengths.removeAll(keepingCapacity: true)
    state.pendingBytes.removeAll(keepingCapacity: true)
  }

  /// The features of contents, a row each; rows of `nil` and of contents without features are zero and absent.
  public func gather(_ keys: [Key?]) throws -> FeatureBlock {
    precondition(layout == .vectors, "only vectors are gathered into memory")
    let (places, shards) = try places(of: keys)
    var values = [Float](repeating: 0, count: keys.count * width)
    let rowsByShard = Dictionary(grouping: places.indices.filter { places[$0] != nil }) { places[$0]!.shard }
    for (shard, rows) in rowsByShard {
      let features = try features(in: shards[shard])
      let rowBytes = width * MemoryLayout<Float>.size
      withExtendedLifetime(features.storage) {
        values.withUnsafeMutableBytes { target in
          for row in rows {
            let source = places[row]!.start * rowBytes
            UnsafeMutableRawBufferPointer(rebasing: target[row * rowBytes..<(row + 1) * rowBytes])
              .copyMemory(from: UnsafeRawBufferPointer(rebasing: features.bytes[source..<source + rowBytes]))
          }
        }
      }
    }
    return FeatureBlock(values: Tensor(values, shape: [keys.count, width]), isPresent: places.map { $0 != nil })
  }

  /// The rows of contents, which stay in the mapped shards; `nil` and contents without features have none.
  public func sequences(_ keys: [Key?]) throws -> SequenceBlock {
    let (places, shards) = try places(of: keys)
    let used = Set(places.compactMap { $0?.shard }).sorted()
    let storages = try used.map { Tensor(viewing: try features(in: shards[$0])) }
    let storageOfShard = Dictionary(uniqueKeysWithValues: used.enumerated().map { ($1, $0) })
    let spans = places.map { place in
      place.map { SequenceBlock.Span(storage: storageOfShard[$0.shard]!, start: $0.start, count: $0.count) }
    }
    return SequenceBlock(storages: storages, spans: spans, width: width)
  }

  /// Where contents lie, all of them on disk.
  private func places(of keys: [Key?]) throws -> (places: [Place?], shards: [URL]) {
    try state.withLock { state in
      try write(&state)
      return (keys.map { $0.flatMap { state.places[$0] } }, state.shards)
    }
  }

  private func features(in shard: URL) throws -> StoredTensor {
    guard let features = try SafetensorsFile(shard).tensors["features"] else {
      throw CheckpointError(.malformed, shard, "the shard lost its 'features' while it was in use")
    }
    return features
  }
}
