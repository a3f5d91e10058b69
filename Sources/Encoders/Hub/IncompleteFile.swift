import Checkpoints
import Foundation

/// The part of a download that came so far; it stays when the download breaks off.
final class IncompleteFile {
  private let url: URL
  private let descriptor: Int32
  private(set) var byteCount: Int

  /// Opens what an earlier download left, or an empty file.
  ///
  /// - Throws: `CheckpointError` when the folder cannot be written.
  convenience init(_ url: URL) throws(CheckpointError) {
    let descriptor = open(url.path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
    var status = stat()
    guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
      let reason = String(cString: strerror(errno))
      if descriptor >= 0 { close(descriptor) }
      throw CheckpointError(.unwritable, url, "cannot be written: \(reason); set HF_HUB_CACHE to another folder")
    }
    self.init(descriptor: descriptor, byteCount: Int(status.st_size), url: url)
  }

  /// Wraps an open descriptor, to test how failing writes are told.
  init(descriptor: Int32, byteCount: Int, url: URL) {
    self.url = url
    self.descriptor = descriptor
    self.byteCount = byteCount
    lseek(descriptor, off_t(byteCount), SEEK_SET)
  }

  deinit { close(descriptor) }

  /// - Throws: `CheckpointError` when the disk is full or fails.
  func append(_ data: Data) throws(CheckpointError) {
    var rest = data
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      guard count >= 0 else {
        let code = errno
        if code == EINTR { continue }
        let advice = code == ENOSPC || code == EDQUOT ? "; free some space and run this again, which goes on here" : ""
        throw CheckpointError(
          .unwritable, url, at: "byte \(byteCount)", "writing failed (\(String(cString: strerror(code))))\(advice)")
      }
      byteCount += count
      rest = rest.dropFirst(count)
    }
  }

  /// Starts again with nothing.
  func clear() throws(CheckpointError) {
    guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
      throw CheckpointError(.unwritable, url, "cannot be emptied: \(String(cString: strerror(errno)))")
    }
    byteCount = 0
  }

  /// Gives the bytes their final name once they are on the disk.
  func commit(to target: URL) throws(CheckpointError) {
    guard fsync(descriptor) == 0, rename(url.path, target.path) == 0 else {
      throw CheckpointError(.unwritable, target, "cannot be completed: \(String(cString: strerror(errno)))")
    }
  }
}
