import Foundation
import GRDB
import MemeData

extension LabelStore {
  /// Everything in one of the forms, from one state of the store whatever is written meanwhile.
  ///
  /// Pictures are named by their places in their dataset's folder.
  public func exported(as format: LabelFormat) throws(LabelStoreError) -> Data {
    let content = try read { try Content($0) }
    do {
      return switch format {
      case .jsonl: try content.rows.reduce(into: Data()) { try $0.append($1.jsonLine()) }
      case .csv: try content.table
      case .huggingFace: Data(try content.huggingFaceLines.utf8)
      case .labelStudio: try LabelStudioTask.encode(content.labelStudioTasks)
      }
    } catch {
      throw .unwritable(format, reason: "\(error)")
    }
  }

  /// A Hugging Face image folder that can be read as a dataset: pictures, `metadata.jsonl` and `tasks.json`.
  ///
  /// - Parameter folder: new or empty. Pictures are linked to where the file system can, and copied elsewhere.
  /// - Throws: ``LabelStoreError/unwritable(_:reason:)`` where the folder is not empty or pictures are gone, and
  ///   `DatasetWriteError`; nothing is written then. File system errors pass through.
  public func exportHuggingFace(to folder: URL) throws {
    let files = FileManager.default
    if let contents = try? files.contentsOfDirectory(atPath: folder.path), !contents.isEmpty {
      throw LabelStoreError.unwritable(
        .huggingFace, reason: "\(folder.path) is not empty; give a new or an empty folder")
    }
    // All of one state of the store, whatever is written meanwhile.
    let content = try read { try Content($0) }
    let gone = content.memes.compactMap { $0.image?.path }.filter { !files.fileExists(atPath: $0) }
    guard gone.isEmpty else { throw Self.pictures(areGone: gone) }
    // What cannot be written is told before there is a picture in the folder.
    _ = try content.huggingFaceLines
    let roots = Set(content.memes.map(\.root)).sorted { $0.path < $1.path }
    let written = try content.memes.map { meme -> Meme in
      var place: URL?
      if let image = meme.image, let name = meme.fileName {
        // Several datasets may have pictures of the same name.
        let prefix = roots.count == 1 ? "" : "dataset-\(roots.firstIndex(of: meme.root)! + 1)/"
        let target = folder.appending(path: prefix + (name.hasPrefix("/") ? "images/\(meme.id)" : name))
        // Several memes may have the same picture.
        if !files.fileExists(atPath: target.path) { try Self.link(image, to: target) }
        place = target
      }
      return content.meme(meme, image: place)
    }
    try Dataset.writeHuggingFace(memes: written, tasks: content.tasks, to: folder)
  }

  private static func pictures(areGone paths: [String]) -> LabelStoreError {
    let rest = paths.count > 3 ? " and \(paths.count - 3) more" : ""
    return .unwritable(
      .huggingFace,
      reason: """
        \(paths.count) \(paths.count == 1 ? "picture is" : "pictures are") not where the store has them: \
        \(paths.prefix(3).joined(separator: ", "))\(rest); where a dataset was moved, tell the store its new place: \
        memesense label import STORE DATASET
        """)
  }

  /// Gives a picture a second place. Where it is a symbolic link, what it leads to gets it: a relative link would lead
  /// nowhere from there.
  private static func link(_ image: URL, to target: URL) throws {
    let files = FileManager.default
    let source = image.resolvingSymlinksInPath()
    try files.createDirectory(at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
    do { try files.linkItem(at: source, to: target) } catch { try files.copyItem(at: source, to: target) }
  }

  /// What an export is made of.
  ///
  /// Tasks and memes are known by their numbers and order here: the database tells names apart that are equal as strings.
  private struct Content {
    var memes: [StoredMeme]
    var tasks: [LabelTask]
    /// All labels by meme, in the order that they were made.
    var events: [Int64: [(task: LabelTask, event: LabelEvent)]] = [:]
    /// The labels that stand, for each task.
    var current: [[LabelEvent]]
    /// The label that most people chose, for each task and by meme.
    private var consensus: [[Int64: Label]]

    init(_ database: Database) throws {
      memes = try LabelStore.memes(database)
      let numbered = try LabelStore.numberedTasks(database)
      tasks = numbered.map(\.task)
      let byNumber = Dictionary(uniqueKeysWithValues: numbered.map { ($0.id, $0.task) })
      for row in try Row.fetchAll(database, sql: LabelEvent.query + " ORDER BY label.id") {
        let number: Int64 = row["task"]
        let task = byNumber[number]!
        let event = try LabelEvent(row, task: task)
        events[event.meme, default: []].append((task, event))
      }
      current = try numbered.map { try LabelStore.currentLabels(task: $0.task.name, database) }
      consensus = current.map(LabelStore.consensus(of:))
    }

    /// A meme as a dataset has it, with what most people chose.
    func meme(_ meme: StoredMeme, image: URL?) -> Meme {
      var labels: [String: Label] = [:]
      for (task, chosen) in zip(tasks, consensus) { labels[task.name] = chosen[meme.id] }
      return Meme(id: meme.name, image: image, text: meme.text, labels: labels, split: meme.split)
    }

    var rows: [LabelRow] {
      get throws {
        try memes.flatMap { meme in
          let bare = LabelRow(id: meme.name, fileName: meme.fileName, text: meme.text, split: meme.split)
          guard let events = events[meme.id] else { return [bare] }
          return try events.map { task, event in
            var row = bare
            row.task = event.task
            row.label = try event.label.map(task.text)
            row.annotator = event.annotator
            row.note = event.note
            row.time = event.time
            row.undone = event.undone
            return row
          }
        }
      }
    }

    var table: Data {
      get throws {
        func quoted(_ cell: String) -> String {
          // What begins or ends with white space keeps it in quotes.
          let isPlain =
            cell.unicodeScalars.allSatisfy { !",\"\r\n\t".unicodeScalars.contains($0) } && cell.first != " "
            && cell.last != " "
          return isPlain ? cell : "\"" + cell.replacing("\"", with: "\"\"") + "\""
        }
        let header = LabelRow.CodingKeys.allCases.map(\.rawValue)
        let lines = try [header] + rows.map { try $0.cells }
        return Data(lines.map { $0.map(quoted).joined(separator: ",") + "\r\n" }.joined().utf8)
      }
    }

    var huggingFaceLines: String {
      get throws {
        try Dataset.huggingFaceLines(
          memes: memes.map { meme($0, image: $0.image) }, fileNames: memes.map(\.fileName), tasks: tasks)
      }
    }

    var labelStudioTasks: [LabelStudioTask] {
      get throws {
        var byMeme: [Int64: [LabelStudioTask.Annotation]] = [:]
        for (task, events) in zip(tasks, current) {
          for event in events {
            guard let label = event.label else { continue }
            byMeme[event.meme, default: []].append(
              .init(
                task: task.name, choices: task.chosenNames(of: label), annotator: event.annotator,
                note: event.note, time: event.time))
          }
        }
        return memes.map { meme in
          LabelStudioTask(
            id: meme.id,
            data: .init(id: meme.name, image: meme.fileName, text: meme.text, split: meme.split?.rawValue),
            annotations: byMeme[meme.id] ?? [])
        }
      }
    }
  }
}
