import Metrics

/// MAMI (SemEval-2022 task 5): tab-separated `training.csv`, `test.tsv` and their like, with `file_name`, five 0/1
/// columns and `Text Transcription`, at the top or in folders of the same names, images beside them.
///
/// Test labels may stand in a file of their own, `test_labels.txt`: the file name and the five columns without a header.
/// A `validation` file is the validation split. The `trial` file is a sample drawn from the training memes: it is read,
/// as training data, only where there is no training file.
enum MAMIReader: DatasetReader {
  static let format = DatasetFormat.mami
  static let layout = "training.csv, test.tsv with file_name, misogynous, …, Text Transcription; test_labels.txt"

  private static let folders = ["", "training", "train", "trial", "validation", "test"]

  private static func files(_ folder: DatasetFolder) throws(DatasetError) -> [AnnotationsFile] {
    try folder.splitFiles(
      [.train: ["training", "train", "trial"], .validation: ["validation", "val", "dev"], .test: ["test"]],
      ["csv", "tsv"], in: folders)
  }

  static func recognises(_ folder: DatasetFolder) throws(DatasetError) -> Bool {
    for file in try files(folder) {
      let fields = try folder.fields(of: file.path)
      if fields.contains("file_name"), fields.contains(MAMI.taskALabel) || fields.contains("Text Transcription") {
        return true
      }
    }
    return false
  }

  static func read(_ folder: DatasetFolder) throws(DatasetError) -> DatasetContents {
    var rows = MemeRows(folder)
    for file in try files(folder) {
      var separate: [String: SeparateLabels] = [:]
      if file.split == .test, folder.only == nil, let path = try labelsFile(folder) {
        separate = try separateLabels(folder, path, &rows)
      }
      try rows.read(file) { record throws(RowFault) in
        let name = try record.required("file_name")
        let own = try labels(record)
        return MemeDraft(
          id: name, image: .file(name), text: try record.text("Text Transcription"),
          labels: separate.removeValue(forKey: name)?.labels ?? own)
      }
      for problem in separate.values.map(\.unmatched).sorted(by: { $0.line < $1.line }) { rows.report(problem) }
    }
    return rows.contents(tasks: [
      LabelTask(name: "misogynous", kind: .binary, labels: [MAMI.taskALabel]),
      LabelTask(name: "subtypes", kind: .multilabel, labels: MAMI.kinds),
      LabelTask(name: "misogyny", kind: .multilabel, labels: MAMI.labels),
    ])
  }

  /// What both kinds of column say of a meme; all five are a task too, as the shared task's systems learn them.
  private static func labels(misogynous: Bool?, subtypes flags: [Bool]?) -> [String: Label] {
    var labels: [String: Label] = [:]
    labels["misogynous"] = misogynous.map(Label.binary)
    labels["subtypes"] = flags.map(Label.multilabel)
    if let misogynous, let flags { labels["misogyny"] = .multilabel([misogynous] + flags) }
    return labels
  }

  private static func labels(_ record: Record) throws(RowFault) -> [String: Label] {
    let misogynous = try record.flag(MAMI.taskALabel)
    var flags: [Bool] = []
    for subtype in MAMI.kinds {
      if let flag = try record.flag(subtype) { flags.append(flag) }
    }
    guard flags.isEmpty || flags.count == MAMI.kinds.count else {
      throw RowFault("only \(flags.count) of the labels \(MAMI.kinds.joined(separator: ", ")) are given")
    }
    return labels(misogynous: misogynous, subtypes: flags.isEmpty ? nil : flags)
  }

  private struct SeparateLabels {
    var labels: [String: Label]
    var unmatched: RowProblem
  }

  private static func labelsFile(_ folder: DatasetFolder) throws(DatasetError) -> String? {
    try folder.find(["test_labels"], ["txt", "tsv", "csv"], in: folders).first
  }

  private static func separateLabels(
    _ folder: DatasetFolder, _ path: String, _ rows: inout MemeRows
  ) throws(DatasetError) -> [String: SeparateLabels] {
    var labels: [String: SeparateLabels] = [:]
    var reader = DelimitedReader(try folder.bytes(of: path))
    while let row = reader.next() {
      let cells = row.fields.map { $0.filter { !$0.isWhitespace } }
      if row.line == 1, cells.first == "file_name" { continue }
      let flags = cells.dropFirst().compactMap { JSON.string($0).flag }
      if row.fault == nil, cells.count == 1 + MAMI.labels.count, flags.count == MAMI.labels.count {
        let unmatched = RowProblem(
          file: path, line: row.line, message: "'\(cells[0])' is no meme of the test file")
        labels[cells[0]] = SeparateLabels(
          labels: Self.labels(misogynous: flags[0], subtypes: Array(flags.dropFirst())), unmatched: unmatched)
      } else {
        let message = row.fault ?? "expected a file name and five columns of 0 or 1"
        rows.report(RowProblem(file: path, line: row.line, message: message))
      }
    }
    return labels
  }
}
