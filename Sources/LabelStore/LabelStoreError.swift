import Foundation
import MemeData

/// Why a store could not be opened, read or changed. Nothing has been changed where one is thrown.
public enum LabelStoreError: Error, Equatable, CustomStringConvertible {
  /// The file is no store, or the system does not let it be read or written.
  case unusable(file: String, reason: String)
  /// A later version of the program made it.
  case newer(file: String)
  /// A name of a person that cannot be kept.
  case invalidAnnotator(String)
  /// There is no such task, meme or run.
  case unknown(what: String, name: String)
  /// A label that its task does not have.
  case unfitLabel(task: String, expected: String)
  /// A task that cannot be, or that no export could name.
  case invalidTask(String)
  /// A task of that name asks something else.
  case conflictingTask(name: String, stored: LabelTask, found: LabelTask)
  /// A meme of that name shows something else.
  case conflictingMeme(id: String, source: String)
  /// The labels of a dataset that were to be left out are in the store already.
  case alreadyTaken(source: String)
  /// There is no file of that name.
  case notFound(file: String)
  /// A file of labels cannot be read as a whole.
  case unreadable(file: String, reason: String)
  /// Rows of a file of labels are wrong; none of the file was taken.
  case badRows(file: String, problems: [String])
  /// The labels cannot be written in this form; nothing was written.
  case unwritable(LabelFormat, reason: String)

  public var description: String {
    switch self {
    case .unusable(let file, let reason):
      "\(file): \(reason); expected a store that 'memesense label' made, in a folder that can be written"
    case .newer(let file):
      "\(file) was made by a later version of MemeSense; update the program"
    case .invalidAnnotator(let reason):
      "a person's name \(reason); expected 1 to \(LabelStore.longestName) characters on one line"
    case .unknown(let what, let name):
      "there is no \(what) '\(name)' in the store"
    case .unfitLabel(let task, let expected):
      "the label does not fit the task '\(task)'; expected \(expected)"
    case .invalidTask(let reason):
      reason
    case .conflictingTask(let name, let stored, let found):
      "the store's task '\(name)' is \(stored.summary), and what is added has it as \(found.summary); use another store"
    case .conflictingMeme(let id, let source):
      "\(source): the store has another meme with the id '\(id)'; use another store"
    case .alreadyTaken(let source):
      "\(source): the store holds labels that came with this dataset's memes; use another store to label them anew"
    case .notFound(let file):
      "\(file): no such store; make one with: memesense label \(file) --data PATH"
    case .unreadable(let file, let reason):
      "\(file): \(reason)"
    case .badRows(let file, let problems):
      "\(file): \(problems.count) bad \(problems.count == 1 ? "row" : "rows"), nothing was taken"
        + problems.prefix(10).map { "\n  \($0)" }.joined()
        + (problems.count > 10 ? "\n  … and \(problems.count - 10) more" : "")
    case .unwritable(let format, let reason):
      "the labels cannot be written as \(format.rawValue): \(reason)"
    }
  }
}

extension LabelTask {
  /// Kind and labels in a few words.
  var summary: String { "\(kind.rawValue) (\(labels.joined(separator: ", ")))" }
}
