import Foundation
import Testing

@testable import Checkpoints

@Suite struct AtomicFileTests {
  let folder: TemporaryFolder
  let url: URL

  init() throws {
    folder = try TemporaryFolder()
    url = folder.url.appending(path: "state.json")
  }

  @Test func replacesTheFileAndLeavesNothingElse() throws {
    try writeAtomically(Data("a long first version".utf8), to: url)
    try writeAtomically(Data("second".utf8), to: url)
    #expect(try String(contentsOf: url, encoding: .utf8) == "second")
    try writeAtomically(Data(), to: url)
    #expect(try Data(contentsOf: url).isEmpty)
    #expect(try folder.names == ["state.json"])
  }

  @Test func keepsTheOldFileWhenWritingFails() throws {
    struct Interruption: Error {}
    try writeAtomically(Data("old".utf8), to: url)
    #expect(throws: Interruption.self) {
      try writeAtomically(to: url) { file in
        try Data("new".utf8).withUnsafeBytes { try file.append($0) }
        #expect(try folder.names == ["state.json", "state.json.partial"])
        #expect(try String(contentsOf: url, encoding: .utf8) == "old")
        throw Interruption()
      }
    }
    #expect(try String(contentsOf: url, encoding: .utf8) == "old")
    #expect(try folder.names == ["state.json"])
  }

  @Test func writesOverWhatAKilledProcessLeft() throws {
    try Data("a very long rest of an earlier attempt".utf8).write(to: folder.url.appending(path: "state.json.partial"))
    try writeAtomically(Data("new".utf8), to: url)
    #expect(try String(contentsOf: url, encoding: .utf8) == "new")
    #expect(try folder.names == ["state.json"])
  }

  @Test func aLinkStaysOne() throws {
    let link = folder.url.appending(path: "link.json")
    try Data("old".utf8).write(to: url)
    try FileManager.default.createSymbolicLink(at: link, withDestinationURL: url)
    try writeAtomically(Data("new".utf8), to: link)
    #expect(try String(contentsOf: url, encoding: .utf8) == "new")
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link.path) == url.path)
    #expect(try folder.names == ["link.json", "state.json"])
  }

  @Test func whatIsNoFileIsWrittenToAndStays() throws {
    #expect(mkfifo(url.path, 0o600) == 0)
    // Opened for both, so that neither side waits for the other.
    let reader = open(url.path, O_RDWR)
    defer { close(reader) }
    try writeAtomically(Data("through".utf8), to: url)
    var bytes = [UInt8](repeating: 0, count: 100)
    let count = read(reader, &bytes, 100)
    #expect(String(decoding: bytes.prefix(count), as: UTF8.self) == "through")
    struct Interruption: Error {}
    #expect(throws: Interruption.self) { try writeAtomically(to: url) { _ in throw Interruption() } }
    #expect(try folder.names == ["state.json"])
  }

  /// As a shell does with `>> log` for a program that is told to write to `/dev/stdout`.
  @Test func aDescriptorIsWrittenToWhereItStands() throws {
    try Data("before ".utf8).write(to: url)
    let log = open(url.path, O_WRONLY)
    defer { close(log) }
    lseek(log, 0, SEEK_END)
    let link = folder.url.appending(path: "out")
    try FileManager.default.createSymbolicLink(atPath: link.path, withDestinationPath: "/proc/self/fd/\(log)")
    try writeAtomically(Data("between".utf8), to: link)
    try writeAtomically(Data(" them".utf8), to: URL(filePath: "/dev/fd/\(log)"))
    #expect(write(log, " after", 6) == 6)
    #expect(try String(contentsOf: url, encoding: .utf8) == "before between them after")
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link.path) == "/proc/self/fd/\(log)")
  }

  @Test func onlyWhatNobodyWritesIsAbandoned() throws {
    let partial = folder.url.appending(path: "state.json.partial")
    try writeAtomically(to: url) { _ in
      removeIfAbandoned(partial)
      let names = try folder.names
      #expect(names == ["state.json.partial"])
    }
    try Data("a rest".utf8).write(to: partial)
    removeIfAbandoned(partial)
    #expect(try folder.names == ["state.json"])
  }

  @Test func tellsAFullDisk() throws {
    let full = AtomicFile(descriptor: open("/dev/full", O_WRONLY), target: url)
    expectFailure(.unwritable, "state.json", "No space left", "free some space") {
      try [UInt8](repeating: 1, count: 10).withUnsafeBytes { try full.append($0) }
    }
  }

  @Test func tellsWhereItCannotWrite() throws {
    expectFailure(.unwritable, "absent/state.json", "No such file") {
      try writeAtomically(Data(), to: folder.url.appending(path: "absent/state.json"))
    }
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    expectFailure(.unwritable, "state.json", "final name") { try writeAtomically(Data(), to: url) }
    #expect(try folder.names == ["state.json"])
  }

  /// Writers of one file wait for each other; a reader sees one whole version at any time.
  @Test func concurrentWritersNeverMix() async throws {
    let url = url
    try writeAtomically(Data(repeating: 0, count: 5000), to: url)
    await withThrowingTaskGroup(of: Void.self) { group in
      for value in UInt8(1)...8 {
        group.addTask {
          for _ in 0..<20 {
            try writeAtomically(to: url) { file in
              for _ in 0..<5 { try [UInt8](repeating: value, count: 1000).withUnsafeBytes { try file.append($0) } }
            }
            let seen = try MappedFile(url)
            #expect(seen.bytes.count == 5000 && Set(seen.bytes).count == 1)
          }
        }
      }
      await #expect(throws: Never.self) { try await group.waitForAll() }
    }
    #expect(try folder.names == ["state.json"])
  }
}
