import Foundation

/// A read-only memory-mapped file; the mapping ends with the object.
///
/// The file must not be truncated while it is mapped: touching a page that is gone ends the process. Files replaced
/// by ``writeAtomically(to:_:)`` are safe, since the mapping keeps the old contents.
public final class MappedFile: Sendable {
  /// Where the file lies.
  public let url: URL
  /// The contents; empty for an empty file. Keep the `MappedFile` alive while using them.
  // Unsafe only in type: the memory is immutable and freed by deinit alone.
  public nonisolated(unsafe) let bytes: UnsafeRawBufferPointer

  /// Maps a regular file.
  ///
  /// - Throws: ``CheckpointError`` when the file is missing, is no regular file or cannot be mapped.
  public init(_ url: URL) throws(CheckpointError) {
    // Without O_NONBLOCK, opening a named pipe would wait for its writer.
    let descriptor = open(url.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw CheckpointError(.unreadable, url, "cannot be opened", errno: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw CheckpointError(.unreadable, url, "cannot be examined", errno: errno)
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw CheckpointError(.unreadable, url, "is a folder; expected a file")
    default: throw CheckpointError(.unreadable, url, "is no regular file (a pipe, socket or device)")
    }
    self.url = url
    let count = Int(status.st_size)
    guard count > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
      throw CheckpointError(.unreadable, url, "cannot be mapped into memory", errno: errno)
    }
    bytes = UnsafeRawBufferPointer(start: address, count: count)
  }

  /// Takes the pages that were read out of this process's memory; what is touched again comes from the file again.
  public func releasePages() {
    guard let address = bytes.baseAddress else { return }
    madvise(UnsafeMutableRawPointer(mutating: address), bytes.count, MADV_DONTNEED)
  }

  deinit {
    if let address = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: address), bytes.count) }
  }
}
