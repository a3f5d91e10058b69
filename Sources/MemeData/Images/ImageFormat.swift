/// A picture format that MemeSense reads.
public enum ImageFormat: String, Sendable, Equatable, CaseIterable {
  case jpeg = "JPEG"
  case png = "PNG"
  case webp = "WebP"
  case gif = "GIF"
}

extension ImageFormat {
  /// What the first bytes of a file say it is, whatever its name says.
  enum Sniffed: Equatable {
    case supported(ImageFormat)
    /// A format known by name and refused.
    case refused(String)
    case unknown
  }

  /// Tells a format from the first bytes of a file; it looks at no more than 512 of them.
  static func sniffed(in bytes: UnsafeRawBufferPointer) -> Sniffed {
    let head = [UInt8](bytes.prefix(512))
    for signature in signatures where signature.matches(head) {
      return signature.meaning
    }
    return markup(in: head).map(Sniffed.refused) ?? .unknown
  }

  private struct Signature {
    var meaning: Sniffed
    var parts: [(offset: Int, bytes: [UInt8])]

    init(_ meaning: Sniffed, _ parts: (Int, [UInt8])...) {
      self.meaning = meaning
      self.parts = parts.map { (offset: $0.0, bytes: $0.1) }
    }

    func matches(_ head: [UInt8]) -> Bool {
      parts.allSatisfy { part in
        head.count >= part.offset + part.bytes.count && head[part.offset...].starts(with: part.bytes)
      }
    }
  }

  /// Longer and rarer signatures come first: "BM" begins many a text.
  private static let signatures: [Signature] = [
    Signature(.supported(.jpeg), (0, [0xFF, 0xD8, 0xFF])),
    Signature(.supported(.png), (0, [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])),
    Signature(.supported(.webp), (0, ascii("RIFF")), (8, ascii("WEBP"))),
    Signature(.supported(.gif), (0, ascii("GIF87a"))),
    Signature(.supported(.gif), (0, ascii("GIF89a"))),
    Signature(.refused("AVIF"), (4, ascii("ftypavif"))),
    Signature(.refused("AVIF"), (4, ascii("ftypavis"))),
    Signature(.refused("HEIC"), (4, ascii("ftyphei"))),
    Signature(.refused("HEIC"), (4, ascii("ftyphev"))),
    Signature(.refused("HEIF"), (4, ascii("ftypmif1"))),
    Signature(.refused("HEIF"), (4, ascii("ftypmsf1"))),
    Signature(.refused("video (MP4 or QuickTime)"), (4, ascii("ftyp"))),
    Signature(.refused("video (WebM or Matroska)"), (0, [0x1A, 0x45, 0xDF, 0xA3])),
    Signature(.refused("TIFF"), (0, [0x49, 0x49, 0x2A, 0x00])),
    Signature(.refused("TIFF"), (0, [0x4D, 0x4D, 0x00, 0x2A])),
    Signature(.refused("TIFF"), (0, [0x49, 0x49, 0x2B, 0x00])),
    Signature(.refused("JPEG 2000"), (0, [0, 0, 0, 0x0C, 0x6A, 0x50, 0x20, 0x20])),
    Signature(.refused("JPEG 2000"), (0, [0xFF, 0x4F, 0xFF, 0x51])),
    Signature(.refused("JPEG XL"), (0, [0, 0, 0, 0x0C, 0x4A, 0x58, 0x4C, 0x20])),
    Signature(.refused("JPEG XL"), (0, [0xFF, 0x0A])),
    Signature(.refused("Photoshop"), (0, ascii("8BPS"))),
    Signature(.refused("PDF"), (0, ascii("%PDF-"))),
    Signature(.refused("PostScript"), (0, ascii("%!PS"))),
    Signature(.refused("zip archive"), (0, [0x50, 0x4B, 0x03, 0x04])),
    Signature(.refused("gzip archive"), (0, [0x1F, 0x8B, 0x08])),
    Signature(.refused("Git LFS pointer"), (0, ascii("version https://git-lfs"))),
    Signature(.refused("ICO"), (0, [0, 0, 1, 0])),
    Signature(.refused("BMP"), (0, ascii("BM")), (6, [0, 0, 0, 0])),
  ]

  private static func ascii(_ text: String) -> [UInt8] { [UInt8](text.utf8) }

  /// The kind of markup that `head` begins with: a web server often answers a picture's address with a page.
  private static func markup(in head: [UInt8]) -> String? {
    let text = String(decoding: head, as: UTF8.self).lowercased()
      .drop { $0.isWhitespace || $0 == "\u{FEFF}" }
    guard text.first == "<" else { return nil }
    if text.contains("<svg") { return "SVG" }
    if text.contains("<!doctype html") || text.contains("<html") || text.contains("<head") { return "HTML" }
    return text.hasPrefix("<?xml") ? "XML" : nil
  }
}
