import Audit
import Foundation
import GRDB
import MemeData

/// A meme as the store keeps it.
public struct StoredMeme: Sendable, Equatable, Identifiable {
  /// Its number in the store.
  public var id: Int64
  /// The id that its dataset gives it.
  public var name: String
  public var image: URL?
  public var text: String?
  public var split: Split?
  /// The folder of its dataset.
  public var root: URL
  /// What its copies are found by; `nil` where its picture is broken.
  public var fingerprint: Fingerprint?

  /// The picture's place in its dataset.
  public var fileName: String? { image.map { Self.place(of: $0, in: root) } }

  private static func place(of image: URL, in root: URL) -> String {
    let prefix = root.path.hasSuffix("/") ? root.path : root.path + "/"
    return image.path.hasPrefix(prefix) ? String(image.path.dropFirst(prefix.count)) : image.path
  }

  /// Whether a dataset's meme of this name is this one.
  ///
  /// - Parameter root: the folder of that dataset.
  fileprivate func isSame(as meme: Meme, _ fingerprint: Fingerprint?, root: URL) -> Bool {
    // One that came with its text alone may get its picture later.
    if image == nil, meme.image != nil { return text == meme.text }
    // A picture may be lost where the dataset is now; the one that the store knows of stays.
    if image != nil, meme.image == nil { return text == meme.text }
    if let known = self.fingerprint, let fingerprint { return known.content == fingerprint.content }
    // One without a fingerprint has a picture that could not be read, and is known by its place.
    if image?.path == meme.image?.path { return true }
    return self.fingerprint == nil && fingerprint == nil && text == meme.text
      && fileName == meme.image.map { Self.place(of: $0, in: root) }
  }

  init(_ row: Row) {
    id = row["id"]
    name = row["name"]
    image = (row["image"] as String?).map { URL(filePath: $0, directoryHint: .notDirectory) }
    text = row["text"]
    split = (row["split"] as String?).flatMap(Split.init)
    root = URL(filePath: row["root"], directoryHint: .isDirectory)
    fingerprint = (row["content"] as String?).flatMap(ContentDigest.init(hexadecimal:)).map {
      Fingerprint(content: $0, hash: (row["pdq"] as String?).flatMap(PDQHash.init(hexadecimal:)))
    }
  }

  static let query = """
    SELECT meme.*, dataset.root FROM meme JOIN dataset ON dataset.id = meme.dataset
    """
}

/// What an addition brought.
public struct Addition: Sendable, Equatable {
  /// Memes that the store did not have.
  public var memes = 0
  /// Labels that it did not have, and those of its own that somebody has taken back elsewhere.
  public var labels = 0
  /// Rows that it had already.
  public var known = 0
  /// What is wrong with rows that were taken all the same: pictures that are not where they were sought.
  public var warnings: [String] = []

  public init(memes: Int = 0, labels: Int = 0, known: Int = 0, warnings: [String] = []) {
    self.memes = memes
    self.labels = labels
    self.known = known
    self.warnings = warnings
  }
}

extension LabelStore {
  /// Who the labels of datasets are by.
  public static let datasetAnnotator = "dataset"

  /// Takes up the tasks, memes and labels of a dataset; what is there already is left alone, so that a dataset may be added
  /// again when it has grown, when it was moved, and when it got pictures that it lacked.
  ///
  /// - Parameters:
  ///   - fingerprints: one for each meme.
  ///   - takesLabels: whether the dataset's labels count, or all its memes are to be labelled anew. That they do not is
  ///     remembered: the labels stay out when the dataset is added again, from another place too.
  ///   - tasks: further tasks, which are taken up with the dataset or not at all.
  /// - Throws: ``LabelStoreError/conflictingTask(name:stored:found:)`` and ``LabelStoreError/conflictingMeme(id:source:)``
  ///   where the store has something else under a name, ``LabelStoreError/invalidTask(_:)``, and
  ///   ``LabelStoreError/alreadyTaken(source:)`` where labels that are to be left out are there.
  @discardableResult
  public func add(
    _ dataset: Dataset, fingerprints: [Fingerprint?], takesLabels: Bool = true, tasks: [LabelTask] = []
  ) throws(LabelStoreError) -> Addition {
    precondition(dataset.memes.count == fingerprints.count, "one fingerprint for each meme")
    return try write { database in
      var addition = Addition()
      let counts = try takesLabels && Self.takesLabels(of: dataset, database)
      let datasetID = try Self.datasetID(name: dataset.name, root: dataset.root, database)
      try database.execute(
        sql: "UPDATE dataset SET takes_labels = ? WHERE id = ?", arguments: [counts, datasetID])
      var ownTasks: [String: (id: Int64, task: LabelTask)] = [:]
      for task in dataset.tasks { ownTasks[task.name] = (try Self.add(task, database), task) }
      try Self.add(tasks, database)
      for (meme, fingerprint) in zip(dataset.memes, fingerprints) {
        let (id, isNew) = try Self.add(
          meme, fingerprint: fingerprint, dataset: datasetID, root: dataset.root, database)
        if isNew { addition.memes += 1 }
        guard counts else { continue }
        for (name, label) in meme.labels {
          guard let (taskID, task) = ownTasks[name] else { continue }
          let text = try task.text(of: label)
          if try Self.hasCurrent(text, meme: id, task: taskID, annotator: Self.datasetAnnotator, database) {
            addition.known += 1
          } else {
            try Self.insert(
              NewLabel(
                meme: id, task: taskID, annotator: Self.datasetAnnotator, text: text, note: nil, origin: .dataset,
                time: Date(), undone: nil), database)
            addition.labels += 1
          }
        }
      }
      // Asked at the end: the memes of a dataset that was moved are its own by now.
      if try !takesLabels && Self.holdsLabels(ofDataset: datasetID, database) {
        throw LabelStoreError.alreadyTaken(source: dataset.root.path)
      }
      return addition
    }
  }

