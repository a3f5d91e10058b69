import Foundation
import Synchronization
import Testing
import Torch

@testable import Encoders

@Suite struct FeatureCacheTests {
  private func key(_ number: Int) -> FeatureCache.Key { FeatureCache.Key(of: Data("content \(number)".utf8)) }

  private func row(_ number: Int) -> [Float] { [Float(number), -Float(number), 0.5] }

  private func open(_ folder: TemporaryFolder, width: Int = 3) throws -> (cache: FeatureCache, warnings: [String]) {
    var warnings: [String] = []
    let cache = try FeatureCache(folder: folder.url, width: width) { warnings.append($0) }
    return (cache, warnings)
  }

  private func add(_ numbers: Range<Int>, to cache: FeatureCache) throws {
    try cache.add(numbers.map(key), Tensor(numbers.flatMap(row), shape: [numbers.count, 3]))
  }

  private func shards(in folder: TemporaryFolder) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(at: folder.url, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "safetensors" }
  }

  @Test func rowsComeBackInTheOrderAskedAlsoAfterReopening() throws {
    let folder = try TemporaryFolder()
    let first = try open(folder).cache
    try add(0..<4, to: first)
    try first.flush()
    try add(4..<7, to: first)
    try first.flush()
    for cache in [first, try open(folder).cache] {
      let block = try cache.gather([key(5), nil, key(0), key(99), key(5), key(3)])
      #expect(block.isPresent == [true, false, true, false, true, true])
      #expect(block.values.floats == row(5) + [0, 0, 0] + row(0) + [0, 0, 0] + row(5) + row(3))
    }
    #expect(try open(folder).cache.count == 7)
  }

  /// What a killed process had not written is lost, nothing else.
  @Test func unwrittenRowsAreLostAndWrittenOnesStay() throws {
    let folder = try TemporaryFolder()
    let killed = try open(folder).cache
    try add(0..<5, to: killed)
    try killed.flush()
    try add(5..<9, to: killed)
    let (cache, warnings) = try open(folder)
    #expect(warnings.isEmpty)
    #expect((0..<9).map { cache.contains(key($0)) } == (0..<9).map { $0 < 5 })
  }

  @Test func aFullShardIsWrittenWithoutBeingAsked() throws {
    let folder = try TemporaryFolder()
    let cache = try open(folder).cache
    try add(0..<2047, to: cache)
    #expect(try shards(in: folder).isEmpty)
    try add(2047..<2048, to: cache)
    #expect(try shards(in: folder).count == 1)
  }

  @Test func everyTruncatedShardIsSetAsideByName() throws {
    let folder = try TemporaryFolder()
    let first = try open(folder).cache
    try add(0..<3, to: first)
    try first.flush()
    let shard = try #require(try shards(in: folder).first)
    let bytes = try Data(contentsOf: shard)
    for count in 0..<bytes.count {
      try bytes.prefix(count).write(to: shard)
      let (cache, warnings) = try open(folder)
      #expect(cache.count == 0, "cut to \(count) bytes")
      #expect(warnings.count == 1 && warnings[0].contains(shard.lastPathComponent), "cut to \(count) bytes")
      #expect(try shards(in: folder).isEmpty)
    }
    let cache = try open(folder).cache
    try add(0..<3, to: cache)
    #expect(try cache.gather([key(1)]).values.floats == row(1))
  }

  /// Several that open one folder at once stand for several processes.
  @Test func damagedShardsAreSetAsideByWhoeverComesFirst() throws {
    let folder = try TemporaryFolder()
    for number in 0..<200 { try Data("junk".utf8).write(to: folder.url.appending(path: "\(number).safetensors")) }
    let failure = Mutex<(any Error)?>(nil)
    let url = folder.url
    DispatchQueue.concurrentPerform(iterations: 4) { _ in
      do { _ = try FeatureCache(folder: url, width: 3) { _ in } } catch { failure.withLock { $0 = error } }
    }
    #expect(failure.withLock { $0 == nil })
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
    #expect(left.count == 200 && left.allSatisfy { $0.hasSuffix(".safetensors.damaged") })
  }

  @Test func whatAKilledProcessWasWritingIsRemoved() throws {
    let folder = try TemporaryFolder()
    try Data("the first half".utf8).write(to: folder.url.appending(path: "1.safetensors.partial"))
    _ = try open(folder)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
  }

  @Test func aShardOfAnotherWidthIsSetAside() throws {
    let folder = try TemporaryFolder()
    let first = try open(folder).cache
    try add(0..<3, to: first)
    try first.flush()
    let (cache, warnings) = try open(folder, width: 4)
    #expect(cache.count == 0)
    #expect(warnings.count == 1)
  }

  /// Two caches of one folder stand for two processes.
  @Test func writersAtOnceLeaveEveryRow() throws {
    let folder = try TemporaryFolder()
    let caches = [try open(folder).cache, try open(folder).cache]
    let failure = Mutex<(any Error)?>(nil)
    DispatchQueue.concurrentPerform(iterations: 8) { worker in
      do {
        for step in 0..<5 {
          let start = (worker * 5 + step) * 10
          // Each row is written by both.
          for cache in caches { try add(start..<start + 10, to: cache) }
          try caches[worker % 2].flush()
        }
      } catch { failure.withLock { $0 = error } }
    }
    for cache in caches { try cache.flush() }
    #expect(failure.withLock { $0 == nil })
    let (cache, warnings) = try open(folder)
    #expect(warnings.isEmpty)
    #expect(cache.count == 400)
    #expect(try cache.gather((0..<400).map(key)).values.floats == (0..<400).flatMap(row))
  }

  // MARK: Sequences

  private func openSequences(_ folder: TemporaryFolder) throws -> (cache: FeatureCache, warnings: [String]) {
    var warnings: [String] = []
    let cache = try FeatureCache(folder: folder.url, width: 3, layout: .sequences) { warnings.append($0) }
    return (cache, warnings)
  }

  /// `number + 1` rows, exact in float16.
  private func rows(_ number: Int) -> [Float] { (0...number).flatMap { [Float(number), Float($0), 0.5] } }

  private func addSequences(_ numbers: Range<Int>, to cache: FeatureCache) throws {
    let lengths = numbers.map { $0 + 1 }
    let rows = Tensor(numbers.flatMap(rows), shape: [lengths.reduce(0, +), 3])
    try cache.add(numbers.map(key), rows, lengths: lengths)
  }

  @Test func sequencesComeBackInTheOrderAskedAlsoAfterReopening() throws {
    let folder = try TemporaryFolder()
    let first = try openSequences(folder).cache
    try addSequences(0..<2, to: first)
    try addSequences(2..<4, to: first)
    try first.flush()
    try addSequences(4..<7, to: first)
    try first.flush()
    for cache in [first, try openSequences(folder).cache] {
      let block = try cache.sequences([key(3), nil, key(6), key(99), key(0), key(3)])
      #expect(block.lengths == [4, 0, 7, 0, 1, 4])
      #expect(block.flat.floats == rows(3) + rows(6) + rows(0) + rows(3))
      let padded = block.gathered([2, 3, 4]).padded
      #expect(padded.shape == [3, 7, 3])
      let nothing = [Float](repeating: 0, count: 21)
      #expect(padded.floats == rows(6) + nothing + rows(0) + nothing.dropLast(3))
    }
    #expect(try openSequences(folder).cache.count == 7)
  }

  @Test func aShardOfSequencesWhoseLengthsDoNotAddUpIsSetAside() throws {
    for lengths in [[1, 1], [3, 0], [-1, 4], [3]] as [[Int32]] {
      let folder = try TemporaryFolder()
      try Checkpoint(tensors: [
        "features": Tensor.zeros([3, 3], dtype: .float16), "keys": Tensor.zeros([2, 32], dtype: .uint8),
        "lengths": Tensor(lengths),
      ]).write(to: folder.url.appending(path: "a.safetensors"))
      let (cache, warnings) = try openSequences(folder)
      #expect(cache.count == 0 && warnings.count == 1, "\(lengths)")
      #expect(warnings.first?.contains("'lengths' [n]") == true)
    }
  }

  /// Sequences are long: a shard is written before memory holds too many of them.
  @Test func manyBytesAreWrittenWithoutBeingAsked() throws {
    let folder = try TemporaryFolder()
    let cache = try FeatureCache(folder: folder.url, width: 1024, layout: .sequences) { _ in }
    let half = Tensor.ones([1 << 14, 1024])  // 32 MiB of float16
    try cache.add([key(0)], half, lengths: [1 << 14])
    #expect(try shards(in: folder).isEmpty)
    try cache.add([key(1)], half, lengths: [1 << 14])
    #expect(try shards(in: folder).count == 1)
  }
}
