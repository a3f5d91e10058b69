/// Memotion 7k (SemEval-2020 task 8): `labels.csv` with `image_name`, `text_ocr`, `text_corrected`, `humour`,
/// `sarcasm`, `offensive`, `motivational`, `overall_sentiment`, images in `images/`. It has no splits.
///
/// The text is the corrected one, the OCR's where that is empty. `sentiment` merges the two outer levels of
/// `sentiment5` on either side.
enum MemotionReader: DatasetReader {
  static let format = DatasetFormat.memotion
  static let layout = "labels.csv with image_name, text_corrected, humour, …, overall_sentiment; images/"

  private static let levels = ["very_negative", "negative", "neutral", "positive", "very_positive"]
  private static let merged = [0, 0, 1, 2, 2]
  private static let scales = [
    LabelTask(name: "humour", kind: .multiclass, labels: ["not_funny", "funny", "very_funny", "hilarious"]),
    LabelTask(
      name: "sarcasm", kind: .multiclass, labels: ["not_sarcastic", "general", "twisted_meaning", "very_twisted"]),
    LabelTask(
      name: "offensive", kind: .multiclass, labels: ["not_offensive", "slight", "very_offensive", "hateful_offensive"]),
  ]

  static func recognises(_ folder: DatasetFolder) throws(DatasetError) -> Bool {
    guard let file = try folder.find(["labels"], ["csv"]).first else { return false }
    return try folder.fields(of: file).isSuperset(of: ["image_name", "overall_sentiment"])
  }

  static func read(_ folder: DatasetFolder) throws(DatasetError) -> DatasetContents {
    var rows = MemeRows(folder)
    for file in try folder.find(["labels"], ["csv"]) {
      try rows.read(AnnotationsFile(path: file, split: nil)) { record throws(RowFault) in
        let name = try record.required("image_name")
        let recognised = try record.text("text_ocr")
        let text = try record.text("text_corrected") ?? recognised
        return MemeDraft(id: name, image: .file(name), text: text, labels: try labels(record))
      }
    }
    let sentiments = [
      LabelTask(name: "sentiment5", kind: .multiclass, labels: levels),
      LabelTask(name: "sentiment", kind: .multiclass, labels: ["negative", "neutral", "positive"]),
    ]
    let motivational = LabelTask(name: "motivational", kind: .binary, labels: ["motivational"])
    return rows.contents(tasks: sentiments + scales + [motivational])
  }

  private static func labels(_ record: Record) throws(RowFault) -> [String: Label] {
    var labels: [String: Label] = [:]
    if let level = try record.classIndex("overall_sentiment", in: levels) {
      labels["sentiment5"] = .multiclass(level)
      labels["sentiment"] = .multiclass(merged[level])
    }
    for scale in scales {
      if let index = try record.classIndex(scale.name, in: scale.labels) { labels[scale.name] = .multiclass(index) }
    }
    if let index = try record.classIndex("motivational", in: ["not_motivational", "motivational"]) {
      labels["motivational"] = .binary(index == 1)
    }
    return labels
  }
}
