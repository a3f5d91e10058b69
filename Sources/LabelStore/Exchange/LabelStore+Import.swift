import Audit
import Foundation
import GRDB
import MemeData

extension LabelStore {
  /// Takes up a file of labels, all of it or nothing.
  ///
  /// Rows are about memes of the store, by `id`; a row with a picture or a text of its own brings a new one along. Labels
  /// that the store has already are left out, so that a file may be taken up twice. A task that the store does not know
  /// gets the labels that the file has for it.
  ///
  /// - Parameters:
  ///   - name: what the file is called; `.csv` and `.tsv` are tables.
  ///   - images: the folder below which new memes' pictures are sought; without one there are none.
  ///   - annotator: whose labels those are that do not say.
  /// - Throws: ``LabelStoreError/unreadable(file:reason:)`` and ``LabelStoreError/badRows(file:problems:)``.
  @discardableResult
  public func importLabels(
    _ data: Data, named name: String, images: URL? = nil, annotator: String = "file"
  ) throws(LabelStoreError) -> Addition {
    var problems: [String] = []
    let rows = try Self.rows(of: data, named: name, problems: &problems)
    guard problems.isEmpty else { throw .badRows(file: name, problems: problems) }
    guard !rows.isEmpty else { throw .unreadable(file: name, reason: "there is not one row in it") }
    let folder: DatasetImages?
    do { folder = try images.map(DatasetImages.init) } catch {
      throw .unreadable(file: name, reason: "its pictures: \(error)")
    }
    return try write { database in
      var work = ImportWork(name: name, annotator: annotator, folder: folder, database: database)
      try work.addTasks(of: rows)
      for row in rows { work.add(row) }
      guard work.problems.isEmpty else { throw LabelStoreError.badRows(file: name, problems: work.problems) }
      return work.addition
    }
  }

  /// A row and what errors call it.
  fileprivate typealias PlacedRow = (place: String, row: LabelRow)

  private static func rows(
    of data: Data, named name: String, problems: inout [String]
  ) throws(LabelStoreError) -> [PlacedRow] {
    if data.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) == UInt8(ascii: "["), !isTable(name) {
      return try labelStudioRows(of: data, named: name)
    }
    var rows: [PlacedRow] = []
    for row in AnnotationRow.rows(of: Array(data), named: name) {
      do throws(RowProblem) {
        let row = try row.get()
        rows.append(("line \(row.line)", try LabelRow(row, file: name)))
      } catch {
        problems.append("line \(error.line): \(error.message)")
      }
    }
    return rows
  }

  private static func isTable(_ name: String) -> Bool {
    [".csv", ".tsv"].contains { name.lowercased().hasSuffix($0) }
  }

  private static func labelStudioRows(of data: Data, named name: String) throws(LabelStoreError) -> [PlacedRow] {
    let tasks: [LabelStudioTask]
    do {
      tasks = try JSONDecoder().decode([LabelStudioTask].self, from: data)
    } catch let error as DecodingError {
      throw .unreadable(file: name, reason: error.placedReason)
    } catch {
      throw .unreadable(file: name, reason: "not JSON: \(error)")
    }
    return tasks.enumerated().flatMap { number, task -> [PlacedRow] in
      let place = "task \(number + 1)"
      let image = task.data.image.map(localName)
      let bare = LabelRow(
        id: task.data.id ?? image ?? "", fileName: image, text: task.data.text?.nonEmpty,
        split: task.data.split.flatMap(Split.init))
      let annotations = (task.annotations ?? []).filter { $0.wasCancelled != true }
      let labels = annotations.flatMap { annotation in
        annotation.result.filter { $0.type == "choices" }.map { result -> PlacedRow in
          var row = bare
          row.task = result.fromName
          row.label = .names(result.value.choices ?? [])
          row.annotator = annotation.annotator
          row.note = annotation.note
          row.time = annotation.createdAt.flatMap(LabelRow.date)
          return (place, row)
        }
      }
      return labels.isEmpty ? [(place, bare)] : labels
    }
  }

  /// The path below its root of a picture that Label Studio serves from files of its machine.
  private static func localName(_ path: String) -> String {
    guard let range = path.range(of: "/data/local-files/?d=") else { return path }
    return path[range.upperBound...].removingPercentEncoding ?? path
  }
}

extension DecodingError {
  /// Where in a file what was expected.
  fileprivate var placedReason: String {
    func place(_ context: Context) -> String {
      context.codingPath.reduce(into: "") { path, key in
        path += key.intValue.map { "[\($0)]" } ?? (path.isEmpty ? key.stringValue : ".\(key.stringValue)")
      }
    }
    return switch self {
    case .keyNotFound(let key, let context): "\(place(context)) has no '\(key.stringValue)'"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      "\(place(context)): \(context.debugDescription)"
    case .dataCorrupted(let context): "not JSON: \(context.debugDescription)"
    @unknown default: "not as expected"
    }
  }
}

/// One file on its way into the store.
private struct ImportWork {
  let name: String
  let annotator: String
  let folder: DatasetImages?
  let database: Database
  var tasks: [String: (id: Int64, task: LabelTask)] = [:]
  var addition = Addition()
  var problems: [String] = []
  private var dataset: Int64?

  init(name: String, annotator: String, folder: DatasetImages?, database: Database) {
    self.name = name
    self.annotator = annotator
    self.folder = folder
    self.database = database
  }

