import Foundation
import Synchronization

/// `events.out.tfevents…` of a run, which TensorBoard reads.
///
/// A TFRecord file: for each event its length (8 bytes), the length's masked checksum (4), the event as a protocol
/// buffer message, its masked checksum (4), all little-endian. Sources: TensorFlow's `event.proto`, `summary.proto` and
/// `tensor.proto`, and the description of the format in its `record_writer`.
final class EventFile: Sendable {
  /// One file a run, whatever the machine: a resumed run goes on with it.
  static let name = "events.out.tfevents.0.memesense"

  private let file: URL
  /// Seconds since 1970, as events tell when they were.
  private let now: @Sendable () -> Double
  /// One writer at a time: stages of a run append from threads of their own.
  private let lock = Mutex(())

  /// Opens the file of a run's folder or begins it. A record that a kill cut short, or that is damaged, is dropped with
  /// all behind it.
  init(
    in folder: URL, now: @escaping @Sendable () -> Double = { Date().timeIntervalSince1970 }
  ) throws {
    file = folder.appending(path: Self.name)
    self.now = now
    let records = Self.records(in: FileManager.default.contents(atPath: file.path) ?? Data())
    try Self.write(records.isEmpty ? [Event.version(time: now()).bytes] : records, to: file)
  }

  /// Appends what happened at a step.
  func append(_ values: [Event.Value], step: Int) throws {
    try lock.withLock { _ in
      let handle = try FileHandle(forWritingTo: file)
      defer { try? handle.close() }
      try handle.seekToEnd()
      try handle.write(contentsOf: Self.framed(Event.values(values, step: step, time: now()).bytes))
    }
  }

  /// Forgets events that come again.
  func removeAll(where isRepeated: (Event.Heading) -> Bool) throws {
    try lock.withLock { _ in
      let records = Self.records(in: try Data(contentsOf: file))
      let kept = records.filter { record in Event.Heading(record).map { !isRepeated($0) } ?? true }
      if kept.count < records.count { try Self.write(kept, to: file) }
    }
  }

  // MARK: Records

  static func framed(_ record: [UInt8]) -> Data {
    let length = ProtobufWriter.littleEndian(UInt64(record.count))
    return Data(
      length + ProtobufWriter.littleEndian(CRC32C.masked(of: length)) + record
        + ProtobufWriter.littleEndian(CRC32C.masked(of: record)))
  }

  /// The whole records at the beginning of a file.
  static func records(in data: Data) -> [[UInt8]] {
    let bytes = [UInt8](data)
    var records: [[UInt8]] = []
    var position = 0
    func number(_ range: Range<Int>) -> UInt64 { bytes[range].reversed().reduce(0) { $0 << 8 | UInt64($1) } }
    while bytes.count - position >= 16 {
      let length = number(position..<position + 8)
      guard number(position + 8..<position + 12) == UInt64(CRC32C.masked(of: bytes[position..<position + 8])),
        length <= UInt64(bytes.count - position - 16)
      else { break }
      let start = position + 12
      let end = start + Int(length)
      guard number(end..<end + 4) == UInt64(CRC32C.masked(of: bytes[start..<end])) else { break }
      records.append(Array(bytes[start..<end]))
      position = end + 4
    }
    return records
  }

  private static func write(_ records: [[UInt8]], to file: URL) throws {
    try records.reduce(into: Data()) { $0 += framed($1) }.write(to: file, options: .atomic)
  }
}
