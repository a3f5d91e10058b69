import Foundation

/// Writes a file that appears whole or not at all.
///
/// The contents go to `<name>.partial` in the same folder, reach the disk and then take the target's place by renaming.
/// When anything fails the partial file is removed and an earlier file stays as it was. A partial file left by a killed
/// process is written over by the next call; a writer of the same target in another process or thread is waited for.
/// A link stays one: what it leads to is replaced. What is no file, such as `/dev/stdout` or a pipe, is written to as it
/// stands.
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

/// Removes the partial file of a process that was killed while it wrote; one that is being written stays.
public func removeIfAbandoned(_ partial: URL) {
  let descriptor = open(partial.path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
  guard descriptor >= 0 else { return }
  defer { close(descriptor) }
  if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(partial.path) }
}

/// A file in the course of being written by ``writeAtomically(to:_:)``.
public final class AtomicFile {
  private let target: URL
  /// Where the contents are gathered; `nil` where they go to the target itself.
  private let partialPath: String?
  private var descriptor: Int32
  /// The bytes appended so far.
  public private(set) var byteCount = 0

  init(replacing named: URL) throws(CheckpointError) {
    if let opened = Self.openedInPlace(named.path) {
      target = named
      partialPath = nil
      descriptor = opened
      guard opened >= 0 else { throw CheckpointError(.unwritable, named, "cannot be written", errno: errno) }
      return
    }
    let files = FileManager.default
    let isLink = (try? files.destinationOfSymbolicLink(atPath: named.path)) != nil
    // A link that leads nowhere is replaced.
    target = isLink && files.fileExists(atPath: named.path) ? named.resolvingSymlinksInPath() : named
    let partialPath = target.path + ".partial"
    self.partialPath = partialPath
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
        let advice = code == ENOSPC || code == EDQUOT ? "; free some space and write it again" : ""
        let rest = partialPath == nil ? "" : ", an earlier file is untouched"
        throw CheckpointError(
          .unwritable, target, at: "byte \(byteCount)",
          "writing failed (\(String(cString: strerror(code))))\(rest)\(advice)")
      }
      byteCount += count
      rest = rest.dropFirst(count)
    }
  }

  fileprivate func commit() throws(CheckpointError) {
    guard let partialPath else { return }
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
    if let partialPath { unlink(partialPath) }
    close(descriptor)
    descriptor = -1
  }

  /// A descriptor of what is no file that could be replaced, negative where it cannot be written to; `nil` for a file, or for
  /// nothing yet.
  private static func openedInPlace(_ path: String) -> CInt? {
    // Its place in the file is shared with whoever opened it, a shell say, so that neither writes over the other.
    if let number = descriptor(namedBy: path) { return fcntl(number, F_DUPFD_CLOEXEC, 0) }
    var found = stat()
    guard stat(path, &found) == 0, ![S_IFREG, S_IFDIR].contains(found.st_mode & S_IFMT) else { return nil }
    return open(path, O_WRONLY | O_CLOEXEC)
  }

  /// The number of the open descriptor that a path stands for, itself or by links, as `/dev/stdout` does; `nil` for any other.
  private static func descriptor(namedBy path: String) -> CInt? {
    var url = URL(fileURLWithPath: path)
    for _ in 0..<40 {
      let parts = url.path.split(separator: "/")
      if [["dev", "fd"], ["proc", "self", "fd"]].contains(parts.dropLast().map(String.init)), let last = parts.last {
        return CInt(last)
      }
      guard let next = try? FileManager.default.destinationOfSymbolicLink(atPath: url.path) else { return nil }
      url = URL(fileURLWithPath: next, relativeTo: url.deletingLastPathComponent()).absoluteURL
    }
    return nil
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
