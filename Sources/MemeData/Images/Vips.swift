import CVips

/// The one libvips of this process.
enum Vips {
  /// A sentence of libvips's own.
  struct Failure: Error {
    var reason: String
  }

  /// Why libvips did not start, `nil` when it did.
  ///
  /// One worker for each operation: callers have many pictures and work on several at once themselves.
  private static let startFailure: Failure? = attempt { cvips_start(1, $0, $1) }

  /// Makes sure that libvips runs.
  static func start() throws(ImageError) {
    if let startFailure { throw .libraryUnavailable(reason: startFailure.reason) }
  }

  /// Calls a function of the shim; what it returns is `nil` on success.
  static func attempt(_ body: (UnsafeMutablePointer<CChar>, Int) -> CInt) -> Failure? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { message in
      message.initialize(repeating: 0)
      guard let start = message.baseAddress, body(start, message.count) != 0 else { return nil }
      return Failure(reason: String(cString: start))
    }
  }
}

extension ImageFormat {
  var shimFormat: cvips_format {
    switch self {
    case .jpeg: CVIPS_JPEG
    case .png: CVIPS_PNG
    case .webp: CVIPS_WEBP
    case .gif: CVIPS_GIF
    }
  }
}