  /// Takes up a task that nobody has labelled for yet.
  ///
  /// - Throws: ``LabelStoreError/conflictingTask(name:stored:found:)`` and ``LabelStoreError/invalidTask(_:)``.
  public func add(_ task: LabelTask) throws(LabelStoreError) { try add([task]) }

  /// Takes up tasks that nobody has labelled for yet, all of them or none.
  ///
  /// - Throws: ``LabelStoreError/conflictingTask(name:stored:found:)`` and ``LabelStoreError/invalidTask(_:)``.
  public func add(_ tasks: [LabelTask]) throws(LabelStoreError) { try write { try Self.add(tasks, $0) } }

  /// All tasks in the order that they came.
  public func tasks() throws(LabelStoreError) -> [LabelTask] { try read(Self.tasks) }

  /// How many memes there are.
  public func memeCount() throws(LabelStoreError) -> Int {
    try read { try Int.fetchOne($0, sql: "SELECT count(*) FROM meme") ?? 0 }
  }

  /// All memes in the order that they came.
  public func memes() throws(LabelStoreError) -> [StoredMeme] { try read(Self.memes) }

  /// The meme of that number.
  public func meme(_ id: Int64) throws(LabelStoreError) -> StoredMeme? {
    try read { database in
      try Row.fetchOne(database, sql: StoredMeme.query + " WHERE meme.id = ?", arguments: [id]).map(StoredMeme.init)
    }
  }

  // MARK: Rows

  static func memes(_ database: Database) throws -> [StoredMeme] {
    try Row.fetchAll(database, sql: StoredMeme.query + " ORDER BY meme.id").map(StoredMeme.init)
  }

  static func tasks(_ database: Database) throws -> [LabelTask] { try numberedTasks(database).map(\.task) }

  /// All tasks with their numbers, in the order that they came.
  static func numberedTasks(_ database: Database) throws -> [(id: Int64, task: LabelTask)] {
    try Row.fetchAll(database, sql: "SELECT * FROM task ORDER BY id").map { row -> (id: Int64, task: LabelTask) in
      (row["id"], try task(row))
    }
  }

  private static func task(_ row: Row) throws -> LabelTask {
    let labels = try JSONDecoder().decode([String].self, from: Data((row["labels"] as String).utf8))
    return LabelTask(name: row["name"], kind: LabelTask.Kind(rawValue: row["kind"])!, labels: labels)
  }

  /// The task of a name, with its number.
  static func task(named name: String, _ database: Database) throws -> (id: Int64, task: LabelTask) {
    guard let row = try Row.fetchOne(database, sql: "SELECT * FROM task WHERE name = ?", arguments: [name]) else {
      throw LabelStoreError.unknown(what: "task", name: name)
    }
    return (row["id"], try task(row))
  }

  /// What is wrong with a task that is to be added; `nil` where nothing is.
  static func fault(of task: LabelTask) -> String? {
    if let fault = task.fault { return fault }
    guard Dataset.reservedTaskNames.contains(task.name) else { return nil }
    return "a task cannot be named '\(task.name)'; choose another name than those of the columns of files of labels: "
      + Dataset.reservedTaskNames.sorted().joined(separator: ", ")
  }

  static func add(_ task: LabelTask, _ database: Database) throws -> Int64 {
    // Names are compared as strings, not by the bytes as the database does: they are keys of dictionaries elsewhere.
    if let (id, stored) = try numberedTasks(database).first(where: { $0.task.name == task.name }) {
      guard stored == task else {
        throw LabelStoreError.conflictingTask(name: task.name, stored: stored, found: task)
      }
      return id
    }
    if let fault = Self.fault(of: task) { throw LabelStoreError.invalidTask(fault) }
    let labels = String(decoding: try JSONEncoder().encode(task.labels), as: UTF8.self)
    try database.execute(
      sql: "INSERT INTO task (name, kind, labels) VALUES (?, ?, ?)",
      arguments: [task.name, task.kind.rawValue, labels])
    return database.lastInsertedRowID
  }

