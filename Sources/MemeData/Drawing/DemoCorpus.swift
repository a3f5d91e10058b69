import Foundation

/// A corpus of image macros that MemeSense draws itself, to show and to test what it does.
///
/// Captions liken somebody to a picture, or say that they differ; the label `mean` depends on both together. Every
/// meme has a twin with the same caption or the same picture and the opposite label. The memes are harmless and
/// invented. One seed draws the same bytes each time, given the same fonts and libraries.
public struct DemoCorpus: Sendable {
  public let memeCount: Int
  public let seed: UInt64

  public init(memeCount: Int = 3000, seed: UInt64 = 42) {
    precondition((0...100_000).contains(memeCount), "\(memeCount) memes; at most 100000 have captions of their own")
    self.memeCount = memeCount
    self.seed = seed
  }

  /// The question that its labels answer.
  public static let task = LabelTask(name: "mean", kind: .binary, labels: ["mean"])

  /// Draws the corpus into a new folder in the layout of Hugging Face datasets: `images/` and `metadata.jsonl` with
  /// `file_name`, `text`, `mean` (0 or 1) and `split`.
  ///
  /// The folder appears whole or not at all. All cores draw.
  ///
  /// - Parameter progress: told the number of memes drawn so far, from whatever thread drew the last one, one call at
  ///   a time and in order.
  /// - Throws: when a font is missing, when `folder` exists, or when it cannot be written.
  public func write(to folder: URL, progress: (@Sendable (Int) -> Void)? = nil) throws(DemoCorpusError) {
    guard !FileManager.default.fileExists(atPath: folder.path) else { throw .exists(path: folder.path) }
    let palette = try DemoPalette()
    let memes = plan()
    let partial = folder.deletingLastPathComponent().appending(path: ".\(folder.lastPathComponent).partial")
    do {
      // What a killed run left behind.
      if FileManager.default.fileExists(atPath: partial.path) { try FileManager.default.removeItem(at: partial) }
      try FileManager.default.createDirectory(
        at: partial.appending(path: "images"), withIntermediateDirectories: true)
      try draw(memes, with: palette, into: partial, progress)
      try metadata(of: memes).write(to: partial.appending(path: "metadata.jsonl"))
      try FileManager.default.moveItem(at: partial, to: folder)
    } catch let error as DemoCorpusError {
      throw error
    } catch let error as ImageError {
      throw .notDrawn(error)
    } catch {
      throw .notWritten(path: folder.path, reason: error.localizedDescription)
    }
  }

  func plan() -> [DemoMeme] {
    var plan = DemoPlan(seed: seed)
    return plan.memes(count: memeCount)
  }

  private func draw(
    _ memes: [DemoMeme], with palette: DemoPalette, into folder: URL, _ progress: (@Sendable (Int) -> Void)?
  ) throws {
    try AllCores.forEach(below: memes.count) { index in
      let file = try memes[index].drawn(with: palette).jpegData(quality: 88)
      try file.write(to: folder.appending(path: Self.fileName(at: index)))
    } finished: { done in
      progress?(done)
    }
  }

  private struct Row: Encodable {
    enum CodingKeys: String, CodingKey {
      case fileName = "file_name"
      case text, mean, split
    }
    var fileName: String
    var text: String
    var mean: Int
    var split: Split
  }

  private func metadata(of memes: [DemoMeme]) throws -> Data {
    var lines = Data()
    for (index, meme) in memes.enumerated() {
      let row = Row(
        fileName: Self.fileName(at: index), text: meme.caption.text, mean: meme.isMean ? 1 : 0, split: meme.split)
      lines += try row.jsonLine()
    }
    return lines
  }

  private static func fileName(at index: Int) -> String {
    let digits = String(index)
    return "images/" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits + ".jpg"
  }
}

/// Why the demo corpus could not be drawn.
public enum DemoCorpusError: Error, Sendable, Equatable, CustomStringConvertible {
  case missingFont(name: String, package: String)
  case exists(path: String)
  case notDrawn(ImageError)
  case notWritten(path: String, reason: String)

  public var description: String {
    switch self {
    case .missingFont(let name, let package):
      "the font \(name) is not installed, and the demo's memes are drawn with it; on Debian: apt install \(package)"
    case .exists(let path):
      "\(path) exists already; remove it or choose another folder for the demo's memes"
    case .notDrawn(let error):
      "the demo's memes could not be drawn: \(error)"
    case .notWritten(let path, let reason):
      "\(path): cannot be written: \(reason)"
    }
  }
}
