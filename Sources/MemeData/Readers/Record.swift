/// One row of an annotations file, whatever its syntax; a cell of delimited text is a string.
struct Record {
  let file: String
  let line: Int
  let fields: [String: JSON]
  /// The field names in the order of the file.
  let names: [String]

  /// The row as the place of a problem.
  func problem(_ message: String) -> RowProblem {
    RowProblem(file: file, line: line, message: message)
  }

  /// The row without some of its fields.
  func dropping(_ dropped: Set<String>) -> Record {
    Record(
      file: file, line: line, fields: fields.filter { !dropped.contains($0.key) },
      names: names.filter { !dropped.contains($0) })
  }

  /// A string (or a number's digits) without white space around it, `nil` when absent, null or empty.
  func string(_ name: String) throws(RowFault) -> String? {
    guard let text = try text(name) else { return nil }
    guard text.first!.isWhitespace || text.last!.isWhitespace else { return text }
    return String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
  }

  /// A string that must be there.
  func required(_ name: String) throws(RowFault) -> String {
    guard let value = try string(name) else { throw RowFault("field '\(name)' is missing") }
    return value
  }

  /// A text as it stands, `nil` when absent, null or nothing but white space.
  func text(_ name: String) throws(RowFault) -> String? {
    switch fields[name] {
    case nil, .null: return nil
    case .string(let value): return value.allSatisfy(\.isWhitespace) ? nil : value
    case .number(let value): return value
    default: throw RowFault("field '\(name)' is not a string")
    }
  }

  /// The image that the row names, where every row is expected to name one.
  func image(_ name: String) throws(RowFault) -> ImageName {
    try string(name).map { .file($0) } ?? .missing(field: name)
  }

  /// A truth value: `true`, `false`, 1 or 0; `nil` when absent, null or empty.
  func flag(_ name: String) throws(RowFault) -> Bool? {
    guard let value = fields[name], value != .null, value != .string("") else { return nil }
    guard let flag = value.flag else { throw RowFault("field '\(name)' is \(value); expected 0 or 1") }
    return flag
  }

  /// The index of the class that a field names, compared without case; `nil` when absent, null or empty.
  func classIndex(_ name: String, in classes: [String]) throws(RowFault) -> Int? {
    guard let value = try string(name) else { return nil }
    guard let index = classes.index(ofLabel: value) else {
      throw RowFault("field '\(name)' is '\(value)'; expected one of \(classes.joined(separator: ", "))")
    }
    return index
  }
}

/// What a row says of its image.
enum ImageName {
  /// The row is of text alone, as its layout allows.
  case none
  /// The field that should name the image is absent or empty.
  case missing(field: String)
  case file(String)
}

extension [String] {
  /// The position of a label, exactly spelled or else without regard to case.
  func index(ofLabel label: String) -> Int? {
    firstIndex(of: label) ?? firstIndex { $0.lowercased() == label.lowercased() }
  }
}

/// Reads an annotations file row by row: JSON lines, a JSON array of objects, or delimited text, as its name and first
/// character say.
struct RecordReader {
  private enum Syntax {
    case lines(LineReader)
    case array(JSONArrayReader)
    case delimited(DelimitedReader, header: [String])
  }

  let file: String
  private var syntax: Syntax

  init(file: String, bytes: [UInt8]) {
    self.file = file
    let name = file.lowercased()
    if name.hasSuffix(".csv") || name.hasSuffix(".tsv") {
      var reader = DelimitedReader(bytes)
      let header = reader.next()?.fields ?? []
      syntax = .delimited(reader, header: header.map { String($0.drop(while: \.isWhitespace)) })
    } else if JSONArrayReader.opensArray(bytes) {
      syntax = .array(JSONArrayReader(bytes))
    } else {
      syntax = .lines(LineReader(bytes))
    }
  }

  /// The next row or why it cannot be read; `nil` at the end. Blank lines are no rows.
  mutating func next() -> Result<Record, RowProblem>? {
    switch syntax {
    case .lines(var reader):
      defer { syntax = .lines(reader) }
      while let line = reader.next() {
        if line.isBlank { continue }
        return record(line: line.number) { () throws(JSONFault) in try JSON.parse(line.bytes) }
      }
      return nil
    case .array(var reader):
      defer { syntax = .array(reader) }
      guard let element = reader.next() else { return nil }
      return record(line: element.line) { () throws(JSONFault) in try element.value.get() }
    case .delimited(var reader, let header):
      defer { syntax = .delimited(reader, header: header) }
      guard let row = reader.next() else { return nil }
      if let fault = row.fault { return .failure(RowProblem(file: file, line: row.line, message: fault)) }
      guard row.fields.count == header.count else {
        let message = "\(row.fields.count) columns; the header has \(header.count)"
        return .failure(RowProblem(file: file, line: row.line, message: message))
      }
      let fields = Dictionary(zip(header, row.fields.map(JSON.string))) { first, _ in first }
      return .success(Record(file: file, line: row.line, fields: fields, names: header))
    }
  }

  private func record(line: Int, _ value: () throws(JSONFault) -> JSON) -> Result<Record, RowProblem> {
    do throws(JSONFault) {
      guard case .object(let object) = try value() else {
        return .failure(RowProblem(file: file, line: line, message: "not a JSON object"))
      }
      return .success(Record(file: file, line: line, fields: object.values, names: object.names))
    } catch {
      return .failure(RowProblem(file: file, line: line, message: error.message))
    }
  }
}