  static func add(_ tasks: [LabelTask], _ database: Database) throws {
    for task in tasks { _ = try add(task, database) }
  }

  /// Whether the labels of a dataset count as far as the store remembers it: by its folder, or where it was moved, by
  /// the first of its memes that is known.
  private static func takesLabels(of dataset: Dataset, _ database: Database) throws -> Bool {
    let path = dataset.root.standardizedFileURL.path
    let kept = try Bool.fetchOne(database, sql: "SELECT takes_labels FROM dataset WHERE root = ?", arguments: [path])
    if let kept { return kept }
    // Of most stores nothing was left out, and no meme need be asked for.
    let leftOut = try Bool.fetchOne(database, sql: "SELECT EXISTS (SELECT 1 FROM dataset WHERE takes_labels = 0)")
    guard leftOut == true else { return true }
    for meme in dataset.memes {
      let kept = try Bool.fetchOne(
        database,
        sql: "SELECT takes_labels FROM dataset JOIN meme ON meme.dataset = dataset.id WHERE meme.name = ?",
        arguments: [meme.id])
      if let kept { return kept }
    }
    return true
  }

  /// Whether labels stand that came with memes of a dataset.
  private static func holdsLabels(ofDataset dataset: Int64, _ database: Database) throws -> Bool {
    try Bool.fetchOne(
      database,
      sql: """
        SELECT EXISTS (
          SELECT 1 FROM label JOIN annotator ON annotator.id = label.annotator JOIN meme ON meme.id = label.meme
          WHERE annotator.name = ? AND meme.dataset = ? AND undone_at IS NULL)
        """, arguments: [datasetAnnotator, dataset]) ?? false
  }

  static func datasetID(name: String, root: URL, _ database: Database) throws -> Int64 {
    let path = root.standardizedFileURL.path
    if let id = try Int64.fetchOne(database, sql: "SELECT id FROM dataset WHERE root = ?", arguments: [path]) {
      return id
    }
    try database.execute(sql: "INSERT INTO dataset (name, root) VALUES (?, ?)", arguments: [name, path])
    return database.lastInsertedRowID
  }

  /// The number of the meme of a name, whether it has a picture, and its text; `nil` where there is none.
  static func meme(
    named name: String, _ database: Database
  ) throws -> (id: Int64, hasImage: Bool, text: String?)? {
    let row = try Row.fetchOne(
      database, sql: "SELECT id, image IS NOT NULL AS has_image, text FROM meme WHERE name = ?", arguments: [name])
    return row.map { row -> (id: Int64, hasImage: Bool, text: String?) in (row["id"], row["has_image"], row["text"]) }
  }

  private static func add(
    _ meme: Meme, fingerprint: Fingerprint?, dataset: Int64, root: URL, _ database: Database
  ) throws -> (id: Int64, isNew: Bool) {
    guard
      let row = try Row.fetchOne(database, sql: StoredMeme.query + " WHERE meme.name = ?", arguments: [meme.id])
    else {
      return (try insert(meme, fingerprint: fingerprint, dataset: dataset, database), true)
    }
    let stored = StoredMeme(row)
    guard stored.isSame(as: meme, fingerprint, root: root.standardizedFileURL) else {
      throw LabelStoreError.conflictingMeme(id: meme.id, source: root.path)
    }
    guard meme.image != nil || stored.image == nil else { return (stored.id, false) }
    // What is known of a picture stays where it can be read no more.
    let getsPicture = stored.image == nil && meme.image != nil
    let kept = getsPicture ? fingerprint : fingerprint ?? stored.fingerprint
    let datasetID: Int64 = row["dataset"]
    if datasetID != dataset || stored.image?.path != meme.image?.path || stored.fingerprint != kept {
      try move(stored.id, to: meme.image, fingerprint: kept, dataset: dataset, database)
    }
    return (stored.id, false)
  }

  static func insert(
    _ meme: Meme, fingerprint: Fingerprint?, dataset: Int64, _ database: Database
  ) throws -> Int64 {
    try database.execute(
      sql: "INSERT INTO meme (dataset, name, image, text, split, content, pdq) VALUES (?, ?, ?, ?, ?, ?, ?)",
      arguments: [
        dataset, meme.id, meme.image?.path, meme.text, meme.split?.rawValue, fingerprint?.content.description,
        fingerprint?.hash?.description,
      ])
    return database.lastInsertedRowID
  }

  /// Writes down where a meme's picture lies now, and in which dataset.
  static func move(
    _ meme: Int64, to image: URL?, fingerprint: Fingerprint?, dataset: Int64, _ database: Database
  ) throws {
    try database.execute(
      sql: "UPDATE meme SET dataset = ?, image = ?, content = ?, pdq = ? WHERE id = ?",
      arguments: [dataset, image?.path, fingerprint?.content.description, fingerprint?.hash?.description, meme])
  }
}
