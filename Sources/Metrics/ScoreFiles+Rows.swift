import Foundation

/// One line of a truth file. A multi-class `label` is kept as the one label that is 1.
struct TruthRow {
  let id: String
  let labels: [String: Int]

  static func read(_ url: URL, kind: TaskKind) throws(ScoreFileError) -> [(line: Int, value: TruthRow)] {
    if let rows = try MAMIRows.read(url, kind: kind) {
      guard kind != .multiclass else {
        throw .invalid(
          file: url.path, line: nil,
          problem: "MAMI's labels do not exclude each other; give the task kind multilabel or binary, or another file")
      }
      return rows.map { ($0.line, TruthRow(id: $0.id, labels: $0.labels)) }
    }
    if kind == .multiclass {
      return try readLines(url, as: ClassLine.self) { TruthRow(id: $0.id.text, labels: [$0.label: 1]) }
    }
    return try readLines(url, as: LabelLine.self) { TruthRow(id: $0.id.text, labels: $0.labels) }
  }

  func check(against known: Set<String>, kind: TaskKind, file: String, line: Int) throws(ScoreFileError) {
    if kind != .multiclass {
      try checkNames(labels.keys, equal: known, of: "labels", file: file, line: line)
    } else if let name = labels.keys.first, !known.contains(name) {
      throw .invalid(
        file: file, line: line,
        problem: "the class '\(name)' has no probability in the predictions; they know \(quotedList(known.sorted()))")
    }
    for (name, value) in labels where value != 0 && value != 1 {
      throw .invalid(file: file, line: line, problem: "the label '\(name)' is \(value); expected 0 or 1")
    }
  }

  private struct LabelLine: Decodable {
    let id: Identifier
    let labels: [String: Int]
  }

  private struct ClassLine: Decodable {
    let id: Identifier
    let label: String
  }
}

/// One line of a prediction file.
struct PredictionRow {
  let id: String
  let probabilities: [String: Double]

  static func read(_ url: URL, kind: TaskKind) throws(ScoreFileError) -> [(line: Int, value: PredictionRow)] {
    if let rows = try MAMIRows.read(url, kind: kind) {
      return rows.map { ($0.line, PredictionRow(id: $0.id, probabilities: $0.labels.mapValues(Double.init))) }
    }
    return try readLines(url, as: Line.self) { PredictionRow(id: $0.id.text, probabilities: $0.probabilities) }
  }

  func check(against known: Set<String>, file: String, line: Int) throws(ScoreFileError) {
    try checkNames(probabilities.keys, equal: known, of: "probabilities", file: file, line: line)
  }

  private struct Line: Decodable {
    let id: Identifier
    let probabilities: [String: Double]
  }
}

/// A meme's id, which some datasets write as a number.
private struct Identifier: Decodable {
  let text: String

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let text = try? container.decode(String.self) {
      self.text = text
    } else {
      self.text = String(try container.decode(Int.self))
    }
  }
}

func quotedList(_ names: [String]) -> String {
  names.isEmpty ? "none" : names.map { "'\($0)'" }.joined(separator: ", ")
}

private func checkNames(
  _ found: some Collection<String>, equal known: Set<String>, of key: String, file: String, line: Int
) throws(ScoreFileError) {
  if let name = found.filter({ !known.contains($0) }).min() {
    throw .invalid(
      file: file, line: line,
      problem: "`\(key)` has the unknown label '\(name)'; expected \(quotedList(known.sorted()))")
  }
  if let name = known.subtracting(found).min() {
    throw .invalid(
      file: file, line: line, problem: "`\(key)` lacks the label '\(name)'; expected \(quotedList(known.sorted()))")
  }
}

