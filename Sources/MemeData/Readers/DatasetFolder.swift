import Foundation

/// The folder of a dataset while it is read: listings and annotation files, each fetched once.
///
/// Whether an image exists is answered from one listing per folder, never by asking for each file.
final class DatasetFolder {
  let root: URL
  /// The only annotations file to be read, relative to the root, when the caller named one.
  let only: String?
  private var listings: [String: Set<String>] = [:]
  private var contents: [String: [UInt8]] = [:]

  init(_ url: URL) throws(DatasetError) {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else { throw .notFound(url) }
    let url = url.standardizedFileURL
    if isFolder.boolValue {
      root = URL(filePath: url.path, directoryHint: .isDirectory)
      only = nil
    } else {
      // HarMeme keeps its annotations one folder below the images' parent.
      let parent = url.deletingLastPathComponent()
      let isNested = parent.lastPathComponent == "annotations"
      root = isNested ? parent.deletingLastPathComponent() : parent
      only = isNested ? "annotations/" + url.lastPathComponent : url.lastPathComponent
    }
  }

  /// The names in a folder below the root; empty when there is no such folder.
  func names(in folder: String) throws(DatasetError) -> Set<String> {
    if let known = listings[folder] { return known }
    let path = folder.isEmpty ? root.path : root.path + "/" + folder
    var isFolder: ObjCBool = false
    var names: Set<String> = []
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
      do {
        names = Set(try FileManager.default.contentsOfDirectory(atPath: path))
      } catch {
        throw .unreadable(file: path, reason: "the folder cannot be listed: \(error.localizedDescription)")
      }
    }
    listings[folder] = names
    return names
  }

  /// The bytes of an annotations file without its byte-order mark.
  func bytes(of file: String) throws(DatasetError) -> [UInt8] {
    if let known = contents[file] { return known }
    var bytes: [UInt8]
    do {
      bytes = [UInt8](try Data(contentsOf: URL(filePath: root.path + "/" + file, directoryHint: .notDirectory)))
    } catch {
      throw .unreadable(file: file, reason: "cannot be read: \(error.localizedDescription)")
    }
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
      throw .unreadable(file: file, reason: "is UTF-16; save it as UTF-8")
    }
    contents[file] = bytes
    return bytes
  }

  /// The rows of an annotations file.
  func records(of file: String) throws(DatasetError) -> RecordReader {
    RecordReader(file: file, bytes: try bytes(of: file))
  }

  /// The field names of the first row that can be read, empty when there is none.
  func fields(of file: String) throws(DatasetError) -> Set<String> {
    var records = try records(of: file)
    while let next = records.next() {
      if case .success(let record) = next { return Set(record.fields.keys) }
    }
    return []
  }

  /// Annotation files of the given stems and extensions in the given folders, spelled in any case; earlier stems and
  /// folders first. When the caller named one file, it alone, whatever it is called.
  func find(_ stems: [String], _ extensions: [String], in folders: [String] = [""]) throws(DatasetError) -> [String] {
    if let only { return extensions.contains { only.lowercased().hasSuffix("." + $0) } ? [only] : [] }
    var found: [String] = []
    let top = try names(in: "")
    for stem in stems {
      for folder in folders {
        let spellings = folder.isEmpty ? [""] : top.filter { $0.lowercased() == folder.lowercased() }.sorted()
        for spelling in spellings {
          let wanted = Set(extensions.map { stem.lowercased() + "." + $0 })
          let names = try names(in: spelling).filter { wanted.contains($0.lowercased()) }.sorted()
          found += names.map { spelling.isEmpty ? $0 : spelling + "/" + $0 }
        }
      }
    }
    return found
  }

  /// For each split the first file of its stems that is there. A file that the caller named has the split its name says.
  func splitFiles(
    _ stems: KeyValuePairs<Split, [String]>, _ extensions: [String], in folders: [String] = [""]
  ) throws(DatasetError) -> [AnnotationsFile] {
    if only != nil { return try find([], extensions).map { AnnotationsFile(path: $0, split: Split(fileNamed: $0)) } }
    var files: [AnnotationsFile] = []
    for (split, stems) in stems {
      if let path = try find(stems, extensions, in: folders).first {
        files.append(AnnotationsFile(path: path, split: split))
      }
    }
    return files
  }

  /// The image that a row names, sought in each folder in turn, the annotations' own first; `nil` when none holds it.
  ///
  /// - Throws: `RowFault` when the path leaves the dataset folder, by itself or by `..`.
  func image(named name: String, in folders: [String]) throws(RowFault) -> URL? {
    guard !name.hasPrefix("/") else {
      throw RowFault("image path '\(name)' is absolute; expected one inside the dataset")
    }
    for (rank, folder) in folders.enumerated() {
      var components = folder.split(separator: "/").map(String.init)
      // `..` may climb from the annotations' own folder to the root, and nowhere out of the folders tried after it.
      let floor = rank == 0 ? 0 : components.count
      var isInside = true
      for part in name.split(separator: "/") where part != "." && isInside {
        if part != ".." {
          components.append(String(part))
        } else if components.count > floor {
          components.removeLast()
        } else {
          isInside = false
        }
      }
      if rank == 0, !isInside { throw RowFault("image path '\(name)' leaves the dataset folder") }
      guard isInside else { continue }
      guard let file = components.popLast() else { continue }
      let place = components.joined(separator: "/")
      let names: Set<String>
      do { names = try self.names(in: place) } catch { throw RowFault("image '\(name)': \(error)") }
      // Equality of strings is canonical equivalence; the spelling on disk is the one that opens.
      guard let index = names.firstIndex(of: file) else { continue }
      let path = root.path + "/" + (place.isEmpty ? "" : place + "/") + names[index]
      return URL(filePath: path, directoryHint: .notDirectory)
    }
    return nil
  }
}
