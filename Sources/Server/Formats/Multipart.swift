import Foundation

/// One field of a form in `multipart/form-data` (RFC 7578).
struct FormField: Equatable {
  var name: String
  /// The name that the sender gives the file, `nil` for a field that is none.
  var fileName: String?
  var content: ArraySlice<UInt8>
}

/// Reads `multipart/form-data` (RFC 2046 §5.1, RFC 7578) from bytes at hand.
///
/// What stands before the first boundary and after the last is ignored. A line that only begins like a boundary belongs to
/// the content.
struct MultipartParser {
  private let bytes: [UInt8]
  /// What separates parts: a line break, two hyphens and the boundary.
  private let delimiter: [UInt8]
  private let maximumCount: Int
  private var position = 0

  /// The longest headers of one part.
  private static let headerLimit = 4096

  /// The fields of a body in their order.
  ///
  /// - Parameter boundary: the parameter of the body's content type.
  static func fields(
    of body: [UInt8], boundary: String, maximumCount: Int
  ) throws(FormatError) -> [FormField] {
    guard isBoundary(boundary) else {
      throw FormatError("the boundary is not 1 to 70 of the characters that RFC 2046 allows")
    }
    var parser = MultipartParser(bytes: body, boundary: boundary, maximumCount: maximumCount)
    return try parser.fields()
  }

  private init(bytes: [UInt8], boundary: String, maximumCount: Int) {
    self.bytes = bytes
    delimiter = Array("\r\n--\(boundary)".utf8)
    self.maximumCount = maximumCount
  }

  private static func isBoundary(_ text: String) -> Bool {
    (1...70).contains(text.utf8.count) && text.last != " "
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "'()+_,-./:=? ".contains($0)) }
  }

  private mutating func fields() throws(FormatError) -> [FormField] {
    // The first boundary may begin the body, without a line break before it.
    guard var end = bytes.starts(with: delimiter.dropFirst(2)) ? lineEnd(after: delimiter.count - 2) : nextDelimiter()
    else { throw FormatError("the boundary of the content type is nowhere in the body") }
    var fields: [FormField] = []
    while case .part(let start) = end {
      // The line break that ends a boundary's line may begin the next boundary.
      position = start - 2
      let contentStart = start
      guard let next = nextDelimiter() else {
        throw FormatError("the last boundary is missing: the body was cut short")
      }
      guard fields.count < maximumCount else { throw FormatError("more than \(maximumCount) fields") }
      fields.append(try field(contentStart..<max(contentStart, delimiterStart)))
      end = next
    }
    return fields
  }

  // MARK: Boundaries

  private enum LineEnd {
    /// A part begins at this byte.
    case part(Int)
    /// It was the last boundary.
    case close
  }

  /// Where the boundary that was found last begins.
  private var delimiterStart = 0

  /// Searches from the position on; `nil` where there is no further boundary.
  private mutating func nextDelimiter() -> LineEnd? {
    while let start = find(delimiter, from: position) {
      position = start + delimiter.count
      if let end = lineEnd(after: position) {
        delimiterStart = start
        return end
      }
    }
    return nil
  }

  /// What follows a boundary on its line: two hyphens, or nothing but white space; `nil` where it is anything else.
  private func lineEnd(after index: Int) -> LineEnd? {
    if bytes[index...].starts(with: [0x2D, 0x2D]) { return .close }
    let end = bytes[index...].drop { $0 == 0x20 || $0 == 0x09 }
    return end.starts(with: [0x0D, 0x0A]) ? .part(end.startIndex + 2) : nil
  }

  /// The first place at or after `start` of `pattern`, which begins with a carriage return.
  private func find(_ pattern: [UInt8], from start: Int) -> Int? {
    bytes.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return nil }
      var index = start
      while index + pattern.count <= bytes.count,
        let found = memchr(base + index, 0x0D, bytes.count - pattern.count + 1 - index)
      {
        index = UnsafeRawPointer(found) - base
        if memcmp(found, pattern, pattern.count) == 0 { return index }
        index += 1
      }
      return nil
    }
  }

  // MARK: Parts

  private func field(_ range: Range<Int>) throws(FormatError) -> FormField {
    let part = bytes[range]
    // An empty line ends the headers; it comes first where there are none.
    let isBare = part.starts(with: [0x0D, 0x0A])
    let headerEnd = isBare ? range.lowerBound : find([0x0D, 0x0A, 0x0D, 0x0A], from: range.lowerBound)
    let headers = part[range.lowerBound..<min(headerEnd ?? range.upperBound, range.upperBound)]
    let contentStart = min((headerEnd ?? range.upperBound) + (isBare ? 2 : 4), range.upperBound)
    guard headers.count <= Self.headerLimit else {
      throw FormatError("the headers of a field have more than \(Self.headerLimit) bytes")
    }
    guard let text = String(validating: headers, as: UTF8.self) else {
      throw FormatError("the headers of a field are not valid UTF-8")
    }
    var disposition: HeaderValue?
    for line in text.components(separatedBy: "\r\n") where !line.isEmpty {
      guard let colon = line.firstIndex(of: ":"), line.first?.isWhitespace == false else {
        throw FormatError("a header of a field is not of the form name: value")
      }
      let value = String(line[line.index(after: colon)...])
      switch line[..<colon].lowercased() {
      case "content-disposition": disposition = try HeaderValue(value)
      case "content-transfer-encoding":
        let encoding = try HeaderValue(value).value
        guard ["binary", "8bit", "7bit"].contains(encoding) else {
          throw FormatError("a field has the content-transfer-encoding '\(encoding)'; send it as it is (RFC 7578 §4.7)")
        }
      default: break
      }
    }
    guard let disposition, disposition.value == "form-data", let name = disposition.parameters["name"] else {
      throw FormatError("a part has no header 'content-disposition: form-data; name=\"…\"'")
    }
    return FormField(
      name: Self.unescaped(name), fileName: disposition.parameters["filename"].map(Self.unescaped),
      content: bytes[contentStart..<range.upperBound])
  }

  /// Browsers write quotes and line breaks of names so.
  private static func unescaped(_ name: String) -> String {
    name.replacing("%22", with: "\"").replacing("%0D", with: "\r").replacing("%0A", with: "\n")
  }
}
