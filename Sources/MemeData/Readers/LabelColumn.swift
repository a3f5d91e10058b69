/// A column of a metadata file as a source of labels.
struct LabelColumn {
  /// More different words than this, in more than half of the rows, are free text.
  private static let freeTextThreshold = 100

  private var flagCount = 0
  private var integerCount = 0
  private var fractionCount = 0
  private var wordCount = 0
  private var listCount = 0
  /// Strings of every kind, as a column of mostly words takes them.
  private var strings: Set<String> = []
  private var integers: Set<Int> = []
  private var listed: Set<String> = []

  init(name: String, in records: some Sequence<Record>) {
    for record in records {
      if let value = record.fields[name] { count(value) }
    }
  }

  private mutating func count(_ value: JSON) {
    if case .string(let string) = value, !string.isEmpty { strings.insert(string) }
    if let integer = value.integer { integers.insert(integer) }
    switch value {
    case .null, .string(""), .object: break
    case .array(let elements):
      let names = elements.compactMap { if case .string(let name) = $0 { name } else { nil } }
      guard names.count == elements.count else { break }
      listCount += 1
      listed.formUnion(names)
    default:
      if value.flag != nil {
        flagCount += 1
      } else if value.integer != nil {
        integerCount += 1
      } else if case .string(let string) = value, Double(string) == nil {
        wordCount += 1
      } else {
        fractionCount += 1
      }
    }
  }

  /// The task that the values suggest, `nil` when they are no labels.
  func task(named name: String) -> LabelTask? {
    if listCount > 0, listCount >= flagCount + integerCount + wordCount {
      return listed.isEmpty ? nil : LabelTask(name: name, kind: .multilabel, labels: listed.sorted())
    }
    guard fractionCount <= flagCount + integerCount + wordCount else { return nil }
    if wordCount > flagCount + integerCount {
      let isFreeText = strings.count > Self.freeTextThreshold && strings.count > wordCount / 2
      return isFreeText ? nil : LabelTask(name: name, kind: .multiclass, labels: strings.sorted())
    }
    if integerCount > 0 {
      return LabelTask(name: name, kind: .multiclass, labels: integers.sorted().map(String.init))
    }
    return flagCount == 0 ? nil : LabelTask(name: name, kind: .binary, labels: [name])
  }

  /// What a row says for a task, `nil` when it says nothing.
  static func label(in record: Record, for task: LabelTask) throws(RowFault) -> Label? {
    guard let value = record.fields[task.name], value != .null, value != .string("") else { return nil }
    switch task.kind {
    case .binary:
      return try record.flag(task.name).map { .binary($0) }
    case .multiclass:
      var index: Int?
      if case .string(let name) = value { index = task.labels.firstIndex(of: name) }
      index = index ?? value.integer.flatMap { task.labels.firstIndex(of: String($0)) }
      guard let index else {
        throw RowFault("field '\(task.name)' is \(value); expected one of \(task.labels.joined(separator: ", "))")
      }
      return .multiclass(index)
    case .multilabel:
      let names = try record.strings(task.name) ?? []
      if let unknown = names.first(where: { !task.labels.contains($0) }) {
        let expected = task.labels.joined(separator: ", ")
        throw RowFault("field '\(task.name)' lists '\(unknown)'; expected some of \(expected)")
      }
      return .multilabel(task.labels.map(names.contains))
    }
  }
}
