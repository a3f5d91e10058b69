import Foundation
import GRDB
import MemeData

/// A training on the labels of the store.
public struct StoredRun: Sendable, Equatable, Identifiable {
  public var id: Int64
  public var task: String
  /// The run's folder.
  public var folder: URL
  /// Memes whose labels it learned from.
  public var labels: Int
  /// What the scores are, such as `auroc`.
  public var metric: String?
  /// The score, on the same memes, of the model before it; `nil` where there was none or nothing to score on.
  public var scoreBefore: Double?
  public var scoreAfter: Double?
  /// Memes that were held out to score on.
  public var scoredMemes: Int
  public var time: Date

  /// - Parameter id: left to the store.
  public init(
    id: Int64 = 0, task: String, folder: URL, labels: Int, metric: String?, scoreBefore: Double?, scoreAfter: Double?,
    scoredMemes: Int, time: Date = Date()
  ) {
    self.id = id
    self.task = task
    self.folder = folder
    self.labels = labels
    self.metric = metric
    self.scoreBefore = scoreBefore
    self.scoreAfter = scoreAfter
    self.scoredMemes = scoredMemes
    self.time = time
  }

  init(_ row: Row) {
    id = row["id"]
    task = row["task_name"]
    folder = URL(filePath: row["folder"], directoryHint: .isDirectory)
    labels = row["labels"]
    metric = row["metric"]
    scoreBefore = row["score_before"]
    scoreAfter = row["score_after"]
    scoredMemes = row["scored_memes"]
    time = Date(timeIntervalSince1970: row["made_at"])
  }
}

extension LabelStore {
  /// Writes down a finished run and what its model says of memes, by label name, all at once.
  ///
  /// What the models of the task's earlier runs said goes: the latest alone answers, and each speaks of every meme.
  @discardableResult
  public func add(
    _ run: StoredRun, predictions: [Int64: [String: Double]]
  ) throws(LabelStoreError) -> StoredRun {
    try write { database in
      let (task, _) = try Self.task(named: run.task, database)
      try database.execute(
        sql: """
          INSERT INTO run (task, folder, labels, metric, score_before, score_after, scored_memes, made_at)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          task, run.folder.standardizedFileURL.path, run.labels, run.metric, run.scoreBefore, run.scoreAfter,
          run.scoredMemes, run.time.timeIntervalSince1970,
        ])
      var stored = run
      stored.id = database.lastInsertedRowID
      stored.folder = URL(filePath: run.folder.standardizedFileURL.path, directoryHint: .isDirectory)
      try database.execute(
        sql: "DELETE FROM prediction WHERE run IN (SELECT id FROM run WHERE task = ? AND id <> ?)",
        arguments: [task, stored.id])
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      for (meme, probabilities) in predictions {
        try database.execute(
          sql: "INSERT INTO prediction (run, meme, probabilities) VALUES (?, ?, ?)",
          arguments: [stored.id, meme, String(decoding: try encoder.encode(probabilities), as: UTF8.self)])
      }
      return stored
    }
  }

  /// The runs of a task, the latest first.
  public func runs(task name: String) throws(LabelStoreError) -> [StoredRun] {
    try read { database in
      try Row.fetchAll(
        database,
        sql: """
          SELECT run.*, task.name AS task_name FROM run JOIN task ON task.id = run.task
          WHERE task.name = ? ORDER BY run.id DESC
          """, arguments: [name]
      ).map(StoredRun.init)
    }
  }

  /// What a run's model says of memes, by label name; nothing where its task has a later run.
  public func predictions(of run: Int64) throws(LabelStoreError) -> [Int64: [String: Double]] {
    try read { database in
      let rows = try Row.fetchAll(
        database, sql: "SELECT meme, probabilities FROM prediction WHERE run = ?", arguments: [run])
      return try rows.reduce(into: [:]) { result, row in
        let text: String = row["probabilities"]
        result[row["meme"]] = try JSONDecoder().decode([String: Double].self, from: Data(text.utf8))
      }
    }
  }
}
