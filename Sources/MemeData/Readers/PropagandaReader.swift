/// SemEval-2021 task 6, propaganda techniques in memes (Dimitrov et al., 2021): `training_set_task3.txt` and its like,
/// JSON arrays of `id`, `text`, `image`, `labels`, at the top or in folders of the same names, images beside them.
///
/// `labels` lists technique names (subtasks 1 and 3) or objects with a `technique` (subtask 2). Only one subtask is
/// read, 3 before 1 before 2; the first two have no images. A labelled development file goes before an unlabelled one.
enum PropagandaReader: DatasetReader {
  static let format = DatasetFormat.propaganda
  static let layout = "training_set_task3.txt, dev_set_task3.txt, test_set_task3.txt: arrays of id, image, text, labels"

  /// The 22 techniques of subtask 3 in the order of the task's own list; the others use a subset.
  private static let techniques = [
    "Appeal to authority", "Appeal to fear/prejudice", "Black-and-white Fallacy/Dictatorship",
    "Causal Oversimplification", "Doubt", "Exaggeration/Minimisation", "Flag-waving",
    "Glittering generalities (Virtue)", "Loaded Language", "Misrepresentation of Someone's Position (Straw Man)",
    "Name calling/Labeling", "Obfuscation, Intentional vagueness, Confusion",
    "Presenting Irrelevant Data (Red Herring)", "Reductio ad hitlerum", "Repetition", "Slogans", "Smears",
    "Thought-terminating cliché", "Whataboutism", "Bandwagon", "Transfer", "Appeal to (Strong) Emotions",
  ]

  private static func files(_ folder: DatasetFolder) throws(DatasetError) -> [AnnotationsFile] {
    for subtask in [3, 1, 2] {
      let stems: KeyValuePairs<Split, [String]> = [
        .train: ["training_set_task\(subtask)"],
        .validation: ["dev_set_task\(subtask)_labeled", "dev_set_task\(subtask)"],
        .test: ["test_set_task\(subtask)_labeled", "test_set_task\(subtask)"],
      ]
      let files = try folder.splitFiles(stems, ["txt", "json"], in: [""] + stems.flatMap(\.value))
      if !files.isEmpty { return files }
    }
    return []
  }

  static func recognises(_ folder: DatasetFolder) throws(DatasetError) -> Bool {
    for file in try files(folder) {
      let fields = try folder.fields(of: file.path)
      if fields.contains("id"), fields.contains("text") || fields.contains("image") { return true }
    }
    return false
  }

  static func read(_ folder: DatasetFolder) throws(DatasetError) -> DatasetContents {
    var rows = MemeRows(folder)
    for file in try files(folder) {
      try rows.read(file) { record throws(RowFault) in
        let image: ImageName = record.fields["image"] == nil ? .none : try record.image("image")
        return MemeDraft(
          id: try record.required("id"), image: image, text: try record.text("text"),
          labels: try techniques(of: record).map { ["techniques": .multilabel($0)] } ?? [:])
      }
    }
    return rows.contents(tasks: [LabelTask(name: "techniques", kind: .multilabel, labels: techniques)])
  }

  private static func techniques(of record: Record) throws(RowFault) -> [Bool]? {
    guard let value = record.fields["labels"], value != .null else { return nil }
    guard case .array(let elements) = value else { throw RowFault("field 'labels' is not a list") }
    var flags = [Bool](repeating: false, count: techniques.count)
    for element in elements {
      let name: String
      switch element {
      case .string(let string): name = string
      case .object(let span):
        guard case .string(let string) = span.values["technique"] else {
          throw RowFault("a label names no 'technique'")
        }
        name = string
      default: throw RowFault("a label is neither a name nor an object with a 'technique'")
      }
      guard let index = techniques.index(ofLabel: name) else { throw RowFault("unknown technique '\(name)'") }
      flags[index] = true
    }
    return flags
  }
}
