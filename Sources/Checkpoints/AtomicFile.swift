import Foundation

/// Writes a file that appears whole or not at all.
///
/// The contents go to `<name>.partial` in the same folder, reach the disk and then take the target's place by renaming.
/// When anything fails the partial file is removed and an earlier file stays as it was. A partial file left by a killed
/// process is written over by the next call; a writer of the same target in another process or thread is waited for.
///
/// - Parameter body: Appends the contents; what it throws is passed on.
/// - Throws: ``CheckpointError`` when the file cannot be written (the disk is full, the folder does not exist).
public func writeAtomically(to url: URL, _ body: (AtomicFile) throws -> Void) throws {
  let partial = try AtomicFile(replacing: url)
  do {
    try body(partial)
    try partial.commit()
  } catch {
    partial.discard()
    throw error
  }
}

/// Writes `data` to a file that appears whole or not at all; see ``writeAtomically(to:_:)``.
public func writeAtomically(_ data: Data, to url: URL) throws {
  try writeAtomically(to: url) { file in try data.withUnsafeBytes { try file.append($0) } }
}

/// A file in the course of being written by ``writeAtomically(to:_:)``.
public final class AtomicFile {
  private let target: URL
  private let partialPath: String
  private var descriptor: Int32
  /// The bytes appended so far.
  public private(set) var byteCount = 0

  init(replacing target: URL) throws(CheckpointError) {
    self.target = target
    partialPath = target.path + ".partial"
    descriptor = try Self.lock(partialPath, for: target)
    guard ftruncate(descriptor, 0) == 0 else {
      let code = errno
      discard()
      throw CheckpointError(.unwritable, target, "cannot be written", errno: code)
    }
  }

  /// Wraps an open descriptor, to test how failing writes are told.
  init(descriptor: Int32, target: URL) {
    self.target = target
    partialPath = target.path + ".partial"
    self.descriptor = descriptor
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Appends bytes.
  ///
  /// - Throws: ``CheckpointError`` when the disk is full or fails.
  public func append(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      guard count >= 0 else {
        let code = errno
        if code == EINTR { continue }
        let advice = code == ENOSPC || code == EDQUOT ? "the disk is full; free some space and write it again" : ""
        throw CheckpointError(
          .unwritable, target, at: "byte \(byteCount)",
          ["writing failed, an earlier file is untouched", String(cString: strerror(code)), advice]
            .filter { !$0.isEmpty }.joined(separator: ": "))
      }
      byteCount += count
      rest = rest.dropFirst(count)
    }
  }

  fileprivate func commit() throws(CheckpointError) {
    guard fsync(descriptor) == 0 else {
      throw CheckpointError(.unwritable, target, "cannot be brought to the disk", errno: errno)
    }
    // Renamed while locked, so that a waiting writer never holds a file that is already the target.
    guard rename(partialPath, target.path) == 0 else {
      throw CheckpointError(.unwritable, target, "cannot take its final name", errno: errno)
    }
    let folder = open(target.deletingLastPathComponent().path, O_RDONLY | O_CLOEXEC)
    guard folder >= 0 else { return }
    // The rename itself must survive a power cut. Some file systems cannot sync folders; the file is whole either way.
    fsync(folder)
    close(folder)
  }

  fileprivate func discard() {
    unlink(partialPath)
    close(descriptor)
    descriptor = -1
  }

  /// Opens and locks the partial file; a lock won on a file that was renamed or removed meanwhile is given back.
  private static func lock(_ path: String, for target: URL) throws(CheckpointError) -> Int32 {
    while true {
      let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
      guard descriptor >= 0 else { throw CheckpointError(.unwritable, target, "cannot be written", errno: errno) }
      while flock(descriptor, LOCK_EX) != 0 {
        guard errno == EINTR else {
          let code = errno
          close(descriptor)
          throw CheckpointError(.unwritable, target, "cannot be locked for writing", errno: code)
        }
      }
      var (locked, named) = (stat(), stat())
      if fstat(descriptor, &locked) == 0, lstat(path, &named) == 0,
        locked.st_ino == named.st_ino, locked.st_dev == named.st_dev
      {
        return descriptor
      }
      close(descriptor)
    }
  }
}
