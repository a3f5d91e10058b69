import Audit
import Foundation
import GRDB
import MemeData

extension LabelStore {
  /// Takes up a file of labels, all of it or nothing.
  ///
  /// Rows are about memes of the store, by `id`; rows with a picture or a text of their own bring a new one along, or the
  /// picture of one that has none. Labels that the store has already are left out, so that a file may be taken up twice;
  /// one that the file says was taken back is taken back here too. A task that the store does not know gets the labels
  /// that the file has for it.
  ///
  /// Pictures are read and hashed before the store is locked, so that others may write meanwhile.
  ///
  /// - Parameters:
  ///   - name: what the file is called; `.csv` and `.tsv` are tables.
  ///   - images: the folder below which pictures are sought; without one there are none.
  ///   - annotator: whose labels those are that do not say.
  ///   - tasks: tasks that the file may be about, which are taken up with it or not at all.
  ///   - progress: told how many of the memes that rows bring along are hashed, from any thread.
  /// - Returns: what was new, with a warning for each meme that came without the picture that rows name.
  /// - Throws: ``LabelStoreError/unreadable(file:reason:)`` and ``LabelStoreError/badRows(file:problems:)``.
  @discardableResult
  public func importLabels(
    _ data: Data, named name: String, images: URL? = nil, annotator: String = "file", tasks: [LabelTask] = [],
    progress: @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(LabelStoreError) -> Addition {
    var problems: [String] = []
    let isLabelStudio = Self.isLabelStudio(data, named: name)
    let rows =
      try isLabelStudio
      ? Self.labelStudioRows(of: data, named: name) : Self.rows(of: data, named: name, problems: &problems)
    guard problems.isEmpty else { throw .badRows(file: name, problems: problems) }
    guard !rows.isEmpty else { throw .unreadable(file: name, reason: "there is not one row in it") }
    let folder: DatasetImages?
    do { folder = try images.map(DatasetImages.init) } catch {
      throw .unreadable(file: name, reason: "its pictures: \(error)")
    }
    var arrivals = try read { try Arrivals(of: rows, in: folder, $0) }
    arrivals.hash(progress: progress)
    return try write { database in
      try Self.add(tasks, database)
      var work = ImportWork(
        name: name, annotator: annotator, root: folder?.root, arrivals: arrivals, database: database)
      try work.addTasks(of: rows, isLabelStudio: isLabelStudio)
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

  private static func isLabelStudio(_ data: Data, named name: String) -> Bool {
    let isTable = [".csv", ".tsv"].contains { name.lowercased().hasSuffix($0) }
    return !isTable && data.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) == UInt8(ascii: "[")
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

/// The memes that rows bring along, and the pictures that the store's own memes lack.
private struct Arrivals {
  /// What the rows of one meme say of it.
  struct Arrival {
    var meme: Meme
    /// Whether the store has it, with its text alone.
    let isKnown: Bool
    var fingerprint: Fingerprint?
    /// The first row with a picture that was not found, and what there is not.
    var missing: (place: String, reason: String)?
    /// Why the name of its picture is refused.
    var fault: ImportFault?

    init(id: String, isKnown: Bool) {
      meme = Meme(id: id, image: nil, text: nil)
      self.isKnown = isKnown
    }

    /// Takes what a further row says, where none said it before.
    mutating func take(_ row: LabelRow, at place: String, in folder: DatasetImages?) {
      meme.text = meme.text ?? row.text
      meme.split = meme.split ?? row.split
      guard meme.image == nil, let name = row.fileName else { return }
      do {
        if let image = try folder?.image(named: name) {
          meme.image = image
          missing = nil
        } else if missing == nil, folder != nil || !isKnown {
          let reason = folder.map { "no picture '\(name)' in \($0.root.path)" }
          missing = (place, reason ?? "no folder that its picture '\(name)' is sought in")
        }
      } catch {
        fault = ImportFault("\(error)")
      }
    }
  }

  /// By the bytes of the ids, which the database compares: ids may differ and be equal as strings.
  private var arrivals: [[UInt8]: Arrival] = [:]
  /// The keys in the order of the rows.
  private var keys: [[UInt8]] = []

  /// Finds pictures; memes of the store that have theirs are left out.
  init(of rows: [LabelStore.PlacedRow], in folder: DatasetImages?, _ database: Database) throws {
    for (place, row) in rows {
      let key = Array(row.id.utf8)
      if arrivals[key] == nil {
        let known = try LabelStore.meme(named: row.id, database)
        if let known, known.hasImage { continue }
        arrivals[key] = Arrival(id: row.id, isKnown: known != nil)
        keys.append(key)
      }
      arrivals[key]!.take(row, at: place, in: folder)
    }
  }

  /// Reads and hashes what was found, on all cores.
  mutating func hash(progress: @Sendable (_ done: Int, _ total: Int) -> Void) {
    let bringing = keys.filter { key in
      let arrival = arrivals[key]!
      return !arrival.isKnown || arrival.meme.image != nil
    }
    let memes = bringing.map { arrivals[$0]!.meme }
    let table = FingerprintTable(of: memes) { progress($0, memes.count) }
    for (key, fingerprint) in zip(bringing, table.fingerprints) { arrivals[key]!.fingerprint = fingerprint }
  }

  /// What rows say of a meme; `nil` where the store had it with its picture.
  subscript(id: String) -> Arrival? { arrivals[Array(id.utf8)] }

  /// One for each meme that has its text and not the picture that rows name.
  var warnings: [String] {
    keys.compactMap { key in
      let arrival = arrivals[key]!
      guard let missing = arrival.missing, arrival.isKnown || arrival.meme.text != nil else { return nil }
      return "\(missing.place): there is \(missing.reason); the meme '\(arrival.meme.id)' is kept with its text alone"
    }
  }
}

/// One file on its way into the store.
private struct ImportWork {
  let name: String
  let annotator: String
  /// The folder that pictures were sought in.
  let root: URL?
  let arrivals: Arrivals
  let database: Database
  var tasks: [String: (id: Int64, task: LabelTask)] = [:]
  var addition: Addition
  var problems: [String] = []
  private var dataset: Int64?

  init(name: String, annotator: String, root: URL?, arrivals: Arrivals, database: Database) {
    self.name = name
    self.annotator = annotator
    self.root = root
    self.arrivals = arrivals
    self.database = database
    addition = Addition(warnings: arrivals.warnings)
  }

  /// Finds the tasks that rows are about, and makes those that the store does not have out of their labels.
  mutating func addTasks(of rows: [LabelStore.PlacedRow], isLabelStudio: Bool) throws {
    for (id, task) in try LabelStore.numberedTasks(database) { tasks[task.name] = (id, task) }
    let unknown = Dictionary(grouping: rows.compactMap { $0.row.task == nil ? nil : $0.row }) { $0.task! }
      .filter { tasks[$0.key] == nil }
    for (name, rows) in unknown.sorted(by: { $0.key < $1.key }) {
      func hint(_ question: String) -> String {
        "say which there are: memesense label import STORE FILE --question \"\(name):\(question)\""
      }
      guard let task = Self.task(named: name, of: rows.compactMap(\.label), isLabelStudio: isLabelStudio) else {
        problems.append("task '\(name)': its labels are of several kinds, or there are none; \(hint("KIND=LABEL,…"))")
        continue
      }
      if let fault = LabelStore.fault(of: task) {
        // Where a further label would do, the file has not all of them.
        let larger = LabelTask(name: name, kind: task.kind, labels: task.labels + ["…"])
        let question = "\(task.kind.rawValue)=\(larger.labels.joined(separator: ","))"
        problems.append(LabelStore.fault(of: larger) == nil ? "\(fault); \(hint(question))" : fault)
        continue
      }
      tasks[name] = (try LabelStore.add(task, database), task)
    }
  }

  private static func task(named name: String, of labels: [LabelText], isLabelStudio: Bool) -> LabelTask? {
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
    guard lists.isEmpty || lists.count == labels.count else { return nil }
    // Label Studio writes one choice as a list too.
    let isSingle =
      lists.isEmpty
      || isLabelStudio && lists.allSatisfy { if case .names(let names) = $0 { names.count == 1 } else { false } }
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
      switch try presence(of: row, text, meme: meme, task: task, annotator: person) {
      case .absent:
        try LabelStore.insert(
          NewLabel(
            meme: meme, task: task, annotator: person, text: text, note: row.note, origin: .file,
            time: row.time ?? Date(), undone: row.undone), database)
        addition.labels += 1
      case .known:
        addition.known += 1
      case .takenBack(let label, let time):
        try database.execute(
          sql: "UPDATE label SET undone_at = ? WHERE id = ?", arguments: [time.milliseconds, label])
        addition.labels += 1
      }
    } catch {
      problems.append("\(placed.place): \(error)")
    }
  }

  /// What the store has of a row's label.
  private enum Presence {
    case absent
    case known
    /// It stands in the store, and was taken back where the row comes from.
    case takenBack(label: Int64, at: Date)
  }

  /// A label with a time is known by it; one without is where it is the person's last word already.
  private func presence(
    of row: LabelRow, _ text: LabelText?, meme: Int64, task: Int64, annotator: String
  ) throws -> Presence {
    guard let time = row.time else {
      let isKnown = try LabelStore.hasCurrent(text, meme: meme, task: task, annotator: annotator, database)
      return isKnown ? .known : .absent
    }
    // Of the same said twice the nearest is meant. Where both were said at once and one is taken back already, it is
    // that one: a file that is taken up again must take back no more.
    let stored = try Row.fetchOne(
      database,
      sql: """
        SELECT label.id, undone_at IS NULL AS stands FROM label JOIN annotator ON annotator.id = label.annotator
        WHERE task = :task AND meme = :meme AND annotator.name = :annotator AND value IS :value
          AND abs(made_at - :time) < 0.002
        ORDER BY abs(made_at - :time), stands LIMIT 1
        """,
      arguments: [
        "task": task, "meme": meme, "annotator": annotator, "value": try text?.json,
        "time": time.timeIntervalSince1970,
      ])
    guard let stored else { return .absent }
    guard let undone = row.undone, stored["stands"] as Bool else { return .known }
    return .takenBack(label: stored["id"], at: undone)
  }

  /// The meme that a row is about, which others may have added since arrivals were looked at.
  private mutating func meme(of row: LabelRow) throws -> (id: Int64, isNew: Bool) {
    let known = try LabelStore.meme(named: row.id, database)
    if let known, known.hasImage { return (known.id, false) }
    guard !row.id.isEmpty else { throw ImportFault("neither an id nor a picture says which meme it is about") }
    let arrival = arrivals[row.id]
    if let fault = arrival?.fault { throw fault }
    if let known {
      if let arrival, let image = arrival.meme.image {
        guard arrival.meme.text == nil || arrival.meme.text == known.text else {
          throw ImportFault("the store has another text for the meme '\(row.id)': its picture may be another one's")
        }
        try LabelStore.move(
          known.id, to: image, fingerprint: arrival.fingerprint, dataset: datasetID(), database)
      }
      return (known.id, false)
    }
    guard let arrival, arrival.meme.image != nil || arrival.meme.text != nil else {
      let reason = arrival?.missing?.reason ?? "no picture"
      throw ImportFault("the store has no meme '\(row.id)', and the row brings none: there is no text, and \(reason)")
    }
    return (
      try LabelStore.insert(arrival.meme, fingerprint: arrival.fingerprint, dataset: datasetID(), database), true
    )
  }

  /// What new memes belong to: the folder of the pictures, the whole machine where there is none.
  private mutating func datasetID() throws -> Int64 {
    if let dataset { return dataset }
    let root = root ?? URL(filePath: "/", directoryHint: .isDirectory)
    let id = try LabelStore.datasetID(name: root.lastPathComponent, root: root, database)
    dataset = id
    return id
  }
}

/// What is wrong with a row.
private struct ImportFault: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
