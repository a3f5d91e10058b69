import Foundation

/// The directory of a zip archive. Its entries are found here; who asks for one unpacks it.
///
/// Format: PKWARE's APPNOTE 6.3.10. Sizes come from the central directory; what it says of the local headers is checked.
package struct ZipArchive {
  package let file: MappedFile
  /// The entry names in the order of the directory.
  let names: [String]
  private let entries: [String: (data: Range<Int>, method: UInt16)]

  /// - Throws: ``CheckpointError`` for a truncated or inconsistent archive and for encrypted, overlapping or duplicate
  ///   entries.
  package init(_ file: MappedFile) throws(CheckpointError) {
    let directory = try ZipDirectory(of: file)
    var cursor = ByteCursor(file, directory.range)
    var entries: [String: (data: Range<Int>, method: UInt16)] = [:]
    var names: [String] = []
    var extents: [(range: Range<Int>, name: String)] = []
    for _ in 0..<directory.entryCount {
      let record = try ZipRecord(&cursor)
      let data = try Self.data(of: record, in: file, before: directory.range.lowerBound)
      guard entries.updateValue((data, record.method), forKey: record.name) == nil else {
        throw CheckpointError(.malformed, file.url, at: "entry \"\(record.name)\"", "the name occurs twice")
      }
      names.append(record.name)
      extents.append((record.headerOffset..<data.upperBound, record.name))
    }
    guard cursor.remaining == 0 else { throw cursor.malformed("the zip directory holds more than its entries") }
    extents.sort { $0.range.lowerBound < $1.range.lowerBound }
    for (left, right) in zip(extents, extents.dropFirst()) where right.range.lowerBound < left.range.upperBound {
      throw CheckpointError(.malformed, file.url, at: "entry \"\(right.name)\"", "overlaps entry \"\(left.name)\"")
    }
    self.file = file
    self.entries = entries
    self.names = names
  }

  /// Where the data of an entry lie in the file, and how they are compressed (0: not at all); `nil` when there is none.
  package func entry(_ name: String) -> (data: Range<Int>, method: UInt16)? { entries[name] }

  /// Where the data of an entry lie that is stored as torch.save does it; `nil` when there is no such entry.
  ///
  /// - Throws: ``CheckpointError`` for a compressed entry.
  func data(of name: String) throws(CheckpointError) -> Range<Int>? {
    guard let entry = entries[name] else { return nil }
    guard entry.method == 0 else {
      throw CheckpointError(
        .unsupported, file.url, at: "entry \"\(name)\"",
        "compressed (method \(entry.method)); torch.save stores entries, save the file anew")
    }
    return entry.data
  }

  private static func data(
    of record: ZipRecord, in file: MappedFile, before limit: Int
  ) throws(CheckpointError) -> Range<Int> {
    func malformed(_ message: String) -> CheckpointError {
      CheckpointError(.malformed, file.url, at: "entry \"\(record.name)\"", message)
    }
    guard record.headerOffset <= limit else { throw malformed("starts past the zip directory") }
    var local = ByteCursor(file, record.headerOffset..<limit)
    guard try local.integer(UInt32.self) == 0x0403_4B50 else { throw malformed("no local header where it should be") }
    // Version, flags, method, time, date, checksum and sizes: the directory's are used.
    _ = try local.take(22)
    let (nameCount, extraCount) = (Int(try local.integer(UInt16.self)), Int(try local.integer(UInt16.self)))
    guard try local.string(nameCount) == record.name else { throw malformed("its local header has another name") }
    _ = try local.take(extraCount)
    return try local.take(record.byteCount)
  }
}

/// Where the central directory lies, from the records at the archive's end.
private struct ZipDirectory {
  let entryCount: Int
  let range: Range<Int>

