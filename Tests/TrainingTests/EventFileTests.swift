import Foundation
import MemeData
import Synchronization
import Testing

@testable import Training

/// Event files have the bytes that TensorBoard's own writer makes, and survive kills.
struct EventFileTests {
  private func fixture() throws -> Data {
    try Data(
      contentsOf: URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/events.tfevents"))
  }

  private static let curve: Event.Value = .precisionRecall(
    "test/hateful", truth: [true, false, true, false, true], probabilities: [0.9, 0.8, 0.5, 0.25, 0.1],
    thresholdCount: 5)

  /// A clock that goes on by a second a look.
  private func clock() -> @Sendable () -> Double {
    let time = Mutex(1_699_999_999.25)
    return {
      time.withLock { time in
        time += 1
        return time
      }
    }
  }

  private func write(in folder: URL) throws {
    let events = try EventFile(in: folder, now: clock())
    try events.append([.scalar("head/loss", 0.625), .scalar("head/learning_rate", 1e-3)], step: 1)
    try events.append([.scalar("head/loss", -0.0)], step: 300)
    try events.append([Self.curve, .text("recipe", "    seed: 42\n    größe: 1")], step: 0)
  }

  private func steps(in folder: URL) throws -> [[String]] {
    let records = EventFile.records(in: try Data(contentsOf: folder.appending(path: EventFile.name)))
    return records.map { record in Event.Heading(record).map { ["\($0.step)"] + $0.tags } ?? [] }
  }

  /// RFC 3720, appendix B.4, and the check value of the CRC catalogue.
  @Test func checksumsAreThoseOfTheStandard() {
    let cases: [([UInt8], UInt32)] = [
      ([UInt8](repeating: 0, count: 32), 0x8A91_36AA), ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
      ([UInt8](0..<32), 0x46DD_794E), ([UInt8](0..<32).reversed(), 0x113F_DB5C), (Array("123456789".utf8), 0xE306_9283),
      ([], 0),
    ]
    for (bytes, checksum) in cases { #expect(CRC32C.checksum(of: bytes) == checksum) }
    #expect(CRC32C.masked(of: [UInt8]()) == 0xA282_EAD8)
  }

  @Test func bytesAreThoseOfTensorBoardsWriter() throws {
    let temporary = try TemporaryFolder()
    try write(in: temporary.url)
    #expect(try Data(contentsOf: temporary.url.appending(path: EventFile.name)) == fixture())
  }

  /// Wherever a kill cuts the file, what was whole stays, and writing goes on behind it.
  @Test func aFileCutAnywhereIsTakenUp() throws {
    let whole = try fixture()
    let ends = EventFile.records(in: whole).reduce(into: [0]) { $0.append($0.last! + $1.count + 16) }
    #expect(ends.count == 5 && ends.last == whole.count)
    for length in 0...whole.count {
      let temporary = try TemporaryFolder()
      let file = temporary.url.appending(path: EventFile.name)
      try whole.prefix(length).write(to: file)
      let events = try EventFile(in: temporary.url, now: { 1_700_000_000.25 })
      let kept = max(1, ends.lastIndex { $0 <= length }!)
      #expect(try Data(contentsOf: file) == whole.prefix(ends[kept]), "cut at \(length)")
      try events.append([.scalar("late", 1)], step: 7)
      #expect(try steps(in: temporary.url).last == ["7", "late"], "cut at \(length)")
    }
  }

  @Test func aDamagedRecordEndsWhatIsRead() throws {
    let whole = try fixture()
    let second = EventFile.records(in: whole)[0].count + 16
    for offset in [0, 9, 14, second + 3, second + 8, second + 20] {
      var damaged = whole
      damaged[offset] ^= 0x40
      #expect(EventFile.records(in: damaged).count == (offset < second ? 0 : 1), "byte \(offset)")
    }
    var endless = whole
    let length = [UInt8](repeating: 0xFF, count: 8)
    endless.replaceSubrange(0..<12, with: length + ProtobufWriter.littleEndian(CRC32C.masked(of: length)))
    #expect(EventFile.records(in: endless).isEmpty, "a length beyond any file")
  }

  @Test func epochsThatComeAgainAreForgotten() throws {
    let temporary = try TemporaryFolder()
    let events = try EventFile(in: temporary.url)
    let log = try TrainingLog(temporary.url.appending(path: "log.jsonl"), events: events)
    for (stage, epoch) in [("head", 1), ("tail", 1), ("head", 2), ("tail", 2), ("head", 3)] {
      try log.append(.init(stage: stage, epoch: epoch, loss: 1, learningRate: 0.1, seconds: 1, score: nil))
    }
    try log.rewind(stage: "head", to: 1)
    func entry(_ stage: String, _ step: Int) -> [String] { ["\(step)", "\(stage)/loss", "\(stage)/learning_rate"] }
    let expected = [["0"], entry("head", 1), entry("tail", 1), entry("tail", 2)]
    #expect(try steps(in: temporary.url) == expected)
  }

  /// The real TensorBoard, where `Benchmarks/setup-python --tensorboard` has installed it; what it reads is fixed to the
  /// byte above either way.
  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: tensorBoardPython)))
  func tensorBoardReadsThem() throws {
    let temporary = try TemporaryFolder()
    try write(in: temporary.url)
    let process = Process()
    process.executableURL = URL(filePath: Self.tensorBoardPython)
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/tensorboard_events.py")
    process.arguments = [script.path, temporary.url.path]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let shown = try #require(try JSONSerialization.jsonObject(with: data) as? [String: [String: Any]])
    let scalars = try #require(shown["scalars"] as? [String: [[Double]]])
    #expect(
      scalars.keys.sorted() == ["head/learning_rate", "head/loss"] && scalars["head/loss"] == [[1, 0.625], [300, 0]])
    // Foundation's JSON reader is off by a last bit now and then.
    let rate = try #require(scalars["head/learning_rate"]?.first)
    #expect(rate[0] == 1 && abs(rate[1] - Double(Float(1e-3))) < 1e-18)
    let curve = try #require(shown["tensors"]?["test/hateful"] as? [String: Any])
    #expect(curve["plugin"] as? String == "pr_curves" && curve["shape"] as? [Int] == [6, 5])
    let recall: [Double] = [1, 2.0 / 3, 2.0 / 3, 1.0 / 3, 0]
    let found = try #require(curve["values"] as? [Double])
    #expect(zip(found.suffix(5), recall).allSatisfy { abs($0 - $1) < 1e-7 })
    let recipe = try #require(shown["tensors"]?["recipe"] as? [String: Any])
    #expect(recipe["plugin"] as? String == "text" && recipe["values"] as? [String] == ["    seed: 42\n    größe: 1"])
  }

  private static let tensorBoardPython =
    ProcessInfo.processInfo.environment["MEMESENSE_TENSORBOARD_PYTHON"]
    ?? URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: ".dependencies/python-tensorboard/bin/python").path
}