  /// Finds the tasks that rows are about, and makes those that the store does not have out of their labels.
  mutating func addTasks(of rows: [LabelStore.PlacedRow]) throws {
    for task in try LabelStore.tasks(database) {
      tasks[task.name] = try LabelStore.task(named: task.name, database)
    }
    let unknown = Dictionary(grouping: rows.compactMap { $0.row.task == nil ? nil : $0.row }) { $0.task! }
      .filter { tasks[$0.key] == nil }
    for (name, rows) in unknown.sorted(by: { $0.key < $1.key }) {
      guard let task = Self.task(named: name, of: rows.compactMap(\.label)) else {
        problems.append("task '\(name)': its labels are of several kinds, or there are none")
        continue
      }
      tasks[name] = (try LabelStore.add(task, database), task)
    }
  }

  private static func task(named name: String, of labels: [LabelText]) -> LabelTask? {
    let names = Set(
      labels.flatMap { label -> [String] in
        switch label {
        case .flag: []
        case .name(let name): [name]
        case .names(let names): names
        }
      }
    ).sorted()
    let lists = labels.filter { if case .names = $0 { true } else { false } }
    if labels.isEmpty { return nil }
    if names.isEmpty {
      return lists.isEmpty ? LabelTask(name: name, kind: .binary, labels: [name]) : nil
    }
    let truths: Set = ["true", "false", "0", "1"]
    if lists.isEmpty, names.allSatisfy({ truths.contains($0.lowercased()) }) {
      return LabelTask(name: name, kind: .binary, labels: [name])
    }
    guard !labels.contains(where: { if case .flag = $0 { true } else { false } }) else { return nil }
    let isSingle = lists.allSatisfy { if case .names(let names) = $0 { names.count == 1 } else { false } }
    guard lists.isEmpty || lists.count == labels.count else { return nil }
    guard isSingle else { return LabelTask(name: name, kind: .multilabel, labels: names) }
    if names.count == 2, let positive = names.first(where: { names.contains("not \($0)") }) {
      return LabelTask(name: name, kind: .binary, labels: [positive])
    }
    return LabelTask(name: name, kind: .multiclass, labels: names)
  }

  /// Writes a row down, or keeps what is wrong with it.
  mutating func add(_ placed: LabelStore.PlacedRow) {
    do {
      let row = placed.row
      let (meme, isNew) = try meme(of: row)
      if isNew { addition.memes += 1 }
      guard let name = row.task else {
        if !isNew { addition.known += 1 }
        return
      }
      guard let (task, kind) = tasks[name] else { return }  // its fault is among the problems
      let text = try row.label.map { try kind.text(of: kind.label(of: $0)) }
      let person = try LabelStore.annotatorName(row.annotator ?? annotator)
      if try isKnown(row, text, meme: meme, task: task, annotator: person) {
        addition.known += 1
      } else {
        try LabelStore.insert(
          NewLabel(
            meme: meme, task: task, annotator: person, text: text, note: row.note, origin: .file,
            time: row.time ?? Date(), undone: row.undone), database)
        addition.labels += 1
      }
    } catch {
      problems.append("\(placed.place): \(error)")
    }
  }

  /// A label with a time is known by it; one without is where it is the person's last word already.
  private func isKnown(
    _ row: LabelRow, _ text: LabelText?, meme: Int64, task: Int64, annotator: String
  ) throws -> Bool {
    guard let time = row.time else {
      return try LabelStore.hasCurrent(text, meme: meme, task: task, annotator: annotator, database)
    }
    return try Bool.fetchOne(
      database,
      sql: """
        SELECT EXISTS (
          SELECT 1 FROM label JOIN annotator ON annotator.id = label.annotator
          WHERE task = ? AND meme = ? AND annotator.name = ? AND value IS ? AND abs(made_at - ?) < 0.002)
        """,
      arguments: [task, meme, annotator, try text?.json, time.timeIntervalSince1970]) ?? false
  }

  /// The meme that a row is about.
  private mutating func meme(of row: LabelRow) throws -> (id: Int64, isNew: Bool) {
    let known = try Int64.fetchOne(database, sql: "SELECT id FROM meme WHERE name = ?", arguments: [row.id])
    if let known { return (known, false) }
    guard !row.id.isEmpty else { throw ImportFault("neither an id nor a picture says which meme it is about") }
    var image: URL?
    if let fileName = row.fileName, let folder { image = try folder.image(named: fileName) }
    guard image != nil || row.text != nil else {
      throw ImportFault(
        "the store has no meme '\(row.id)', and the row brings none: there is no text, and "
          + (row.fileName == nil || folder == nil
            ? "no picture" : "no picture '\(row.fileName!)' in \(folder!.root.path)"))
    }
    let meme = Meme(id: row.id, image: image, text: row.text, split: row.split)
    let fingerprint = FingerprintTable(of: [meme]) { _ in }.fingerprints[0]
    if dataset == nil {
      let root = folder?.root ?? URL(filePath: "/", directoryHint: .isDirectory)
      dataset = try LabelStore.datasetID(name: root.lastPathComponent, root: root, database)
    }
    return try LabelStore.add(meme, fingerprint: fingerprint, dataset: dataset!, source: name, database)
  }
}

/// What is wrong with a row.
private struct ImportFault: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
