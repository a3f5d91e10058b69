import CVips
import Foundation

extension RGBImage {
  /// The picture as a JPEG file without metadata.
  ///
  /// - Parameters:
  ///   - quality: 1 to 100, as libjpeg counts it.
  ///   - maxSide: a picture with a longer side is shrunk to it, in proportion.
  public func jpegData(quality: Int = 85, maxSide: Int? = nil) throws(ImageError) -> Data {
    precondition((1...100).contains(quality), "a JPEG quality of \(quality); expected 1 to 100")
    return try encoded(as: .jpeg, quality: quality, maxSide: maxSide)
  }

  /// The picture as a PNG file without metadata, shrunk to `maxSide` where it is larger.
  public func pngData(maxSide: Int? = nil) throws(ImageError) -> Data {
    try encoded(as: .png, quality: 100, maxSide: maxSide)
  }

  private func encoded(as format: ImageFormat, quality: Int, maxSide: Int?) throws(ImageError) -> Data {
    precondition((maxSide ?? 1) > 0, "a longest side of \(maxSide ?? 1) pixels")
    try Vips.start()
    var bytes: UnsafeMutablePointer<UInt8>?
    var count = 0
    let failure = Vips.attempt {
      cvips_encode(
        format.shimFormat, pixels, CInt(width), CInt(height), CInt(clamping: maxSide ?? 0), CInt(quality), &bytes,
        &count, $0, $1)
    }
    guard failure == nil, let bytes else { throw .unencodable(reason: failure?.reason ?? "no bytes came") }
    defer { cvips_free(bytes) }
    return Data(bytes: bytes, count: count)
  }
}

extension ImageDecoder {
  /// A small JPEG of a picture for a page that shows many: first frame, upright, metadata stripped.
  public func thumbnail(of data: Data, name: String, maxSide: Int) throws(ImageError) -> Data {
    try decode(data, name: name).jpegData(maxSide: maxSide)
  }
}
