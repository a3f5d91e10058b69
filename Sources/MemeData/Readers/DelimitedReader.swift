/// Reads comma- or tab-separated text as RFC 4180 has it, keeping line numbers.
///
/// Quoted fields may hold delimiters, line breaks and doubled quotes; lines end in LF, CRLF or CR; a quote inside an
/// unquoted field stands for itself. Blank lines are skipped. After a fault reading goes on with the line below the
/// one that the faulty row starts on.
struct DelimitedReader {
  /// One row.
  struct Row {
    /// The line it starts on, counted from 1.
    var line: Int
    var fields: [String] = []
    var fault: String?
  }

  private let bytes: [UInt8]
  private let delimiter: UInt8
  private var position = 0
  private var line = 1

  /// - Parameter bytes: The text; the delimiter is the tab when the first line holds one, else the comma.
  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    let header = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
    delimiter = header.contains(UInt8(ascii: "\t")) ? UInt8(ascii: "\t") : UInt8(ascii: ",")
  }

  /// The next row, `nil` at the end.
  mutating func next() -> Row? {
    while position < bytes.count, passLineBreak() {}
    guard position < bytes.count else { return nil }
    let start = (position: position, line: line)
    var row = Row(line: line)
    do throws(RowFault) {
      repeat { row.fields.append(try field()) } while passDelimiter()
      _ = passLineBreak()
    } catch {
      row.fault = error.message
      (position, line) = start
      while position < bytes.count, !passLineBreak() { position += 1 }
    }
    return row
  }

  private mutating func field() throws(RowFault) -> String {
    var content: [UInt8] = []
    if position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
      try quotedContent(into: &content)
    } else {
      let start = position
      while position < bytes.count, !endsField(bytes[position]) { position += 1 }
      content += bytes[start..<position]
    }
    guard let text = String(validating: content, as: UTF8.self) else { throw RowFault("not valid UTF-8") }
    return text
  }

  private mutating func quotedContent(into content: inout [UInt8]) throws(RowFault) {
    position += 1
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") {
        position += 1
        guard position < bytes.count, !endsField(bytes[position]) else { return }
        guard bytes[position] == UInt8(ascii: "\"") else {
          throw RowFault("text after a closing quote; a quote inside a quoted field must be doubled")
        }
        content.append(byte)
        position += 1
      } else {
        let start = position
        if !passLineBreak() { position += 1 }
        content += bytes[start..<position]
      }
    }
    throw RowFault("a quote opened in this row is never closed")
  }

  private func endsField(_ byte: UInt8) -> Bool {
    byte == delimiter || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
  }

  private mutating func passDelimiter() -> Bool {
    guard position < bytes.count, bytes[position] == delimiter else { return false }
    position += 1
    return true
  }

  private mutating func passLineBreak() -> Bool {
    guard position < bytes.count, let length = bytes.lineBreakLength(at: position) else { return false }
    position += length
    line += 1
    return true
  }
}

/// Splits text into lines ended by LF, CRLF or CR.
struct LineReader {
  struct Line {
    /// Counted from 1.
    var number: Int
    var bytes: ArraySlice<UInt8>

    var isBlank: Bool { bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 } }
  }

  private let bytes: [UInt8]
  private var position = 0
  private var number = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// The next line without its break, `nil` at the end.
  mutating func next() -> Line? {
    guard position < bytes.count else { return nil }
    let start = position
    while position < bytes.count, bytes.lineBreakLength(at: position) == nil { position += 1 }
    let content = bytes[start..<position]
    if position < bytes.count { position += bytes.lineBreakLength(at: position) ?? 0 }
    number += 1
    return Line(number: number, bytes: content)
  }
}

extension [UInt8] {
  /// The length of the line break at a position: 2 for CRLF, 1 for LF or CR, `nil` for anything else.
  @inline(__always)
  func lineBreakLength(at position: Int) -> Int? {
    let byte = self[position]
    if byte == UInt8(ascii: "\n") { return 1 }
    guard byte == UInt8(ascii: "\r") else { return nil }
    return position + 1 < count && self[position + 1] == UInt8(ascii: "\n") ? 2 : 1
  }
}
