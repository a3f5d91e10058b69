import Foundation

/// The Hugging Face image folder: `metadata.jsonl` or `metadata.csv` with `file_name`, `text` and label columns, at the
/// top or one in each of `train/`, `validation/` (`val`, `valid`, `dev`) and `test/`.
///
/// - `id` (else the image path) identifies a meme; a `split` column, where there is one, goes before the folder's name.
/// - Every other column is a task: truth values and 0/1 make a binary one, strings or whole numbers a multi-class one
///   with sorted class names, lists of strings a multi-label one with sorted label names. A column that mixes kinds is
///   judged by the majority, the minority being bad rows. Fractions, objects, free text (over 100 different strings,
///   numbers or listed names in more than half of the rows), and one class that all rows share are no labels.
/// - A file `tasks.json`, as ``Dataset/writeHuggingFace(memes:tasks:to:)`` writes it, fixes tasks and class order instead.
enum HuggingFaceReader: DatasetReader {
  static let format = DatasetFormat.huggingFace
  static let layout = "metadata.jsonl or metadata.csv with file_name and text, also in train/, validation/, test/"

  static let tasksFile = "tasks.json"
  static let reservedColumns: Set<String> = ["file_name", "text", "id", "split"]

  private static func files(_ folder: DatasetFolder) throws(DatasetError) -> [AnnotationsFile] {
    if let only = folder.only {
      let isTable = [".jsonl", ".csv", ".tsv"].contains { only.lowercased().hasSuffix($0) }
      guard isTable, try folder.fields(of: only).contains("file_name") else { return [] }
      return [AnnotationsFile(path: only, split: Split(fileNamed: only))]
    }
    var files: [AnnotationsFile] = []
    let folders = try folder.names(in: "").sorted().map { ($0, Split(conventionalName: $0)) }
    let places = [("", nil)] + Split.allCases.flatMap { split in folders.filter { $0.1 == split } }
    for (place, split) in places {
      let names = try folder.names(in: place)
      if let name = ["metadata.jsonl", "metadata.csv"].first(where: names.contains) {
        files.append(AnnotationsFile(path: place.isEmpty ? name : place + "/" + name, split: split))
      }
    }
    return files
  }

  static func recognises(_ folder: DatasetFolder) throws(DatasetError) -> Bool {
    let files = try files(folder)
    // A lone MAMI file names its images the same way.
    guard let only = folder.only, !files.isEmpty else { return !files.isEmpty }
    return try !folder.fields(of: only).contains("Text Transcription")
  }

  static func read(_ folder: DatasetFolder) throws(DatasetError) -> DatasetContents {
    var rows = MemeRows(folder)
    var labels: [String: Record] = [:]
    for file in try files(folder) {
      let place = file.path.split(separator: "/").dropLast().map { $0 + "/" }.joined()
      try rows.read(file) { record throws(RowFault) in
        let name = try record.string("file_name")
        guard let id = try record.string("id") ?? name.map({ place + $0 }) else {
          throw RowFault("field 'file_name' is missing, and there is no 'id'")
        }
        let isAbsent = record.fields["file_name"] == nil
        let image: ImageName = isAbsent ? .missing(field: "file_name") : name.map { .file($0) } ?? .none
        return MemeDraft(id: id, image: image, text: try record.text("text"), split: try split(of: record))
      } kept: { meme, record in
        labels[meme.id] = record.dropping(reservedColumns)
      }
    }
    var columns: [String] = []
    for record in rows.memes.lazy.compactMap({ labels[$0.id] }) {
      for name in record.names where !columns.contains(name) { columns.append(name) }
    }
    let tasks =
      try declaredTasks(folder)
      ?? columns.compactMap { LabelColumn(name: $0, in: labels.values).task(named: $0) }
    let readers = tasks.map(ColumnLabels.init(of:))
    rows.revise { meme in
      guard let record = labels[meme.id] else { return .success(meme) }
      var meme = meme
      do throws(RowFault) {
        for reader in readers { meme.labels[reader.task.name] = try reader.label(in: record) }
        return .success(meme)
      } catch {
        return .failure(record.problem(error.message))
      }
    }
    return rows.contents(tasks: tasks)
  }

  private static func split(of record: Record) throws(RowFault) -> Split? {
    guard let name = try record.string("split") else { return nil }
    guard let split = Split(conventionalName: name) else {
      throw RowFault("unknown split '\(name)'; expected train, validation or test")
    }
    return split
  }

  private static func declaredTasks(_ folder: DatasetFolder) throws(DatasetError) -> [LabelTask]? {
    guard try folder.names(in: "").contains(tasksFile) else { return nil }
    let tasks: [LabelTask]
    do {
      tasks = try JSONDecoder().decode([LabelTask].self, from: Data(try folder.bytes(of: tasksFile)))
    } catch let error as DatasetError {
      throw error
    } catch {
      throw .unreadable(
        file: tasksFile, reason: "expected a list of tasks with name, kind (binary, multiclass, multilabel) and labels")
    }
    if let fault = tasks.fault { throw .unreadable(file: tasksFile, reason: fault) }
    return tasks
  }
}
