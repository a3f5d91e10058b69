import Foundation
import GRDB
import MemeData

/// One thing that a person (or a dataset) said of a meme. What was said earlier stays in the store.
public struct LabelEvent: Sendable, Equatable, Identifiable {
  /// Where a label came from.
  public enum Origin: String, Sendable, Codable {
    case page, file, dataset
  }

  public var id: Int64
  /// The meme's number in the store.
  public var meme: Int64
  public var task: String
  public var annotator: String
  /// `nil` where somebody would not decide.
  public var label: Label?
  public var note: String?
  public var origin: Origin
  public var time: Date
  /// When it was taken back; `nil` where it stands.
  public var undone: Date?

  init(_ row: Row, task: LabelTask) throws {
    id = row["id"]
    meme = row["meme"]
    self.task = task.name
    annotator = row["annotator_name"]
    label = try (row["value"] as String?).map { try task.label(of: LabelText(json: $0)) }
    note = row["note"]
    origin = Origin(rawValue: row["origin"])!
    time = Date(timeIntervalSince1970: row["made_at"])
    undone = (row["undone_at"] as Double?).map(Date.init(timeIntervalSince1970:))
  }

  static let query = """
    SELECT label.*, annotator.name AS annotator_name FROM label JOIN annotator ON annotator.id = label.annotator
    """
}

/// How far a task has come.
public struct LabelProgress: Sendable, Equatable {
  public var memes: Int
  /// Memes that somebody has decided on.
  public var labelled: Int
  /// Decisions by person, the busiest first.
  public var annotators: [(name: String, labels: Int, skipped: Int)]

  public static func == (a: Self, b: Self) -> Bool {
    (a.memes, a.labelled) == (b.memes, b.labelled) && a.annotators.elementsEqual(b.annotators, by: ==)
  }
}

extension LabelProgress {
  /// - Parameters:
  ///   - memes: how many there are.
  ///   - events: what stands; see ``LabelStore/currentLabels(task:)``.
  public init(memes: Int, events: [LabelEvent]) {
    let people = Dictionary(grouping: events, by: \.annotator).map { name, events in
      let labels = events.count { $0.label != nil }
      return (name: name, labels: labels, skipped: events.count - labels)
    }
    self.init(
      memes: memes, labelled: Set(events.filter { $0.label != nil }.map(\.meme)).count,
      annotators: people.sorted { ($1.labels, $0.name) < ($0.labels, $1.name) })
  }
}

/// A label to be written.
struct NewLabel {
  var meme: Int64
  var task: Int64
  var annotator: String
  /// `nil` for no decision.
  var text: LabelText?
  var note: String?
  var origin: LabelEvent.Origin
  var time: Date
  var undone: Date?
}

extension LabelStore {
  /// Writes down what a person says of a meme, in place of what the same person said of it before.
  ///
  /// - Parameters:
  ///   - label: `nil` where the person would not decide.
  ///   - note: cut to ``longestNote`` characters; an empty one is none.
  @discardableResult
  public func record(
    _ label: Label?, of meme: Int64, task name: String, by annotator: String, note: String? = nil,
    at time: Date = Date()
  ) throws(LabelStoreError) -> LabelEvent {
    try write { database in
      let (taskID, task) = try Self.task(named: name, database)
      guard try Int64.fetchOne(database, sql: "SELECT id FROM meme WHERE id = ?", arguments: [meme]) != nil else {
        throw LabelStoreError.unknown(what: "meme", name: "\(meme)")
      }
      // A clock that was put back must not make an earlier word the last one.
      let last = try Double.fetchOne(
        database,
        sql: """
          SELECT max(made_at) FROM label JOIN annotator ON annotator.id = label.annotator
          WHERE task = ? AND meme = ? AND annotator.name = ?
          """, arguments: [taskID, meme, try Self.annotatorName(annotator)])
      let time = Date(timeIntervalSince1970: max(time.milliseconds, last ?? 0))
      let id = try Self.insert(
        NewLabel(
          meme: meme, task: taskID, annotator: annotator, text: try label.map(task.text), note: note, origin: .page,
          time: time, undone: nil), database)
      return try Self.event(id, of: task, database)
    }
  }

