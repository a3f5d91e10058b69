import CVips

extension RGBImage {
  /// The picture at another size, by cubic interpolation.
  ///
  /// For eyes and for reading text. Encoders prepare their pictures by themselves, to the sample as their originals do.
  public func resized(width newWidth: Int, height newHeight: Int) throws(ImageError) -> RGBImage {
    precondition(newWidth > 0 && newHeight > 0, "a picture of \(newWidth) × \(newHeight) pixels")
    guard (newWidth, newHeight) != (width, height) else { return self }
    try Vips.start()
    let count = newWidth * newHeight * 3
    var failure: Vips.Failure?
    let resized = [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
      failure = Vips.attempt {
        cvips_resize(pixels, CInt(width), CInt(height), buffer.baseAddress, CInt(newWidth), CInt(newHeight), $0, $1)
      }
      initializedCount = failure == nil ? count : 0
    }
    if let failure { throw .unresizable(reason: failure.reason) }
    return RGBImage(width: newWidth, height: newHeight, pixels: resized)
  }
}
