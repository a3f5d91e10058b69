/// Hateful Memes (Kiela et al., 2020): JSON lines of `id`, `img`, `label`, `text`.
///
/// Validation is `dev_seen` and test is `test_seen`, as SemiMemes and Hate-CLIPper report; only where a seen file is
/// missing is the older `dev`/`test` or the unseen one read in its place. The seen and unseen development sets share
/// 400 memes, so they are never read together. Rows without a label (the competition's test rows) are unlabelled.
enum HatefulMemesReader: DatasetReader {
  static let format = DatasetFormat.hatefulMemes
  static let layout = "train.jsonl, dev_seen.jsonl, test_seen.jsonl with id, img, label, text"

  private static func files(_ folder: DatasetFolder) throws(DatasetError) -> [AnnotationsFile] {
    try folder.splitFiles(
      [
        .train: ["train"], .validation: ["dev_seen", "dev", "dev_unseen"], .test: ["test_seen", "test", "test_unseen"],
      ], ["jsonl"])
  }

  static func recognises(_ folder: DatasetFolder) throws(DatasetError) -> Bool {
    for file in try files(folder) where try folder.fields(of: file.path).isSuperset(of: ["id", "img"]) { return true }
    return false
  }

  static func read(_ folder: DatasetFolder) throws(DatasetError) -> DatasetContents {
    var rows = MemeRows(folder)
    for file in try files(folder) {
      try rows.read(file) { record throws(RowFault) in
        MemeDraft(
          id: try record.required("id"), image: try record.image("img"), text: try record.text("text"),
          labels: try record.flag("label").map { ["hateful": .binary($0)] } ?? [:])
      }
    }
    return rows.contents(tasks: [LabelTask(name: "hateful", kind: .binary, labels: ["hateful"])])
  }
}
