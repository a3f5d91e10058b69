/// Why a picture could not be read or written.
public enum ImageError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file is missing, is no regular file, or the system does not let it be read.
  case unreadable(name: String, reason: String)
  case empty(name: String)
  case tooManyBytes(name: String, bytes: Int, limit: Int)
  case tooManyPixels(name: String, width: Int, height: Int, limit: Int)
  /// A format recognised by its first bytes that MemeSense does not read.
  case refusedFormat(name: String, format: String)
  case unknownFormat(name: String)
  /// The file is damaged or cut short.
  case undecodable(name: String, format: ImageFormat, reason: String)
  case unencodable(reason: String)
  case unresizable(reason: String)
  /// libvips does not start on this machine.
  case libraryUnavailable(reason: String)

  public var description: String {
    switch self {
    case .unreadable(let name, let reason):
      "\(name): cannot be read: \(reason)"
    case .empty(let name):
      "\(name): the file is empty; fetch it again or drop its row"
    case .tooManyBytes(let name, let bytes, let limit):
      "\(name): \(bytes) bytes, and at most \(limit) are accepted; shrink the picture or raise the limit"
    case .tooManyPixels(let name, let width, let height, let limit):
      "\(name): \(width) × \(height) pixels are \(width * height), and at most \(limit) are accepted; "
        + "shrink the picture or raise the limit"
    case .refusedFormat(let name, let format):
      "\(name): the content is \(format), expected \(Self.expected); convert it"
    case .unknownFormat(let name):
      "\(name): the content is no known picture format, expected \(Self.expected)"
    case .undecodable(let name, let format, let reason):
      "\(name): damaged or truncated \(format.rawValue): \(reason); fetch the file again or drop its row"
    case .unencodable(let reason):
      "a picture could not be encoded: \(reason)"
    case .unresizable(let reason):
      "a picture could not be resized: \(reason)"
    case .libraryUnavailable(let reason):
      "libvips does not start: \(reason); on Debian, install libvips42"
    }
  }

  private static let expected = "JPEG, PNG, WebP or GIF (file names do not matter)"
}
