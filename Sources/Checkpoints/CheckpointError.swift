import Foundation

/// Why a file of tensors could not be read or written.
public struct CheckpointError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What kind of failure it was, for callers that answer differently (an exit status, say).
  public enum Reason: Sendable {
    /// There is no such file.
    case missing
    /// The operating system would not read it: a folder, no permission, a failing disk.
    case unreadable
    /// The operating system would not write it: a full disk, no permission, no such folder.
    case unwritable
    /// The bytes break the rules of their format.
    case malformed
    /// A well-formed file of a kind that is not read here.
    case unsupported
    /// The file asks for something that could run code.
    case refused
  }

  public let reason: Reason
  public let file: URL
  /// The tensor, archive entry or byte in question, `nil` when it is the file as a whole.
  public let location: String?
  /// What was found, what was expected and what to do.
  public let message: String

  public init(_ reason: Reason, _ file: URL, at location: String? = nil, _ message: String) {
    self.reason = reason
    self.file = file
    self.location = location
    self.message = message
  }

  public var description: String {
    [file.path, location, message].compactMap(\.self).joined(separator: ": ")
  }

  /// The failure of a system call, told by its `errno`.
  init(_ reason: Reason, _ file: URL, _ action: String, errno code: Int32) {
    let reason = reason == .unreadable && code == ENOENT ? .missing : reason
    self.init(reason, file, "\(action): \(String(cString: strerror(code)))")
  }
}
