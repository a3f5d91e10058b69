import Foundation
import GRDB

/// Memes, labels with their history, runs and what models said, in one SQLite file.
///
/// What a method that writes has returned is on the disk: the journal is written ahead and synchronised at every commit, so
/// that neither a killed process nor a power failure takes it back. Every change is one transaction. Threads may share a
/// store, and so may processes.
public final class LabelStore: Sendable {
  /// Characters of a person's name.
  public static let longestName = 60
  /// Characters of a note.
  public static let longestNote = 2000

  public let file: URL
  private let pool: DatabasePool

  /// Opens a store, or makes one where there is no file, and brings it to the present layout.
  public init(at file: URL) throws(LabelStoreError) {
    self.file = file
    var configuration = Configuration()
    configuration.busyMode = .timeout(10)
    configuration.label = "LabelStore"
    do {
      pool = try DatabasePool(path: file.path, configuration: configuration)
      // GRDB chooses NORMAL for such journals, which a power failure may cost the last commits.
      try pool.writeWithoutTransaction { database in try database.execute(sql: "PRAGMA synchronous = FULL") }
      guard try !pool.read(Self.migrator.hasBeenSuperseded) else { throw LabelStoreError.newer(file: file.path) }
      try Self.migrator.migrate(pool)
    } catch {
      throw Self.told(error, of: file)
    }
  }

  /// Lets go of the file, which then holds everything by itself; nothing can be asked afterwards.
  public func close() throws(LabelStoreError) {
    do {
      // GRDB closes the writer first, without which readers cannot empty the journal.
      try pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
      try pool.close()
    } catch {
      throw Self.told(error, of: file)
    }
  }

  /// Reads from one state of the store, whatever is written meanwhile.
  func read<Value>(_ body: (Database) throws -> Value) throws(LabelStoreError) -> Value {
    do { return try pool.read(body) } catch { throw Self.told(error, of: file) }
  }

  /// Changes the store: all of it, or nothing where `body` throws.
  func write<Value>(_ body: (Database) throws -> Value) throws(LabelStoreError) -> Value {
    do { return try pool.write(body) } catch { throw Self.told(error, of: file) }
  }

  /// How the connection that writes is set: the journal's mode and how it is synchronised (2 is at every commit).
  func journal() throws(LabelStoreError) -> (mode: String, synchronous: Int) {
    do {
      return try pool.writeWithoutTransaction { database in
        (
          try String.fetchOne(database, sql: "PRAGMA journal_mode") ?? "",
          try Int.fetchOne(database, sql: "PRAGMA synchronous") ?? -1
        )
      }
    } catch {
      throw Self.told(error, of: file)
    }
  }

  private static func told(_ error: any Error, of file: URL) -> LabelStoreError {
    switch error {
    case let error as LabelStoreError: error
    case let error as DatabaseError: .unusable(file: file.path, reason: error.message ?? "\(error.resultCode)")
    default: .unusable(file: file.path, reason: "\(error)")
    }
  }
}
