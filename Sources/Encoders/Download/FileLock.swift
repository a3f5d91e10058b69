import Checkpoints
import Foundation

/// Keeps two programs from filling the same place at once; a second one waits.
final class FileLock {
  private let descriptor: Int32

  /// Locks a file, which is made if it is not there.
  ///
  /// - Throws: `CheckpointError` when it cannot be locked.
  init(_ file: URL) throws(CheckpointError) {
    descriptor = open(file.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    while descriptor < 0 || flock(descriptor, LOCK_EX) != 0 {
      guard errno == EINTR, descriptor >= 0 else {
        let reason = String(cString: strerror(errno))
        throw CheckpointError(.unwritable, file, "cannot be locked: \(reason)")
      }
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }
}
