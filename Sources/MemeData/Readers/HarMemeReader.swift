/// HarMeme (Pramanick et al., 2021), also Harm-C and Harm-P: JSON lines of `id`, `image`, `labels`, `text` in
/// `annotations/` or beside the images. The corrected Harm-P is published as `train_v1.jsonl` and so on.
///
/// `labels` holds the intensity and, for harmful memes, the target. Tasks: `harmful` (somewhat or very, against not),
/// `intensity` (3 classes) and `target` (4 classes; memes without a target are masked).
enum HarMemeReader: DatasetReader {
  static let format = DatasetFormat.harmeme
  static let layout = "annotations/train.jsonl, val.jsonl, test.jsonl with id, image, labels, text; images/"

  private static let intensities = ["not harmful", "somewhat harmful", "very harmful"]
  private static let targets = ["individual", "organization", "community", "society"]

  private static func files(_ folder: DatasetFolder) throws(DatasetError) -> [AnnotationsFile] {
    try folder.splitFiles(
      [
        .train: ["train", "train_v1"], .validation: ["val", "dev", "val_v1"], .test: ["test", "test_v1"],
      ], ["jsonl"], in: ["annotations", ""])
  }

  static func recognises(_ folder: DatasetFolder) throws(DatasetError) -> Bool {
    for file in try files(folder) {
      let fields = try folder.fields(of: file.path)
      if fields.isSuperset(of: ["id", "image"]), fields.contains("labels") || fields.contains("text") { return true }
    }
    return false
  }

  static func read(_ folder: DatasetFolder) throws(DatasetError) -> DatasetContents {
    var rows = MemeRows(folder)
    for file in try files(folder) {
      try rows.read(file) { record throws(RowFault) in
        MemeDraft(
          id: try record.required("id"), image: try record.image("image"), text: try record.text("text"),
          labels: try labels(record))
      }
    }
    return rows.contents(tasks: [
      LabelTask(name: "harmful", kind: .binary, labels: ["harmful"]),
      LabelTask(name: "intensity", kind: .multiclass, labels: intensities),
      LabelTask(name: "target", kind: .multiclass, labels: targets),
    ])
  }

  private static func labels(_ record: Record) throws(RowFault) -> [String: Label] {
    guard let names = try record.strings("labels"), let first = names.first else { return [:] }
    guard let intensity = intensities.index(ofLabel: first) else {
      throw RowFault("unknown label '\(first)'; expected one of \(intensities.joined(separator: ", "))")
    }
    var labels: [String: Label] = ["harmful": .binary(intensity > 0), "intensity": .multiclass(intensity)]
    if names.count > 1 {
      guard names.count == 2, intensity > 0, let target = targets.index(ofLabel: names[1]) else {
        throw RowFault(
          "unknown labels '\(names.joined(separator: "', '"))'; expected an intensity and, for harmful memes, one of "
            + targets.joined(separator: ", "))
      }
      labels["target"] = .multiclass(target)
    }
    return labels
  }
}

extension Record {
  /// A list of strings, `nil` when absent or null.
  func strings(_ name: String) throws(RowFault) -> [String]? {
    switch fields[name] {
    case nil, .null: return nil
    case .array(let elements):
      var strings: [String] = []
      for element in elements {
        guard case .string(let string) = element else { throw RowFault("field '\(name)' is not a list of strings") }
        strings.append(string)
      }
      return strings
    default: throw RowFault("field '\(name)' is not a list of strings")
    }
  }
}
