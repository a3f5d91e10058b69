import Foundation

/// Which memes of a dataset take part, and in which split: what `memesense data audit --fix` writes.
///
/// A file of JSON lines, one a meme, in the order of the dataset:
///
///     {"id": "covid_memes_17", "split": "train"}
///
/// Memes that it does not list are left out. The dataset itself stays as it is.
public struct SplitFile: Sendable, Equatable {
  /// One meme that takes part.
  public struct Entry: Sendable, Equatable, Codable {
    public var id: String
    public var split: Split

    public init(id: String, split: Split) {
      self.id = id
      self.split = split
    }
  }

  public var entries: [Entry]

  public init(entries: [Entry]) {
    self.entries = entries
  }

  /// Reads a file strictly: every line must be understood, and no id stand twice.
  ///
  /// - Throws: ``DatasetError`` that names the file and, for bad lines, each of the first ones.
  public init(contentsOf url: URL) throws(DatasetError) {
    guard FileManager.default.fileExists(atPath: url.path) else { throw .notFound(url) }
    guard let data = FileManager.default.contents(atPath: url.path) else {
      throw .unreadable(file: url.path, reason: "cannot be read")
    }
    var records = RecordReader(file: url.lastPathComponent, bytes: [UInt8](data))
    var ids: Set<String> = []
    var problems: [RowProblem] = []
    entries = []
    while let next = records.next() {
      switch next {
      case .failure(let problem): problems.append(problem)
      case .success(let record):
        do throws(RowFault) {
          let entry = try Self.entry(record)
          guard ids.insert(entry.id).inserted else {
            throw RowFault("the id '\(entry.id)' stands in an earlier row too")
          }
          entries.append(entry)
        } catch {
          problems.append(record.problem(error.message))
        }
      }
    }
    if !problems.isEmpty { throw .badRows(problems) }
    guard !entries.isEmpty else {
      throw .unreadable(
        file: url.path, reason: "lists no meme; expected lines such as {\"id\": \"17\", \"split\": \"train\"}")
    }
  }

  private static func entry(_ record: Record) throws(RowFault) -> Entry {
    let name = try record.required("split")
    guard let split = Split(rawValue: name) else {
      let known = Split.allCases.map(\.rawValue).joined(separator: ", ")
      throw RowFault("field 'split' is '\(name)'; expected one of \(known)")
    }
    return Entry(id: try record.required("id"), split: split)
  }

  /// Whether a new list may be written to a path: nothing is there, or what is none of the user's files (`/dev/stdout`, a
  /// pipe), or an empty file, or exactly what an earlier call wrote. A dataset's own annotations are none of these.
  public static func mayReplace(_ url: URL) -> Bool {
    let keys: Set<URLResourceKey> = [.isRegularFileKey, .fileSizeKey]
    guard !url.path.hasPrefix("/dev/"), let values = try? url.resolvingSymlinksInPath().resourceValues(forKeys: keys),
      values.isRegularFile == true, values.fileSize != 0
    else { return true }
    guard let bytes = FileManager.default.contents(atPath: url.path), let list = try? SplitFile(contentsOf: url) else {
      return false
    }
    return (try? list.jsonLines()) == bytes
  }

  /// The file's content.
  public func jsonLines() throws -> Data { try entries.reduce(into: Data()) { $0 += try $1.jsonLine() } }
}

extension Dataset {
  /// The memes that a split file lists, in the splits that it says.
  ///
  /// - Parameter name: what the error calls the file.
  /// - Throws: ``DatasetError`` where it lists a meme that the dataset does not have: it belongs to another one.
  public func selecting(_ file: SplitFile, named name: String) throws(DatasetError) -> Dataset {
    let splits = Dictionary(file.entries.map { ($0.id, $0.split) }) { first, _ in first }
    var selected = self
    selected.memes = memes.compactMap { meme in
      splits[meme.id].map { split in
        var meme = meme
        meme.split = split
        return meme
      }
    }
    guard selected.memes.count == splits.count else {
      let known = Set(memes.map(\.id))
      let strays = file.entries.map(\.id).filter { !known.contains($0) }
      throw .unreadable(
        file: name,
        reason: "\(strays.count) of its memes are not in \(root.path), '\(strays[0])' first; give the file made for it")
    }
    return selected
  }
}