  init(of file: MappedFile) throws(CheckpointError) {
    let end = try Self.endRecord(of: file)
    var cursor = ByteCursor(file, end..<file.bytes.count)
    _ = try cursor.take(4)
    let disks = (try cursor.integer(UInt16.self), try cursor.integer(UInt16.self))
    var counts = (UInt64(try cursor.integer(UInt16.self)), UInt64(try cursor.integer(UInt16.self)))
    var byteCount = UInt64(try cursor.integer(UInt32.self))
    var offset = UInt64(try cursor.integer(UInt32.self))
    var directoryEnd = end
    let isWide = counts.1 == 0xFFFF || byteCount == 0xFFFF_FFFF || offset == 0xFFFF_FFFF
    if end >= 20, file.bytes.loadUnaligned(fromByteOffset: end - 20, as: UInt32.self).littleEndian == 0x0706_4B50 {
      var locator = ByteCursor(file, end - 16..<end)
      _ = try locator.take(4)
      let start = try locator.integer(UInt64.self)
      guard start <= end - 20 else { throw cursor.malformed("the zip64 record lies outside the archive") }
      directoryEnd = Int(start)
      var record = ByteCursor(file, directoryEnd..<end - 20)
      guard try record.integer(UInt32.self) == 0x0606_4B50 else {
        throw record.malformed("no zip64 record where the locator says")
      }
      // Its size, versions and disks.
      _ = try record.take(20)
      counts = (try record.integer(UInt64.self), try record.integer(UInt64.self))
      byteCount = try record.integer(UInt64.self)
      offset = try record.integer(UInt64.self)
    } else if isWide {
      throw cursor.malformed("the zip64 record is missing")
    }
    guard counts.0 == counts.1, disks == (0, 0) || isWide else {
      throw cursor.malformed("an archive in several parts; expected one file")
    }
    guard case (let sum, let overflow) = offset.addingReportingOverflow(byteCount), !overflow, sum == directoryEnd,
      counts.0 <= byteCount / 46
    else { throw cursor.malformed("the zip directory does not lie where it should, before the end record") }
    entryCount = Int(counts.0)
    range = Int(offset)..<directoryEnd
  }

  /// The position of the end record, which a comment may follow.
  private static func endRecord(of file: MappedFile) throws(CheckpointError) -> Int {
    let last = file.bytes.count - 22
    for start in stride(from: last, through: max(0, last - 0xFFFF), by: -1) {
      let signature = file.bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self).littleEndian
      guard signature == 0x0605_4B50 else { continue }
      let comment = file.bytes.loadUnaligned(fromByteOffset: start + 20, as: UInt16.self).littleEndian
      if start + Int(comment) == last { return start }
    }
    throw CheckpointError(.malformed, file.url, "truncated: the zip archive has no end record")
  }
}

/// One record of the central directory.
private struct ZipRecord {
  let name: String
  let method: UInt16
  /// The size in the archive.
  let byteCount: Int
  let headerOffset: Int

  init(_ cursor: inout ByteCursor) throws(CheckpointError) {
    guard try cursor.integer(UInt32.self) == 0x0201_4B50 else { throw cursor.malformed("no zip directory record here") }
    _ = try cursor.take(4)
    let flags = try cursor.integer(UInt16.self)
    method = try cursor.integer(UInt16.self)
    _ = try cursor.take(8)
    var compressed = UInt64(try cursor.integer(UInt32.self))
    var uncompressed = UInt64(try cursor.integer(UInt32.self))
    let nameCount = Int(try cursor.integer(UInt16.self))
    let extraCount = Int(try cursor.integer(UInt16.self))
    let commentCount = Int(try cursor.integer(UInt16.self))
    _ = try cursor.take(8)
    var offset = UInt64(try cursor.integer(UInt32.self))
    name = try cursor.string(nameCount)
    var extra = ByteCursor(cursor.file, try cursor.take(extraCount))
    _ = try cursor.take(commentCount)
    let (url, location) = (cursor.file.url, "entry \"\(name)\"")
    func failure(_ reason: CheckpointError.Reason, _ message: String) -> CheckpointError {
      CheckpointError(reason, url, at: location, message)
    }
    while extra.remaining >= 4 {
      let id = try extra.integer(UInt16.self)
      let field = try extra.take(Int(try extra.integer(UInt16.self)))
      guard id == 1 else { continue }
      // The zip64 field holds, in this order, the values that had no room.
      var wide = ByteCursor(extra.file, field)
      if uncompressed == 0xFFFF_FFFF { uncompressed = try wide.integer(UInt64.self) }
      if compressed == 0xFFFF_FFFF { compressed = try wide.integer(UInt64.self) }
      if offset == 0xFFFF_FFFF { offset = try wide.integer(UInt64.self) }
    }
    guard flags & 1 == 0 else { throw failure(.unsupported, "encrypted; expected plain data") }
    guard method != 0 || compressed == uncompressed, compressed <= Int.max, offset <= Int.max else {
      throw failure(.malformed, "its sizes contradict each other")
    }
    byteCount = Int(compressed)
    headerOffset = Int(offset)
  }
}
