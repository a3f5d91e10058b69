import CVips
import Foundation

/// Decodes JPEG, PNG, WebP and GIF to the pixels that a viewer shows.
///
/// The content decides, never the file's name. The result is upright (EXIF orientation), the first frame of an
/// animation, 8 bits a sample (16-bit samples are divided by 257 and rounded) and sRGB: transparency is laid over
/// white, CMYK goes through its embedded profile or a common one, profiles of RGB pictures are ignored, as Pillow's
/// `convert("RGB")` does. A file that ends early or is damaged is an error, not a half-grey picture.
///
/// Every limit is checked before memory for pixels is taken. A decoder may be used from many threads at once; each
/// call works on the calling thread.
public struct ImageDecoder: Sendable {
  /// What a file may be at most.
  public struct Limits: Sendable, Equatable {
    public var pixelCount: Int
    public var byteCount: Int

    public init(pixelCount: Int = 100_000_000, byteCount: Int = 64 << 20) {
      self.pixelCount = pixelCount
      self.byteCount = byteCount
    }
  }

  public var limits: Limits

  public init(limits: Limits = Limits()) {
    self.limits = limits
  }

  /// Reads format and size without decoding; the same limits hold as for ``decode(_:name:leastSide:)``.
  public func header(of data: Data, name: String) throws(ImageError) -> ImageHeader {
    try withBytes(of: data) { (bytes) throws(ImageError) in
      try withOpened(bytes, name: name) { (_, header) in header }
    }
  }

  /// Decodes the bytes of a file; `name` is what errors call it.
  ///
  /// - Parameter leastSide: Where given, a JPEG may come out at a half, a quarter or an eighth of its size, both sides
  ///   of at least so many pixels: several times faster for large ones, and slightly softer.
  public func decode(_ data: Data, name: String, leastSide: Int? = nil) throws(ImageError) -> RGBImage {
    try withBytes(of: data) { (bytes) throws(ImageError) in try decode(bytes, name: name, leastSide: leastSide) }
  }

  /// Decodes the bytes of a file, as ``decode(_:name:leastSide:)`` of `Data` does.
  public func decode(
    _ bytes: UnsafeRawBufferPointer, name: String, leastSide: Int? = nil
  ) throws(ImageError) -> RGBImage {
    try withOpened(bytes, name: name) { (image, header) throws(ImageError) in
      var (width, height) = (Int32(header.width), Int32(header.height))
      var failure: Vips.Failure?
      if let leastSide {
        failure = Vips.attempt { cvips_shrink(image, Int32(clamping: leastSide), &width, &height, $0, $1) }
      }
      if let failure { throw .undecodable(name: name, format: header.format, reason: failure.reason) }
      let count = Int(width) * Int(height) * 3
      let pixels = [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
        failure = Vips.attempt { cvips_read(image, buffer.baseAddress, $0, $1) }
        initializedCount = failure == nil ? count : 0
      }
      if let failure { throw .undecodable(name: name, format: header.format, reason: failure.reason) }
      return RGBImage(width: Int(width), height: Int(height), pixels: pixels)
    }
  }

  /// Reads a file, or what a symbolic link leads to, whole, unless it is larger than the limit or no regular file.
  public func bytes(contentsOf url: URL) throws(ImageError) -> Data {
    do {
      // A pipe or a device has no size and might never end.
      let values = try url.resolvingSymlinksInPath().resourceValues(forKeys: [.isRegularFileKey, .fileSizeKey])
      guard values.isRegularFile == true else {
        throw ImageError.unreadable(name: url.path, reason: "it is no regular file")
      }
      let size = values.fileSize ?? 0
      guard size <= limits.byteCount else {
        throw ImageError.tooManyBytes(name: url.path, bytes: size, limit: limits.byteCount)
      }
      return try Data(contentsOf: url)
    } catch let error as ImageError {
      throw error
    } catch {
      throw .unreadable(name: url.path, reason: error.localizedDescription)
    }
  }

  /// Decodes a file, as ``decode(_:name:leastSide:)`` does its bytes.
  public func decode(contentsOf url: URL, leastSide: Int? = nil) throws(ImageError) -> RGBImage {
    try decode(bytes(contentsOf: url), name: url.path, leastSide: leastSide)
  }

  /// `Data` hands its bytes only to closures with untyped errors.
  private func withBytes<Result>(
    of data: Data, _ body: (UnsafeRawBufferPointer) throws(ImageError) -> Result
  ) throws(ImageError) -> Result {
    try data.withUnsafeBytes { (bytes) -> Swift.Result<Result, ImageError> in
      do throws(ImageError) { return .success(try body(bytes)) } catch { return .failure(error) }
    }.get()
  }

  /// Opens an image of an accepted format and size for the time of `body`.
  private func withOpened<Result>(
    _ bytes: UnsafeRawBufferPointer, name: String,
    _ body: (OpaquePointer, ImageHeader) throws(ImageError) -> Result
  ) throws(ImageError) -> Result {
    let format = try acceptedFormat(of: bytes, name: name)
    try Vips.start()
    var image: OpaquePointer?
    var found = cvips_header()
    let failure = Vips.attempt {
      cvips_open(bytes.baseAddress, bytes.count, format.shimFormat, &image, &found, $0, $1)
    }
    guard failure == nil, let image else {
      throw .undecodable(name: name, format: format, reason: failure?.reason ?? "no reason given")
    }
    defer { cvips_close(image) }
    let header = ImageHeader(
      format: format, width: Int(found.width), height: Int(found.height), frameCount: Int(found.frames))
    guard header.width * header.height <= limits.pixelCount else {
      throw .tooManyPixels(name: name, width: header.width, height: header.height, limit: limits.pixelCount)
    }
    return try body(image, header)
  }

  private func acceptedFormat(of bytes: UnsafeRawBufferPointer, name: String) throws(ImageError) -> ImageFormat {
    guard !bytes.isEmpty else { throw .empty(name: name) }
    guard bytes.count <= limits.byteCount else {
      throw .tooManyBytes(name: name, bytes: bytes.count, limit: limits.byteCount)
    }
    switch ImageFormat.sniffed(in: bytes) {
    case .supported(let format): return format
    case .refused(let format): throw .refusedFormat(name: name, format: format)
    case .unknown: throw .unknownFormat(name: name)
    }
  }
}
