import Testing

@testable import Server

/// Cases of RFC 2046 §5.1 and RFC 7578, and bodies that break them.
@Suite struct MultipartTests {
  private func fields(_ body: String, boundary: String = "AaB03x", count: Int = 8) throws -> [FormField] {
    try MultipartParser.fields(of: Array(body.utf8), boundary: boundary, maximumCount: count)
  }

  private func texts(_ body: String, boundary: String = "AaB03x") throws -> [String: String] {
    let pairs = try fields(body, boundary: boundary).map { ($0.name, String(decoding: $0.content, as: UTF8.self)) }
    return try Dictionary(pairs) { _, _ in throw FormatError("a name stands twice") }
  }

  /// The example of RFC 2046 §5.1.1 with the header that RFC 7578 §4.2 wants: preamble and epilogue are ignored, the line
  /// break before a boundary belongs to the boundary, one more belongs to the content.
  @Test func theExampleOfRFC2046() throws {
    let body =
      "This is the preamble.  It is to be ignored, though it\r\nis a handy place.\r\n\r\n"
      + "--simple boundary\r\ncontent-disposition: form-data; name=implicit\r\n\r\n"
      + "This is implicitly typed plain US-ASCII text.\r\nIt does NOT end with a linebreak.\r\n"
      + "--simple boundary\r\nContent-type: text/plain; charset=us-ascii\r\n"
      + "Content-Disposition: form-data; name=explicit\r\n\r\n"
      + "This is explicitly typed plain US-ASCII text.\r\nIt DOES end with a linebreak.\r\n\r\n"
      + "--simple boundary--\r\n\r\nThis is the epilogue.  It is also to be ignored.\r\n"
    let read = try texts(body, boundary: "simple boundary")
    #expect(
      read == [
        "implicit": "This is implicitly typed plain US-ASCII text.\r\nIt does NOT end with a linebreak.",
        "explicit": "This is explicitly typed plain US-ASCII text.\r\nIt DOES end with a linebreak.\r\n",
      ])
  }

  @Test func whiteSpaceMayFollowABoundary() throws {
    let body = "--AaB03x \t\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n1\r\n--AaB03x--"
    #expect(try texts(body) == ["a": "1"])
  }

  /// "Boundary delimiters must not appear within the encapsulated material": a longer line is no boundary, nor is one
  /// in the middle of a line or after a bare line feed.
  @Test func whatOnlyLooksLikeABoundaryIsContent() throws {
    let content = "\r\n--AaB03xY\r\n--AaB03\r\n x--AaB03x\r\n\n--AaB03x"
    let body = "--AaB03x\r\ncontent-disposition: form-data; name=a\r\n\r\n\(content)\r\n--AaB03x--\r\n"
    #expect(try texts(body) == ["a": content])
  }

  @Test func emptyFieldsAndForms() throws {
    #expect(try texts("--AaB03x\r\ncontent-disposition: form-data; name=a\r\n\r\n\r\n--AaB03x--") == ["a": ""])
    // A part may end with its headers.
    #expect(try texts("--AaB03x\r\ncontent-disposition: form-data; name=a\r\n\r\n--AaB03x--") == ["a": ""])
    #expect(try fields("--AaB03x--\r\n").isEmpty)
  }

  @Test func binaryContentIsKeptAsItIs() throws {
    let content: [UInt8] = [0, 255, 13, 10, 45, 45, 13, 13, 10, 0x80]
    let body =
      Array("--AaB03x\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n".utf8) + content
      + Array("\r\n--AaB03x--\r\n".utf8)
    let field = try #require(MultipartParser.fields(of: body, boundary: "AaB03x", maximumCount: 1).first)
    #expect(Array(field.content) == content && field.name == "image" && field.fileName == "a.png")
  }

  /// RFC 7578 §4.2 and §4.3: repeated names, and names as browsers escape them.
  @Test func namesRepeatAndAreUnescaped() throws {
    let body =
      "--AaB03x\r\ncontent-disposition: form-data; name=\"text\"\r\n\r\none\r\n"
      + "--AaB03x\r\ncontent-disposition: form-data; name=\"text\"; filename=\"say %22hi%22 \\\"x\\\" C:\\dir.png\"\r\n\r\ntwo\r\n"
      + "--AaB03x--"
    let read = try fields(body)
    #expect(read.map(\.name) == ["text", "text"])
    #expect(read[1].fileName == "say \"hi\" \"x\" C:\\dir.png")
  }

  @Test(arguments: [
    ("", "nowhere"), ("no boundary at all", "nowhere"), ("--AaB03xyz\r\n\r\n--AaB03xyz--", "nowhere"),
    ("--AaB03x\r\ncontent-disposition: form-data; name=a\r\n\r\ncut", "cut short"),
    ("--AaB03x\r\n\r\nno headers\r\n--AaB03x--", "no header"),
    ("--AaB03x\r\n--AaB03x--", "no header"),
    ("--AaB03x\r\ncontent-type: text/plain\r\n\r\nx\r\n--AaB03x--", "no header"),
    ("--AaB03x\r\ncontent-disposition: attachment; name=a\r\n\r\nx\r\n--AaB03x--", "no header"),
    ("--AaB03x\r\ncontent-disposition: form-data\r\n\r\nx\r\n--AaB03x--", "no header"),
    ("--AaB03x\r\ncontent-disposition: form-data; name=\"a\r\n\r\nx\r\n--AaB03x--", "never closed"),
    ("--AaB03x\r\nnonsense\r\n\r\nx\r\n--AaB03x--", "name: value"),
    ("--AaB03x\r\ncontent-disposition: form-data;\r\n name=a\r\n\r\nx\r\n--AaB03x--", "name: value"),
    // The example of RFC 7578 §4.5, whose encoding §4.7 deprecates.
    (
      "--AaB03x\r\ncontent-disposition: form-data; name=\"field1\"\r\ncontent-type: text/plain;charset=UTF-8\r\n"
        + "content-transfer-encoding: quoted-printable\r\n\r\nJoe owes =E2=82=AC100.\r\n--AaB03x--",
      "quoted-printable"
    ),
  ])
  func brokenBodiesAreRefused(body: String, reason: String) {
    #expect { try fields(body) } throws: { "\($0)".contains(reason) }
  }

  @Test func limitsHold() {
    let part = "--AaB03x\r\ncontent-disposition: form-data; name=a\r\n\r\nx\r\n"
    #expect { try fields(String(repeating: part, count: 3) + "--AaB03x--", count: 2) } throws: {
      "\($0)".contains("more than 2")
    }
    let long = "--AaB03x\r\nx: \(String(repeating: "y", count: 5000))\r\n\r\nx\r\n--AaB03x--"
    #expect { try fields(long) } throws: { "\($0)".contains("4096") }
    for boundary in ["", "ends with space ", String(repeating: "b", count: 71), "b;c", "b\r\nc", "bä"] {
      #expect(throws: FormatError.self) { try fields("--\(boundary)--", boundary: boundary) }
    }
  }

  /// Every prefix and every single changed byte of a good body is read or refused, never a crash.
  @Test func damageNeverCrashes() {
    let body = Array(
      ("--AaB03x\r\ncontent-disposition: form-data; name=\"a\"; filename=\"b\"\r\n\r\n1\r\n--AaB03x\r\n"
        + "content-disposition: form-data; name=c\r\n\r\n2\r\n--AaB03x--\r\n").utf8)
    for length in 0...body.count {
      _ = try? MultipartParser.fields(of: Array(body[..<length]), boundary: "AaB03x", maximumCount: 2)
    }
    for index in body.indices {
      for byte: UInt8 in [0, 10, 13, 34, 45, 59, 92, 255] {
        var damaged = body
        damaged[index] = byte
        _ = try? MultipartParser.fields(of: damaged, boundary: "AaB03x", maximumCount: 2)
      }
    }
  }
}

@Suite struct HeaderValueTests {
  @Test(arguments: [
    ("text/plain", "text/plain", [:]),
    ("Text/Plain; Charset=UTF-8", "text/plain", ["charset": "UTF-8"]),
    // RFC 2046 §5.1.1: this boundary must be quoted.
    ("multipart/mixed; boundary=\"gc0pJq0M:08jU534c0p\"", "multipart/mixed", ["boundary": "gc0pJq0M:08jU534c0p"]),
    ("a/b ; x = \"q\\\"uo\\\\ted; y\" ; z=1;", "a/b", ["x": "q\"uo\\ted; y", "z": "1"]),
    ("", "", [:]),
  ])
  func parametersAreRead(text: String, value: String, parameters: [String: String]) throws {
    let header = try HeaderValue(text)
    #expect(header.value == value && header.parameters == parameters)
  }

  @Test(arguments: ["a/b; c", "a/b; =c", "a/b; c=", "a/b; c=\"d", "a/b; c=d e", "a/b; c=d; C=e", "a/b; ä=d"])
  func brokenParametersAreRefused(text: String) {
    #expect(throws: FormatError.self) { try HeaderValue(text) }
  }
}
