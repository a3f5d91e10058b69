import Foundation
import MemeData

/// A row of a file of labels: a meme, and what one person said of it for one task.
///
/// Members of JSON lines and columns of tables have the same names; `task` and what follows are absent where a meme has no
/// label.
struct LabelRow: Encodable, Equatable {
  /// The meme's name.
  var id: String
  var fileName: String?
  var text: String?
  var split: Split?
  var task: String?
  /// `nil` where somebody would not decide.
  var label: LabelText?
  var annotator: String?
  var note: String?
  var time: Date?
  /// When it was taken back.
  var undone: Date?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case id
    case fileName = "file_name"
    case text, split, task, label, annotator, note, time, undone
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(id, forKey: .id)
    try container.encodeIfPresent(fileName, forKey: .fileName)
    try container.encodeIfPresent(text, forKey: .text)
    try container.encodeIfPresent(split, forKey: .split)
    guard let task else { return }
    try container.encode(task, forKey: .task)
    try container.encode(label, forKey: .label)
    try container.encodeIfPresent(annotator, forKey: .annotator)
    try container.encodeIfPresent(note, forKey: .note)
    try container.encodeIfPresent(time.map(Self.format), forKey: .time)
    try container.encodeIfPresent(undone.map(Self.format), forKey: .undone)
  }

  /// The row as cells in the order of ``CodingKeys``.
  var cells: [String] {
    get throws {
      [
        id, fileName ?? "", text ?? "", split?.rawValue ?? "", task ?? "", try label?.cell ?? "", annotator ?? "",
        note ?? "", time.map(Self.format) ?? "", undone.map(Self.format) ?? "",
      ]
    }
  }

  /// Reads a row.
  init(_ row: AnnotationRow, file: String) throws(RowProblem) {
    func fault(_ message: String) -> RowProblem { RowProblem(file: file, line: row.line, message: message) }
    func text(_ key: CodingKeys) throws(RowProblem) -> String? { try row.text(key.rawValue) }
    func date(_ key: CodingKeys) throws(RowProblem) -> Date? {
      guard let text = try text(key) else { return nil }
      guard let date = Self.date(text) else {
        throw fault("field '\(key.rawValue)' is '\(text)'; expected a time such as 2026-11-25T13:00:00Z")
      }
      return date
    }
    let known = CodingKeys.allCases.map(\.rawValue)
    if let unknown = row.names.first(where: { !known.contains($0) }) {
      throw fault("there is no field '\(unknown)' in a file of labels; expected \(known.joined(separator: ", "))")
    }
    guard let id = try text(.id) else { throw fault("field 'id' is missing") }
    self.id = id
    fileName = try text(.fileName)
    self.text = try text(.text)
    if let name = try text(.split) {
      guard let split = Split(rawValue: name) else {
        throw fault("unknown split '\(name)'; expected train, validation or test")
      }
      self.split = split
    }
    task = try text(.task)
    annotator = try text(.annotator)
    note = try text(.note)
    time = try date(.time)
    undone = try date(.undone)
    label =
      switch try row.value(CodingKeys.label.rawValue) {
      case nil: nil
      case .flag(let flag): .flag(flag)
      case .text(let text): LabelText(cell: text)
      case .texts(let names): .names(names)
      }
    guard task != nil || label == nil else { throw fault("there is a 'label' and no 'task'") }
  }

  init(
    id: String, fileName: String?, text: String?, split: Split?, task: String? = nil, label: LabelText? = nil,
    annotator: String? = nil, note: String? = nil, time: Date? = nil, undone: Date? = nil
  ) {
    self.id = id
    self.fileName = fileName
    self.text = text
    self.split = split
    self.task = task
    self.label = label
    self.annotator = annotator
    self.note = note
    self.time = time
    self.undone = undone
  }

  /// To the millisecond, in UTC.
  static func format(_ date: Date) -> String {
    let milliseconds = Int((date.timeIntervalSince1970 * 1000).rounded())
    let seconds = Int((Double(milliseconds) / 1000).rounded(.down))
    let text = Date(timeIntervalSince1970: Double(seconds)).formatted(Date.ISO8601FormatStyle())
    return String(format: "\(text.dropLast()).%03dZ", milliseconds - seconds * 1000)
  }

  /// Reads a time with or without fractions of a second.
  static func date(_ text: String) -> Date? {
    (try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
      ?? (try? Date(text, strategy: Date.ISO8601FormatStyle()))
  }
}
