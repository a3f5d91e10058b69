import Foundation

/// One row of an annotations file that could not be read as it stands.
public struct RowProblem: Error, Sendable, Equatable, Encodable, CustomStringConvertible {
  /// The annotations file, relative to the dataset folder.
  public var file: String
  /// The line the row starts on, counted from 1.
  public var line: Int
  /// What is wrong, and what was expected.
  public var message: String

  public init(file: String, line: Int, message: String) {
    self.file = file
    self.line = line
    self.message = message
  }

  public var description: String { "\(file):\(line): \(message)" }
}

/// Why a dataset could not be read at all.
public enum DatasetError: Error, Equatable, CustomStringConvertible {
  /// Nothing exists at the place given.
  case notFound(URL)
  /// No reader knows the layout; each entry says what one of them looked for.
  case unrecognised(URL, lookedFor: [String])
  /// A file or folder of the dataset cannot be read as a whole.
  case unreadable(file: String, reason: String)
  /// Every row was bad or there was none.
  case noMemes(URL, [RowProblem])
  /// Strict reading met bad rows.
  case badRows([RowProblem])

  public var description: String {
    switch self {
    case .notFound(let url):
      "\(url.path): no such file or folder; give a dataset folder or its annotations file"
    case .unrecognised(let url, let lookedFor):
      "\(url.path): no known dataset layout; looked for\n" + lookedFor.map { "  " + $0 }.joined(separator: "\n")
    case .unreadable(let file, let reason):
      "\(file): \(reason)"
    case .noMemes(let url, let problems):
      "\(url.path): not one meme could be read"
        + (problems.isEmpty
          ? ": there are no rows; expected one for each meme, give a dataset that has some" : Self.list(problems))
    case .badRows(let problems):
      "\(problems.count) bad \(problems.count == 1 ? "row" : "rows")" + Self.list(problems)
        + "\ncorrect them, or read without strictness to leave them out"
    }
  }

  private static func list(_ problems: [RowProblem]) -> String {
    let shown = problems.prefix(10).map { "\n  \($0)" }.joined()
    return shown + (problems.count > 10 ? "\n  … and \(problems.count - 10) more" : "")
  }
}

/// What is wrong with the row being read; the loop over the rows adds file and line.
struct RowFault: Error {
  let message: String

  init(_ message: String) {
    self.message = message
  }
}