  /// Takes back what a person has said last of a task on the page; what the person said before of that meme counts again.
  ///
  /// - Returns: what was taken back; `nil` where there is nothing.
  public func undo(task name: String, by annotator: String, at time: Date = Date()) throws(LabelStoreError)
    -> LabelEvent?
  {
    try write { database in
      let (taskID, task) = try Self.task(named: name, database)
      guard let last = try Self.lastLabel(of: task, taskID, by: annotator, database) else { return nil }
      try database.execute(
        sql: "UPDATE label SET undone_at = ? WHERE id = ?", arguments: [time.milliseconds, last.id])
      return try Self.event(last.id, of: task, database)
    }
  }

  /// What a person has said last of a task on the page and not taken back; ``undo(task:by:at:)`` would take it back.
  public func lastLabel(task name: String, by annotator: String) throws(LabelStoreError) -> LabelEvent? {
    try read { database in
      let (taskID, task) = try Self.task(named: name, database)
      return try Self.lastLabel(of: task, taskID, by: annotator, database)
    }
  }

  /// The names of all who have labelled, datasets left out.
  public func annotators() throws(LabelStoreError) -> [String] {
    try read { database in
      try String.fetchAll(
        database, sql: "SELECT name FROM annotator WHERE name <> ? ORDER BY name", arguments: [Self.datasetAnnotator])
    }
  }

  /// Holds for a row of `label`, by the name that it has in a query, that stands: a person's last word on a meme.
  static func isLastWord(_ row: String) -> String {
    """
    \(row).undone_at IS NULL AND NOT EXISTS (
      SELECT 1 FROM label AS later
      WHERE later.task = \(row).task AND later.meme = \(row).meme AND later.annotator = \(row).annotator
        AND later.undone_at IS NULL AND (later.made_at, later.id) > (\(row).made_at, \(row).id))
    """
  }

  /// How many memes somebody has decided on, and not left open since.
  public func labelledCount(task name: String) throws(LabelStoreError) -> Int {
    try read { database in
      let (taskID, _) = try Self.task(named: name, database)
      return try Int.fetchOne(
        database,
        sql: """
          SELECT count(DISTINCT meme) FROM label WHERE task = ? AND value IS NOT NULL AND \(Self.isLastWord("label"))
          """, arguments: [taskID]) ?? 0
    }
  }

  /// Everything that was ever said of a meme, the earliest first, what was taken back included.
  public func history(of meme: Int64, task name: String) throws(LabelStoreError) -> [LabelEvent] {
    try read { database in
      let (taskID, task) = try Self.task(named: name, database)
      return try Row.fetchAll(
        database, sql: LabelEvent.query + " WHERE label.meme = ? AND label.task = ? ORDER BY label.id",
        arguments: [meme, taskID]
      ).map { try LabelEvent($0, task: task) }
    }
  }

  /// What stands: the last word of every person on every meme that they have not taken back, by meme and time.
  public func currentLabels(task name: String) throws(LabelStoreError) -> [LabelEvent] {
    try read { try Self.currentLabels(task: name, $0) }
  }

  /// The same of one meme.
  public func currentLabels(of meme: Int64, task name: String) throws(LabelStoreError) -> [LabelEvent] {
    try read { try Self.currentLabels(of: meme, task: name, $0) }
  }

  static func currentLabels(
    of meme: Int64? = nil, task name: String, _ database: Database
  ) throws -> [LabelEvent] {
    let (taskID, task) = try Self.task(named: name, database)
    var arguments: StatementArguments = [taskID]
    if let meme { arguments += [meme] }
    return try Row.fetchAll(
      database,
      sql: LabelEvent.query + """
         WHERE label.task = ? \(meme == nil ? "" : "AND label.meme = ?") AND \(isLastWord("label"))
        ORDER BY label.meme, label.made_at, label.id
        """, arguments: arguments
    ).map { try LabelEvent($0, task: task) }
  }

  /// The label of each meme that more people chose than any other; memes with a tie have none.
  public func consensus(task name: String) throws(LabelStoreError) -> [Int64: Label] {
    Self.consensus(of: try currentLabels(task: name))
  }

