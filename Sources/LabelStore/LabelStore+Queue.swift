import Foundation
import GRDB
import MemeData

/// A meme's place in the order in which memes are to be labelled.
public struct QueueEntry: Sendable, Equatable {
  public var meme: Int64
  /// Why it stands there, for people.
  public var reason: String

  public init(meme: Int64, reason: String) {
    self.meme = meme
    self.reason = reason
  }
}

extension LabelStore {
  /// Replaces the order of a task's queue.
  public func setQueue(_ entries: [QueueEntry], task name: String) throws(LabelStoreError) {
    try write { database in
      let (task, _) = try Self.task(named: name, database)
      try database.execute(sql: "DELETE FROM queue WHERE task = ?", arguments: [task])
      try Self.append(entries, toQueueOf: task, database)
    }
  }

  /// Puts memes behind those that a task's queue holds; one that it holds stays where it is.
  public func appendToQueue(_ entries: [QueueEntry], task name: String) throws(LabelStoreError) {
    try write { database in
      let (task, _) = try Self.task(named: name, database)
      let queued = try Self.queuedMemes(of: task, database)
      try Self.append(entries.filter { !queued.contains($0.meme) }, toQueueOf: task, database)
    }
  }

  private static func append(_ entries: [QueueEntry], toQueueOf task: Int64, _ database: Database) throws {
    let first = try Int.fetchOne(
      database, sql: "SELECT coalesce(max(rank) + 1, 0) FROM queue WHERE task = ?", arguments: [task])!
    for (place, entry) in entries.enumerated() {
      try database.execute(
        sql: "INSERT INTO queue (task, rank, meme, reason) VALUES (?, ?, ?, ?)",
        arguments: [task, first + place, entry.meme, entry.reason])
    }
  }

  /// The memes that a task's queue holds, those that are done included.
  public func queuedMemes(task name: String) throws(LabelStoreError) -> Set<Int64> {
    try read { database in
      let (task, _) = try Self.task(named: name, database)
      return try Self.queuedMemes(of: task, database)
    }
  }

  private static func queuedMemes(of task: Int64, _ database: Database) throws -> Set<Int64> {
    try Int64.fetchSet(database, sql: "SELECT meme FROM queue WHERE task = ?", arguments: [task])
  }

  /// The next memes that a person has not looked at and that fewer than `overlap` others have decided on.
  ///
  /// - Parameters:
  ///   - overlap: at least 1.
  ///   - skipped: memes that are left out, such as those that others look at now.
  public func nextMemes(
    task name: String, for annotator: String, overlap: Int, leavingOut skipped: Set<Int64> = [], limit: Int
  ) throws(LabelStoreError) -> [(meme: StoredMeme, reason: String)] {
    try read { database in
      let (task, _) = try Self.task(named: name, database)
      // `nil` for somebody who has said nothing yet: no label is by nobody.
      let person = try Int64.fetchOne(database, sql: "SELECT id FROM annotator WHERE name = ?", arguments: [annotator])
      // What is done of a queue is passed each time, soon most of it: whether the last of `overlap` deciders is there,
      // and whether the person has looked, an index of all these columns tells without a look at the labels. A decision
      // is a person's last word, so that each decider has one.
      let rows = try Row.fetchCursor(
        database,
        sql: """
          SELECT meme.*, dataset.root, queue.reason FROM queue
          JOIN meme ON meme.id = queue.meme JOIN dataset ON dataset.id = meme.dataset
          WHERE queue.task = :task AND NOT EXISTS (
            SELECT 1 FROM label AS decision
            WHERE decision.task = :task AND decision.meme = queue.meme
              AND decision.value IS NOT NULL AND \(Self.isLastWord("decision"))
            LIMIT 1 OFFSET :overlap - 1)
          AND NOT EXISTS (
            SELECT 1 FROM label
            WHERE task = :task AND meme = queue.meme AND annotator = :person AND undone_at IS NULL)
          ORDER BY queue.rank
          """, arguments: ["task": task, "person": person, "overlap": overlap])
      var found: [(meme: StoredMeme, reason: String)] = []
      while found.count < limit, let row = try rows.next() {
        let meme = StoredMeme(row)
        if !skipped.contains(meme.id) { found.append((meme, row["reason"])) }
      }
      return found
    }
  }
}
