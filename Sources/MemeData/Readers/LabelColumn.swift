/// A column of a metadata file as a source of labels.
struct LabelColumn {
  /// More different words, numbers or listed names than this, in more than half of the rows, are no classes but free text,
  /// counts and the like.
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
      listed.formUnion(names.filter { !$0.isEmpty })
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

  /// The task that the values suggest, `nil` when they are no labels. One class that all rows share asks nothing.
  func task(named name: String) -> LabelTask? {
    let task: LabelTask
    if listCount > 0, listCount >= flagCount + integerCount + wordCount {
      guard !Self.areFree(listed.count, in: listCount) else { return nil }
      task = LabelTask(name: name, kind: .multilabel, labels: listed.sorted())
    } else if fractionCount > flagCount + integerCount + wordCount {
      return nil
    } else if wordCount > flagCount + integerCount {
      guard !Self.areFree(strings.count, in: wordCount) else { return nil }
      task = LabelTask(name: name, kind: .multiclass, labels: strings.sorted())
    } else if integerCount > 0 {
      guard !Self.areFree(integers.count, in: flagCount + integerCount) else { return nil }
      task = LabelTask(name: name, kind: .multiclass, labels: integers.sorted().map(String.init))
    } else if flagCount > 0 {
      task = LabelTask(name: name, kind: .binary, labels: [name])
    } else {
      return nil
    }
    return task.fault == nil ? task : nil
  }

  private static func areFree(_ differentCount: Int, in rowCount: Int) -> Bool {
    differentCount > freeTextThreshold && differentCount > rowCount / 2
  }
}

/// Reads off rows what they say for a task.
struct ColumnLabels {
  let task: LabelTask
  private let indices: [String: Int]

  init(of task: LabelTask) {
    self.task = task
    indices = Dictionary(zip(task.labels, task.labels.indices)) { first, _ in first }
  }

  /// What a row says, `nil` when it says nothing.
  func label(in record: Record) throws(RowFault) -> Label? {
    guard let value = record.fields[task.name], value != .null, value != .string("") else { return nil }
    switch task.kind {
    case .binary:
      return try record.flag(task.name).map { .binary($0) }
    case .multiclass:
      var index: Int?
      if case .string(let name) = value { index = indices[name] }
      index = index ?? value.integer.flatMap { indices[String($0)] }
      guard let index else {
        throw RowFault("field '\(task.name)' is \(value); expected one of \(task.labels.joined(separator: ", "))")
      }
      return .multiclass(index)
    case .multilabel:
      var flags = [Bool](repeating: false, count: task.labels.count)
      let names = try record.strings(task.name) ?? []
      for name in names where !name.isEmpty {
        guard let index = indices[name] else {
          let expected = task.labels.joined(separator: ", ")
          throw RowFault("field '\(task.name)' lists '\(name)'; expected some of \(expected)")
        }
        flags[index] = true
      }
      return .multilabel(flags)
    }
  }
}
