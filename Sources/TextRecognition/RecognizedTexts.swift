import Crypto
import Foundation
import MemeData
import Synchronization

/// Texts read off pictures, remembered on disk by the content of the picture's file.
///
/// A file of JSON lines for each language and version of the reading, to which a line is appended as soon as a picture
/// has been read: a killed process loses the picture that it was at. A last line without an end is such a loss and is
/// read anew.
public final class RecognizedTexts: Sendable {
  private struct Entry: Codable {
    /// SHA-256 of the picture's file, in hexadecimal.
    var image: String
    var text: String
  }

  /// Raised whenever the same picture would be read otherwise.
  private static let version = 1

  public let language: String
  public let file: URL
  private let texts: Mutex<[String: String]>
  private let decoder = ImageDecoder()

  /// Opens or makes the memory of a language in a folder.
  public init(folder: URL, language: String = TextRecognizer.defaultLanguage) throws {
    self.language = language
    // Tesseract's names of scripts, such as script/Latin, are paths.
    file = folder.appending(path: "\(language.replacing("/", with: "-"))-\(Self.version).jsonl")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    do { try Data().write(to: file, options: .withoutOverwriting) } catch CocoaError.fileWriteFileExists {
      // By an earlier run, or by one that begins at the same time.
    }
    texts = Mutex(try Self.entries(of: file))
  }

  private static func entries(of file: URL) throws -> [String: String] {
    let lines = try Data(contentsOf: file).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let decoder = JSONDecoder()
    return try lines.dropLast().enumerated().reduce(into: [:]) { texts, line in
      guard let entry = try? decoder.decode(Entry.self, from: line.element) else {
        throw RecognitionError.damagedMemory(file: file.path, line: line.offset + 1)
      }
      texts[entry.image] = entry.text
    }
  }

  /// Gives every meme that has a picture and no text the text on its picture, if there is any.
  ///
  /// All cores read; a picture is read once however many memes have it and however often it is asked for.
  ///
  /// - Parameter progress: told how many pictures are done of those without text, one call at a time and in order.
  /// - Throws: ``RecognitionError``, or that the memory cannot be written. A picture that cannot be read is a problem and leaves
  ///   its meme without text.
  public func fill(
    _ memes: [Meme], progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void
  ) throws -> (memes: [Meme], problems: [UnreadablePicture]) {
    let missing = memes.indices.filter { memes[$0].image != nil && (memes[$0].text ?? "").isEmpty }
    guard !missing.isEmpty else { return (memes, []) }
    let handle = try FileHandle(forUpdating: file)
    defer { try? handle.close() }
    let found = Mutex<[Int: String]>([:])
    let problems = Mutex<[(index: Int, problem: UnreadablePicture)]>([])
    let recognizers = try TextRecognizers(language: language)
    try AllCores.forEach(below: missing.count) { position in
      let index = missing[position]
      let meme = memes[index]
      do {
        let text = try self.text(of: meme.image!, recognizers, appendingTo: handle)
        found.withLock { $0[index] = text }
      } catch let error as ImageError {
        problems.withLock { $0.append((index, UnreadablePicture(id: meme.id, reason: error.description))) }
      }
    } finished: { done in
      progress(done, missing.count)
    }
    var filled = memes
    for (index, text) in found.withLock({ $0 }) where !text.isEmpty { filled[index].text = text }
    return (filled, problems.withLock { $0 }.sorted { $0.index < $1.index }.map(\.problem))
  }

  private func text(of image: URL, _ recognizers: TextRecognizers, appendingTo handle: FileHandle) throws -> String {
    let bytes = try decoder.bytes(contentsOf: image)
    let key = SHA256.hash(data: bytes).hex
    if let known = texts.withLock({ $0[key] }) { return known }
    let text = try recognizers.text(on: decoder.decode(bytes, name: image.path)).text
    let line = try Entry(image: key, text: text).jsonLine()
    try texts.withLock { texts in
      texts[key] = text
      // Another process may be at it too: it must neither write into this line nor have its own cut off.
      while flock(handle.fileDescriptor, LOCK_EX) != 0, errno == EINTR {}
      defer { flock(handle.fileDescriptor, LOCK_UN) }
      try Self.endLastLine(of: handle)
      try handle.seekToEnd()
      try handle.write(contentsOf: line)
    }
    return text
  }

  /// What a killed process had begun to write is no line; the next one must not be glued to it.
  private static func endLastLine(of handle: FileHandle) throws {
    let end = try handle.seekToEnd()
    guard end > 0 else { return }
    try handle.seek(toOffset: end - 1)
    guard try handle.read(upToCount: 1) != Data("\n".utf8) else { return }
    var start = end
    while start > 0 {
      try handle.seek(toOffset: start - 1)
      if try handle.read(upToCount: 1) == Data("\n".utf8) { break }
      start -= 1
    }
    try handle.truncate(atOffset: start)
  }
}
