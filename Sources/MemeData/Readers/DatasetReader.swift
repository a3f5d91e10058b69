/// A reader of one published layout.
protocol DatasetReader {
  static var format: DatasetFormat { get }
  /// The files that make the layout, for the message that says what was looked for.
  static var layout: String { get }
  /// Whether the folder follows the layout, judged by file names and the fields of the first row.
  static func recognises(_ folder: DatasetFolder) throws(DatasetError) -> Bool
  /// Reads every row; bad ones become problems.
  static func read(_ folder: DatasetFolder) throws(DatasetError) -> DatasetContents
}

/// What a reader found.
struct DatasetContents {
  var tasks: [LabelTask]
  var memes: [Meme]
  var problems: [RowProblem]
}

/// An annotations file and the split that its name stands for.
struct AnnotationsFile {
  var path: String
  var split: Split?
}

extension Split {
  /// The split that a file, folder or column names: `train`, `val`, `dev_seen`, `test_unseen` and their like.
  init?(conventionalName name: String) {
    switch name.lowercased() {
    case "train", "training": self = .train
    case "validation", "valid", "val", "dev", "dev_seen", "dev_unseen": self = .validation
    case "test", "testing", "test_seen", "test_unseen": self = .test
    default: return nil
    }
  }

  /// The split that a file's name, or the first word of it, stands for: `training_set_task3.txt` is of the training set.
  init?(fileNamed path: String) {
    let name = path.split(separator: "/").last ?? ""
    let stem = name.split(separator: ".").first ?? ""
    let word = stem.split { "_-".contains($0) }.first ?? ""
    guard let split = Split(conventionalName: String(stem)) ?? Split(conventionalName: String(word)) else { return nil }
    self = split
  }
}