/// MAMI's own files, told by their names: `.txt` or `.tsv`, tabs between a file name and one or five columns of 0 or 1.
private enum MAMIRows {
  /// - Parameter kind: of a binary task only the first column counts.
  /// - Returns: `nil` for a file of another name.
  static func read(
    _ url: URL, kind: TaskKind
  ) throws(ScoreFileError) -> [(line: Int, id: String, labels: [String: Int])]? {
    guard ["txt", "tsv"].contains(url.pathExtension.lowercased()) else { return nil }
    var width: Int?
    var rows: [(line: Int, id: String, labels: [String: Int])] = []
    for (line, text) in try lines(of: url) {
      let cells = text.split(separator: "\t", omittingEmptySubsequences: false).map {
        $0.trimmingCharacters(in: .whitespacesAndNewlines)
      }
      let flags = cells.dropFirst().compactMap { ["0": 0, "1": 1][$0] }
      let known = width.map { [$0] } ?? [2, 1 + MAMI.labels.count]
      guard known.contains(cells.count), flags.count == cells.count - 1 else {
        throw .invalid(
          file: url.path, line: line,
          problem: "expected a file name and \(known.map { "\($0 - 1)" }.joined(separator: " or ")) columns of 0 or 1")
      }
      width = cells.count
      rows.append(
        (
          line, cells[0],
          Dictionary(uniqueKeysWithValues: zip(MAMI.labels.prefix(kind == .binary ? 1 : MAMI.labels.count), flags))
        ))
    }
    return rows
  }
}

/// Decodes each line that is not blank; the result is never empty.
private func readLines<Line: Decodable, Row>(
  _ url: URL, as type: Line.Type, row: (Line) -> Row
) throws(ScoreFileError) -> [(line: Int, value: Row)] {
  let decoder = JSONDecoder()
  var rows: [(line: Int, value: Row)] = []
  for (line, text) in try lines(of: url) {
    do {
      rows.append((line, row(try decoder.decode(type, from: Data(text.utf8)))))
    } catch {
      throw .invalid(file: url.path, line: line, problem: explanation(of: error))
    }
  }
  return rows
}

/// The lines that are not blank, by number from 1; never none.
private func lines(of url: URL) throws(ScoreFileError) -> [(line: Int, text: String)] {
  var data: Data
  do {
    data = try Data(contentsOf: url)
  } catch {
    let exists = FileManager.default.fileExists(atPath: url.path)
    let reason = exists ? "cannot be read; expected a file of lines" : "no such file; check the path"
    throw .unreadable(file: url.path, reason: reason)
  }
  if data.starts(with: [0xEF, 0xBB, 0xBF]) { data = data.dropFirst(3) }

  var lines: [(line: Int, text: String)] = []
  for (index, bytes) in data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .invalid(file: url.path, line: index + 1, problem: "not UTF-8 text; save the file as UTF-8")
    }
    if !text.allSatisfy(\.isWhitespace) { lines.append((index + 1, text)) }
  }
  guard !lines.isEmpty else {
    throw .invalid(file: url.path, line: nil, problem: "the file has no lines; expected one a meme")
  }
  return lines
}

/// Says what a decoding error means for one line.
private func explanation(of error: any Error) -> String {
  guard let error = error as? DecodingError else { return "not readable as JSON: \(error)" }
  switch error {
  case .keyNotFound(let key, _):
    return "the key `\(key.stringValue)` is missing"
  case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
    let path = context.codingPath.map(\.stringValue).joined(separator: ".")
    return "\(path.isEmpty ? "the line" : "`\(path)`") has the wrong type; expected \(jsonName(of: type))"
  case .dataCorrupted(let context):
    let path = context.codingPath.map(\.stringValue).joined(separator: ".")
    return path.isEmpty ? "not valid JSON; expected one object a line" : "`\(path)` cannot be read; expected a number"
  @unknown default:
    return "not the expected JSON: \(error)"
  }
}

private func jsonName(of type: Any.Type) -> String {
  switch type {
  case is String.Type: "a string"
  case is Int.Type: "a whole number"
  case is Double.Type: "a number"
  default: "an object"
  }
}
