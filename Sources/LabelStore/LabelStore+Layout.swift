import GRDB

extension LabelStore {
  /// The tables. A change of the layout is a further migration; the earlier ones stay as they are.
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1") { database in
      try database.execute(
        sql: """
          CREATE TABLE dataset (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            root TEXT NOT NULL UNIQUE
          ) STRICT;
          CREATE TABLE task (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            kind TEXT NOT NULL CHECK (kind IN ('binary', 'multiclass', 'multilabel')),
            labels TEXT NOT NULL
          ) STRICT;
          CREATE TABLE meme (
            id INTEGER PRIMARY KEY,
            dataset INTEGER NOT NULL REFERENCES dataset (id),
            name TEXT NOT NULL UNIQUE,
            image TEXT,
            text TEXT,
            split TEXT CHECK (split IN ('train', 'validation', 'test')),
            content TEXT,
            pdq TEXT
          ) STRICT;
          CREATE TABLE annotator (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE
          ) STRICT;
          CREATE TABLE label (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            meme INTEGER NOT NULL REFERENCES meme (id),
            task INTEGER NOT NULL REFERENCES task (id),
            annotator INTEGER NOT NULL REFERENCES annotator (id),
            value TEXT,
            note TEXT,
            origin TEXT NOT NULL CHECK (origin IN ('page', 'file', 'dataset')),
            made_at REAL NOT NULL,
            undone_at REAL
          ) STRICT;
          CREATE INDEX label_of_meme ON label (task, meme, annotator);
          CREATE INDEX label_of_annotator ON label (annotator, task, id);
          CREATE TABLE queue (
            task INTEGER NOT NULL REFERENCES task (id),
            rank INTEGER NOT NULL,
            meme INTEGER NOT NULL REFERENCES meme (id),
            reason TEXT NOT NULL,
            PRIMARY KEY (task, rank)
          ) STRICT, WITHOUT ROWID;
          CREATE TABLE run (
            id INTEGER PRIMARY KEY,
            task INTEGER NOT NULL REFERENCES task (id),
            folder TEXT NOT NULL UNIQUE,
            labels INTEGER NOT NULL,
            metric TEXT,
            score_before REAL,
            score_after REAL,
            scored_memes INTEGER NOT NULL,
            made_at REAL NOT NULL
          ) STRICT;
          CREATE TABLE prediction (
            run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
            meme INTEGER NOT NULL REFERENCES meme (id),
            probabilities TEXT NOT NULL,
            PRIMARY KEY (run, meme)
          ) STRICT, WITHOUT ROWID;
          """)
    }
    migrator.registerMigration("2") { database in
      // What is decided, and what somebody has looked at, is told without a look at the labels themselves.
      try database.execute(
        sql: """
          DROP INDEX label_of_meme;
          CREATE INDEX label_of_meme ON label (task, meme, annotator, undone_at, value);
          """)
    }
    migrator.registerMigration("3") { database in
      // With the time in it the index tells a person's last word too. What earlier models said of all memes is asked for
      // no more.
      try database.execute(
        sql: """
          ALTER TABLE dataset ADD COLUMN takes_labels INTEGER NOT NULL DEFAULT 1;
          DROP INDEX label_of_meme;
          CREATE INDEX label_of_meme ON label (task, meme, annotator, undone_at, made_at, value);
          DELETE FROM prediction WHERE run NOT IN (SELECT max(id) FROM run GROUP BY task);
          """)
    }
    return migrator
  }
}
