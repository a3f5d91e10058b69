import Foundation
import MemeData
import Synchronization
import Testing

@testable import Audit

/// Fingerprints that are kept are those that hashing gives, and are made anew when a picture changes.
final class FingerprintCacheTests {
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "FingerprintCacheTests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// A picture, one that cannot be read, one that is not there, a text alone, and nothing.
  private func memes() throws -> [Meme] {
    let pictures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/pictures")
    let name = "odd.png"
    let file = folder.appending(path: name)
    try FileManager.default.copyItem(at: pictures.appending(path: name), to: file)
    try Data("no picture".utf8).write(to: folder.appending(path: "broken.png"))
    return [
      Meme(id: "a", image: file, text: nil), Meme(id: "b", image: folder.appending(path: "broken.png"), text: nil),
      Meme(id: "c", image: folder.appending(path: "missing.png"), text: nil), Meme(id: "d", image: nil, text: "words"),
      Meme(id: "e", image: nil, text: nil),
    ]
  }

  @Test func whatIsKeptIsWhatHashingGives() throws {
    let memes = try memes()
    let cache = FingerprintCache(folder: folder.appending(path: "cache"))
    let calls = Mutex(0)
    func table(_ memes: [Meme]) throws -> FingerprintTable {
      try cache.table(of: memes) { _ in calls.withLock { $0 += 1 } }
    }
    let hashed = FingerprintTable(of: memes) { _ in }
    let first = try table(memes)
    let count = calls.withLock { $0 }
    #expect(count > 0)
    let second = try table(memes)
    #expect(calls.withLock { $0 } == count, "the second one comes from the disk")
    for kept in [first, second] {
      #expect(kept.fingerprints == hashed.fingerprints && kept.brokenImages.map(\.id) == ["b", "c"])
      #expect(kept.hashedCount == hashed.hashedCount && kept.lowQualityCount == hashed.lowQualityCount)
    }
    #expect(hashed.fingerprints[0] != nil && hashed.fingerprints[3] != nil && hashed.fingerprints[4] == nil)

    var other = memes
    other[3].text = "other words"
    #expect(try table(other).fingerprints[3] != hashed.fingerprints[3], "a text counts")
    // A picture that comes, and one that is another now.
    try FileManager.default.copyItem(at: memes[0].image!, to: memes[2].image!)
    try Data("still no picture, but longer".utf8).write(to: memes[1].image!)
    let later = try table(memes)
    #expect(later.fingerprints[2] == hashed.fingerprints[0] && later.brokenImages.map(\.id) == ["b"])
  }

  @Test func aDamagedTableIsMadeAnew() throws {
    let memes = try memes()
    let cacheFolder = folder.appending(path: "cache")
    let cache = FingerprintCache(folder: cacheFolder)
    let first = try cache.table(of: memes) { _ in }
    let file = cacheFolder.appending(path: try FileManager.default.contentsOfDirectory(atPath: cacheFolder.path)[0])
    let whole = try Data(contentsOf: file)
    for damaged in [Data(), whole.prefix(whole.count / 2), Data("{}".utf8)] {
      try damaged.write(to: file)
      #expect(try cache.table(of: memes) { _ in }.fingerprints == first.fingerprints)
      #expect(try Data(contentsOf: file).count >= whole.count - 40, "it is kept again")
    }
  }
}
