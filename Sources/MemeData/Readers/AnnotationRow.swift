import Foundation

/// One row of a file of annotations in JSON lines, a JSON list of objects, or delimited text.
package struct AnnotationRow {
  private let record: Record

  /// The line it starts on, counted from 1.
  package var line: Int { record.line }

  /// The columns, or the members of the object.
  package var names: [String] { record.names }

  /// A member as people write labels: a truth value or a list of strings is told apart from text.
  package enum Value: Equatable {
    case flag(Bool)
    case text(String)
    case texts([String])
  }

  /// The rows of a file in order.
  ///
  /// - Parameter name: the file's, whose ending says whether it is delimited text.
  package static func rows(of bytes: [UInt8], named name: String) -> [Result<AnnotationRow, RowProblem>] {
    let bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
    var reader = RecordReader(file: name, bytes: bytes)
    var rows: [Result<AnnotationRow, RowProblem>] = []
    while let next = reader.next() { rows.append(next.map(AnnotationRow.init)) }
    return rows
  }

  private init(_ record: Record) { self.record = record }

  /// A member's text as it stands, `nil` where it is absent, null or nothing but white space.
  package func text(_ name: String) throws(RowProblem) -> String? {
    do throws(RowFault) { return try record.text(name) } catch { throw record.problem(error.message) }
  }

  /// A member's value, `nil` where it is absent, null or empty.
  package func value(_ name: String) throws(RowProblem) -> Value? {
    switch record.fields[name] {
    case nil, .null, .string(""): return nil
    case .bool(let flag): return .flag(flag)
    case .number(let text), .string(let text): return .text(text)
    case .array(let elements):
      let texts = elements.compactMap { if case .string(let text) = $0 { text } else { nil } }
      guard texts.count == elements.count else { break }
      return .texts(texts)
    case .object: break
    }
    throw record.problem("field '\(name)' is neither a truth value, nor a name, nor a list of names")
  }
}

/// A folder that pictures are sought in; none outside it is ever found.
package struct DatasetImages {
  fileprivate let folder: DatasetFolder

  package init(_ folder: URL) throws(DatasetError) { self.folder = try DatasetFolder(folder) }

  /// The folder itself.
  package var root: URL { folder.root }

  /// The picture of a name, `nil` where it is not there.
  ///
  /// - Throws: an error that says why, where a name leads out of the folder.
  package func image(named name: String) throws -> URL? {
    do throws(RowFault) {
      return try folder.image(named: name, in: ["", "images", "img"])
    } catch {
      throw DatasetError.unreadable(file: folder.root.path, reason: error.message)
    }
  }
}
