import Foundation

/// Why memes cannot be written as a dataset.
public enum DatasetWriteError: Error, Equatable, CustomStringConvertible {
  /// An image lies outside the folder to be written.
  case imageOutside(meme: String, image: URL, folder: URL)
  /// A label does not fit its task.
  case label(meme: String, task: String)
  /// A task is named like a column of the format, or like another task.
  case taskName(String)

  public var description: String {
    switch self {
    case .imageOutside(let meme, let image, let folder):
      "meme '\(meme)': the image \(image.path) lies outside \(folder.path); copy it there first"
    case .label(let meme, let task):
      "meme '\(meme)': its label does not fit the kind or the labels of task '\(task)'"
    case .taskName(let name):
      "a task cannot be named '\(name)': the name is taken; file_name, id, text and split are columns of the format"
    }
  }
}

extension Dataset {
  /// Writes memes as a Hugging Face image folder: `metadata.jsonl`, one line a meme, beside images already in place.
  ///
  /// The columns are `file_name` (relative to the folder, `null` without an image), `id`, `text`, `split`, then one for
  /// each task: a truth value, a class name or a list of label names; `null` is unlabelled. The order of tasks and
  /// classes, which columns cannot say, goes into `tasks.json`; reading the folder gives the same memes back.
  ///
  /// - Throws: ``DatasetWriteError`` when an image is elsewhere or a label does not fit; nothing is written then. File
  ///   system errors pass through.
  public static func writeHuggingFace(memes: [Meme], tasks: [LabelTask], to folder: URL) throws {
    let fileNames = try memes.map { meme in
      try meme.image.map { try relativePath(of: $0, in: folder, meme: meme.id) }
    }
    let lines = try huggingFaceLines(memes: memes, fileNames: fileNames, tasks: tasks)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let declaration = try encoder.encode(tasks)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try declaration.write(to: folder.appending(path: HuggingFaceReader.tasksFile), options: .atomic)
    try Data(lines.utf8).write(to: folder.appending(path: "metadata.jsonl"), options: .atomic)
  }

  /// Names that no task can have in this layout: those of its own columns.
  package static var reservedTaskNames: Set<String> { HuggingFaceReader.reservedColumns }

  /// The content of `metadata.jsonl`.
  ///
  /// - Parameter fileNames: where each meme's picture lies in the folder, `nil` for none.
  /// - Throws: ``DatasetWriteError/label(meme:task:)`` and ``DatasetWriteError/taskName(_:)``.
  package static func huggingFaceLines(
    memes: [Meme], fileNames: [String?], tasks: [LabelTask]
  ) throws -> String {
    precondition(memes.count == fileNames.count, "one file name for each meme")
    var taken = reservedTaskNames
    for task in tasks {
      guard taken.insert(task.name).inserted else { throw DatasetWriteError.taskName(task.name) }
    }
    var lines = ""
    for (meme, fileName) in zip(memes, fileNames) {
      var columns = [
        ("file_name", quoted(fileName)), ("id", quoted(meme.id)), ("text", quoted(meme.text)),
        ("split", quoted(meme.split?.rawValue)),
      ]
      for task in tasks { columns.append((task.name, try value(of: meme, for: task))) }
      lines += "{" + columns.map { "\(quoted($0.0)): \($0.1)" }.joined(separator: ", ") + "}\n"
    }
    return lines
  }

  private static func relativePath(of image: URL, in folder: URL, meme: String) throws -> String {
    let inner = image.standardizedFileURL.pathComponents
    let outer = folder.standardizedFileURL.pathComponents
    guard inner.count > outer.count, inner.starts(with: outer) else {
      throw DatasetWriteError.imageOutside(meme: meme, image: image, folder: folder)
    }
    return inner.dropFirst(outer.count).joined(separator: "/")
  }

  private static func value(of meme: Meme, for task: LabelTask) throws -> String {
    switch (meme.labels[task.name], task.kind) {
    case (nil, _):
      return "null"
    case (.binary(let flag), .binary):
      return flag ? "true" : "false"
    case (.multiclass(let index), .multiclass) where task.labels.indices.contains(index):
      return quoted(task.labels[index])
    case (.multilabel(let flags), .multilabel) where flags.count == task.labels.count:
      let names = zip(task.labels, flags).filter(\.1).map { quoted($0.0) }
      return "[" + names.joined(separator: ", ") + "]"
    default:
      throw DatasetWriteError.label(meme: meme.id, task: task.name)
    }
  }

  private static func quoted(_ text: String?) -> String {
    guard let text else { return "null" }
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      // Some readers of lines break at U+0085, U+2028 and U+2029 too.
      case "\0"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}":
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