  /// The same of labels that have been asked for already.
  public static func consensus(of events: [LabelEvent]) -> [Int64: Label] {
    var votes: [Int64: [(label: Label, count: Int)]] = [:]
    for event in events {
      guard let label = event.label else { continue }
      if let index = votes[event.meme]?.firstIndex(where: { $0.label == label }) {
        votes[event.meme]![index].count += 1
      } else {
        votes[event.meme, default: []].append((label, 1))
      }
    }
    return votes.compactMapValues { votes in
      let most = votes.map(\.count).max()!
      let winners = votes.filter { $0.count == most }
      return winners.count == 1 ? winners[0].label : nil
    }
  }

  // MARK: Names

  /// A person's name as it is kept: without white space around it.
  ///
  /// - Throws: ``LabelStoreError/invalidAnnotator(_:)``.
  public static func annotatorName(_ text: String) throws(LabelStoreError) -> String {
    let name = text.trimmingCharacters(in: .whitespacesAndNewlines)
    if name.isEmpty { throw .invalidAnnotator("is empty") }
    if name.count > longestName || name.utf8.count > 4 * longestName { throw .invalidAnnotator("is too long") }
    let isPrintable = name.unicodeScalars.allSatisfy {
      !CharacterSet.controlCharacters.contains($0) && !CharacterSet.newlines.contains($0)
    }
    if !isPrintable { throw .invalidAnnotator("has a control character") }
    return name
  }

  // MARK: Rows

  private static func event(_ id: Int64, of task: LabelTask, _ database: Database) throws -> LabelEvent {
    try LabelEvent(
      Row.fetchOne(database, sql: LabelEvent.query + " WHERE label.id = ?", arguments: [id])!, task: task)
  }

  /// What a person has said last of a task on the page and not taken back.
  private static func lastLabel(
    of task: LabelTask, _ taskID: Int64, by annotator: String, _ database: Database
  ) throws -> LabelEvent? {
    try Row.fetchOne(
      database,
      sql: LabelEvent.query + """
         WHERE label.task = ? AND annotator.name = ? AND label.origin = 'page' AND label.undone_at IS NULL
        ORDER BY label.id DESC LIMIT 1
        """, arguments: [taskID, annotator]
    ).map { try LabelEvent($0, task: task) }
  }

  static func annotatorID(_ text: String, _ database: Database) throws -> Int64 {
    let name = try annotatorName(text)
    if let id = try Int64.fetchOne(database, sql: "SELECT id FROM annotator WHERE name = ?", arguments: [name]) {
      return id
    }
    try database.execute(sql: "INSERT INTO annotator (name) VALUES (?)", arguments: [name])
    return database.lastInsertedRowID
  }

  @discardableResult
  static func insert(_ label: NewLabel, _ database: Database) throws -> Int64 {
    let note = label.note.map { String($0.prefix(longestNote)) }.flatMap { $0.allSatisfy(\.isWhitespace) ? nil : $0 }
    try database.execute(
      sql: """
        INSERT INTO label (meme, task, annotator, value, note, origin, made_at, undone_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        label.meme, label.task, try annotatorID(label.annotator, database), try label.text?.json, note,
        label.origin.rawValue, label.time.milliseconds, label.undone?.milliseconds,
      ])
    return database.lastInsertedRowID
  }

  /// Whether a label is the person's last word on a meme already.
  static func hasCurrent(
    _ text: LabelText?, meme: Int64, task: Int64, annotator: String, _ database: Database
  ) throws -> Bool {
    let row = try Row.fetchOne(
      database,
      sql: """
        SELECT value FROM label JOIN annotator ON annotator.id = label.annotator
        WHERE task = ? AND meme = ? AND annotator.name = ? AND undone_at IS NULL
        ORDER BY made_at DESC, label.id DESC LIMIT 1
        """, arguments: [task, meme, annotator])
    return try row.map { try $0["value"] as String? == text?.json } ?? false
  }
}

extension Date {
  /// Seconds since 1970 in whole milliseconds, which files of labels keep too.
  var milliseconds: Double { (timeIntervalSince1970 * 1000).rounded() / 1000 }
}
