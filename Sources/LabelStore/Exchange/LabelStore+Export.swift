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
      throw .unusable(file: file.path, reason: "the labels cannot be written as \(format.rawValue): \(error)")
    }
  }

  /// A Hugging Face image folder that can be read as a dataset: pictures, `metadata.jsonl` and `tasks.json`.
  ///
  /// - Parameter folder: new or empty. Pictures are linked to where the file system can, and copied elsewhere.
  public func exportHuggingFace(to folder: URL) throws {
    let files = FileManager.default
    if let contents = try? files.contentsOfDirectory(atPath: folder.path), !contents.isEmpty {
      throw LabelStoreError.unusable(file: folder.path, reason: "the folder is not empty")
    }
    // All of one state of the store, whatever is written meanwhile.
    let content = try read { try Content($0) }
    let roots = Set(content.memes.map(\.root)).sorted { $0.path < $1.path }
    var written: [Meme] = []
    for meme in content.memes {
      var place: URL?
      if let image = meme.image, files.fileExists(atPath: image.path), let name = meme.fileName {
        // Several datasets may have pictures of the same name.
        let prefix = roots.count == 1 ? "" : "dataset-\(roots.firstIndex(of: meme.root)! + 1)/"
        let target = folder.appending(path: prefix + (name.hasPrefix("/") ? "images/\(meme.id)" : name))
        try files.createDirectory(at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
        do { try files.linkItem(at: image, to: target) } catch { try files.copyItem(at: image, to: target) }
        place = target
      }
      guard place != nil || meme.text != nil else { continue }
      written.append(
        Meme(id: meme.name, image: place, text: meme.text, labels: content.consensus(on: meme), split: meme.split))
    }
    try Dataset.writeHuggingFace(memes: written, tasks: content.tasks, to: folder)
  }

  /// What an export is made of.
  private struct Content {
    var memes: [StoredMeme]
    var tasks: [LabelTask]
    /// All labels by meme, in the order that they were made.
    var events: [Int64: [LabelEvent]] = [:]
    /// The labels that stand, by task.
    var current: [String: [LabelEvent]] = [:]
    /// The label that most people chose, by task and meme.
    private var consensus: [String: [Int64: Label]]

    init(_ database: Database) throws {
      memes = try LabelStore.memes(database)
      tasks = try LabelStore.tasks(database)
      let byName = Dictionary(uniqueKeysWithValues: tasks.map { ($0.name, $0) })
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT label.*, annotator.name AS annotator_name, task.name AS task_name FROM label
          JOIN annotator ON annotator.id = label.annotator JOIN task ON task.id = label.task ORDER BY label.id
          """)
      for row in rows {
        let event = try LabelEvent(row, task: byName[row["task_name"]]!)
        events[event.meme, default: []].append(event)
      }
      for task in tasks { current[task.name] = try LabelStore.currentLabels(task: task.name, database) }
      consensus = current.mapValues(LabelStore.consensus)
    }

    /// What most people chose for a meme, by task.
    func consensus(on meme: StoredMeme) -> [String: Label] { consensus.compactMapValues { $0[meme.id] } }

    var rows: [LabelRow] {
      get throws {
        let byName = Dictionary(uniqueKeysWithValues: tasks.map { ($0.name, $0) })
        return try memes.flatMap { meme in
          let bare = LabelRow(id: meme.name, fileName: meme.fileName, text: meme.text, split: meme.split)
          guard let events = events[meme.id] else { return [bare] }
          return try events.map { event in
            var row = bare
            row.task = event.task
            row.label = try event.label.map(byName[event.task]!.text)
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
        let names = Dictionary(uniqueKeysWithValues: memes.map { ($0.name, $0.fileName) })
        let memes = memes.map { meme in
          Meme(
            id: meme.name, image: meme.image, text: meme.text, labels: consensus(on: meme), split: meme.split)
        }
        return try Dataset.huggingFaceLines(memes: memes, tasks: tasks) { names[$0.id] ?? nil }
      }
    }

    var labelStudioTasks: [LabelStudioTask] {
      get throws {
        var byMeme: [Int64: [LabelStudioTask.Annotation]] = [:]
        for task in tasks {
          for event in current[task.name] ?? [] {
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
