/// MMHS150K (Gomez et al., 2020): `MMHS150K_GT.json`, one object of tweets by id, `splits/train_ids.txt`, `val_ids.txt`
/// and `test_ids.txt`, images in `img_resized/`.
///
/// Three people labelled each tweet. Tasks: `hateful` (most of them chose a class of hate) and `category` (the class
/// that most of them chose; tweets without such a class are masked). The text is the tweet's, addresses and all; the
/// texts recognised in the images (`img_txt/`) are not read.
enum MMHS150KReader: DatasetReader {
  static let format = DatasetFormat.mmhs150k
  static let layout = "MMHS150K_GT.json of tweet_text and labels by id; splits/train_ids.txt, …; img_resized/"

  private static let categories = ["NotHate", "Racist", "Sexist", "Homophobe", "Religion", "OtherHate"]
  private static let splitFiles: KeyValuePairs<Split, String> = [.train: "train", .validation: "val", .test: "test"]

  private static func annotations(_ folder: DatasetFolder) throws(DatasetError) -> String? {
    try folder.find(["MMHS150K_GT"], ["json"]).first
  }

  static func recognises(_ folder: DatasetFolder) throws(DatasetError) -> Bool {
    // A named file of any other layout ends in .json too: this one's opens an object and holds its tweets' texts.
    guard let file = try annotations(folder) else { return false }
    var reader = JSONObjectReader(try folder.bytes(of: file))
    guard case .success(.object(let tweet)) = reader.next()?.value else { return false }
    return tweet.values["tweet_text"] != nil
  }

  static func read(_ folder: DatasetFolder) throws(DatasetError) -> DatasetContents {
    var rows = MemeRows(folder)
    var splits = try splits(folder)
    for problem in splits.problems { rows.report(problem) }
    if let file = try annotations(folder) {
      var reader = JSONObjectReader(try folder.bytes(of: file))
      while let member = reader.next() {
        let record: Record
        switch member.value {
        case .success(.object(let object)):
          record = Record(file: file, line: member.line, fields: object.values, names: object.names)
        case .success(let value):
          let message = "tweet '\(member.name)' is \(value); expected an object"
          rows.report(RowProblem(file: file, line: member.line, message: message))
          continue
        case .failure(let fault):
          rows.report(RowProblem(file: file, line: fault.line, message: fault.message))
          continue
        }
        let entry = splits.entries.removeValue(forKey: member.name)
        rows.add(record, split: entry?.split, imageFolders: ["img_resized", "", "images"]) { record throws(RowFault) in
          MemeDraft(
            id: member.name, image: .file(member.name + ".jpg"), text: try record.text("tweet_text"),
            labels: try labels(record))
        }
      }
    }
    for (id, entry) in splits.entries.sorted(by: { ($0.value.file, $0.value.line) < ($1.value.file, $1.value.line) }) {
      rows.report(RowProblem(file: entry.file, line: entry.line, message: "the id '\(id)' is no tweet of the dataset"))
    }
    return rows.contents(tasks: [
      LabelTask(name: "hateful", kind: .binary, labels: ["hateful"]),
      LabelTask(name: "category", kind: .multiclass, labels: categories),
    ])
  }

  private static func labels(_ record: Record) throws(RowFault) -> [String: Label] {
    guard let value = record.fields["labels"], value != .null else { return [:] }
    let expected = "expected a list of classes from 0 to \(categories.count - 1), one for each annotator"
    guard case .array(let elements) = value, !elements.isEmpty else {
      throw RowFault("field 'labels' is \(value); \(expected)")
    }
    var votes = [Int](repeating: 0, count: categories.count)
    for element in elements {
      guard let category = element.integer, categories.indices.contains(category) else {
        throw RowFault("field 'labels' holds \(element); \(expected)")
      }
      votes[category] += 1
    }
    var labels: [String: Label] = [:]
    let hateful = elements.count - votes[0]
    // Half against half is no majority; three annotators cannot tie.
    if hateful * 2 != elements.count { labels["hateful"] = .binary(hateful * 2 > elements.count) }
    labels["category"] = votes.firstIndex { $0 * 2 > elements.count }.map { .multiclass($0) }
    return labels
  }

  private struct SplitEntry {
    var split: Split
    var file: String
    var line: Int
  }

  private static func splits(
    _ folder: DatasetFolder
  ) throws(DatasetError) -> (entries: [String: SplitEntry], problems: [RowProblem]) {
    var entries: [String: SplitEntry] = [:]
    var problems: [RowProblem] = []
    let names = try folder.names(in: "splits")
    for (split, stem) in splitFiles where names.contains(stem + "_ids.txt") {
      let file = "splits/\(stem)_ids.txt"
      var reader = LineReader(try folder.bytes(of: file))
      while let line = reader.next() {
        if line.isBlank { continue }
        let id = String(decoding: line.bytes, as: UTF8.self).filter { !$0.isWhitespace }
        if let earlier = entries[id] {
          let message = "the id '\(id)' stands in \(earlier.file):\(earlier.line) too"
          problems.append(RowProblem(file: file, line: line.number, message: message))
        } else {
          entries[id] = SplitEntry(split: split, file: file, line: line.number)
        }
      }
    }
    return (entries, problems)
  }
}
